"""Gates: jobs with keys wait as `gated` until the pace, the limit or the pause of every key lets them pass.

All jobs with the same set of keys are alike to the gates, so each tick looks only at the heads of the distinct sets,
merges them in order of priority and virtual time, and lets through what the tokens of all keys allow. Nothing is
reserved beforehand: an urgent job overtakes, a cancelled one costs no slot, a closed gate wastes none.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from jobs import tick_sql
from jobs.models import Gate
from jobs.permits import wake
from jobs.registry import all_tasks

MAX_PASSED_A_TICK = 5_000
MAX_SETS_A_TICK = 10_000
MAX_HELD_A_TICK = 20_000
HEAD_A_TICK = 2_000  # jobs a lane; a claim passes over so many in a few milliseconds
WHOLE_LANE = 2**31 - 1
SEPARATOR = " "


class BadGateKey(ValueError):
    """A gate's key has no spaces, is not empty, and has 200 characters at most."""


@dataclass(frozen=True, slots=True)
class _Head:
    job_id: int
    keys: Sequence[str]


def gate_set(keys: Collection[str]) -> str | None:
    """Write a set of keys as the ledger keeps it: sorted, a space between two; None for the empty set."""
    for key in keys:
        if not key or SEPARATOR in key or len(key) > 200:
            raise BadGateKey(f"{BadGateKey.__doc__} This one is {key!r}.")
    return SEPARATOR.join(sorted(keys)) or None


# --- what code and staff say ------------------------------------------------------------------------
def set_gate(key: str, *, rate_per_s: float | None = None, burst: float = 1, max_in_flight: int | None = None) -> None:
    """Set the pace of a key: `rate_per_s` jobs a second, `burst` of them at once after a rest.

    Setting the same again changes nothing, so that callers need not ask first. What staff have set goes before it.

    Args:
        key: what is limited.
        rate_per_s: None for no pace.
        burst: at least 1.
        max_in_flight: how many jobs with the key may be due or running at once; None for any number.
    """
    gate_set([key])
    Gate.objects.bulk_create(
        [Gate(key=key, rate_per_s=rate_per_s, burst=burst, tokens=burst, max_in_flight=max_in_flight)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["rate_per_s", "burst", "max_in_flight"],
    )


def override_gate(key: str, *, rate_per_s: float | None, burst: float | None = None) -> None:
    """Set, as staff, a pace that goes before the declared one; None takes it away."""
    gate_set([key])
    Gate.objects.update_or_create(
        key=key,
        defaults={"staff_rate_per_s": rate_per_s, "staff_burst": burst},
        create_defaults={"staff_rate_per_s": rate_per_s, "staff_burst": burst, "tokens": burst or 1},
    )
    if rate_per_s is not None and key.startswith(("task:", "tenant:")):
        hold_pending(key)


def pause(key: str) -> None:
    """Let nothing with the key pass, and nothing of a queue, a task or a tenant be claimed, until resume(key)."""
    gate_set([key])
    Gate.objects.update_or_create(key=key, defaults={"is_paused": True})


def resume(key: str) -> None:
    """Undo pause(key)."""
    Gate.objects.filter(key=key).update(is_paused=False)
    if key.startswith(("task:", "tenant:", "queue:")):  # these hold jobs by being there: one that holds nothing goes
        Gate.objects.filter(
            key=key, is_paused=False, rate_per_s=None, staff_rate_per_s=None, max_in_flight=None, closed_until=None
        ).delete()
    if key.startswith("queue:"):
        transaction.on_commit(lambda: wake({key.removeprefix("queue:"): 1}))


def close_gate(key: str, *, for_s: float) -> None:
    """Let nothing with the key pass for a while: a circuit breaker opens."""
    gate_set([key])
    until = Now() + timedelta(seconds=for_s)
    Gate.objects.update_or_create(key=key, defaults={"closed_until": until})


def open_gate(key: str) -> None:
    """Undo close_gate(key) before its time."""
    Gate.objects.filter(key=key).update(closed_until=None)


def take_turn(key: str, *, for_s: float) -> float:
    """Close the gate for a while unless it is closed or paused: of several callers one has the turn.

    Returns 0 to the one who has it, else the seconds until the gate opens.
    """
    gate_set([key])
    Gate.objects.bulk_create([Gate(key=key)], ignore_conflicts=True)
    is_open = Q(closed_until=None) | Q(closed_until__lte=Now())
    until = Now() + timedelta(seconds=for_s)
    if Gate.objects.filter(is_open, key=key, is_paused=False).update(closed_until=until):
        return 0
    left = Gate.objects.filter(key=key, closed_until__gt=Now()).values_list(F("closed_until") - Now(), flat=True)
    return max((it.total_seconds() for it in left), default=for_s)


def lift_gate(key: str) -> None:
    """Undo set_gate(key) and close_gate(key); what staff have set stays."""
    Gate.objects.filter(key=key).update(rate_per_s=None, max_in_flight=None, closed_until=None)
    Gate.objects.filter(key=key, is_paused=False, staff_rate_per_s=None).delete()


def charge(key: str, jobs: float) -> None:
    """Take tokens from a pace for what a job did beyond its own one; the next jobs wait until they have grown back."""
    Gate.objects.filter(key=key).update(tokens=F("tokens") - jobs)


def declare_gates() -> None:
    """Set the paces that tasks declare."""
    for task in all_tasks():
        for key, pace in task.gates.items():
            set_gate(key, rate_per_s=pace.rate_per_s, burst=pace.burst)


def paused_queues() -> set[str]:
    """Name the queues that are paused."""
    keys = Gate.objects.filter(is_paused=True, key__startswith="queue:").values_list("key", flat=True)
    return {key.removeprefix("queue:") for key in keys}


# --- what each tick does ----------------------------------------------------------------------------
def pass_gates() -> Counter[str]:
    """Let through what the gates allow, in order of priority and virtual time; count what became due, by queue."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tick_sql.GATE_SETS, [MAX_SETS_A_TICK])
        sets = [row[0] for row in cursor.fetchall()]
        if not sets:
            return Counter()
        room = _room(cursor, sets)
        wanted = {gate: min(_allowance(gate.split(SEPARATOR), room), MAX_PASSED_A_TICK) for gate in sets}
        heads = _heads(cursor, {gate: most for gate, most in wanted.items() if most > 0})
        chosen = choose(heads, room)[:MAX_PASSED_A_TICK]
        if not chosen:
            return Counter()
        cursor.execute(tick_sql.OPEN_GATES, [chosen])
        passed = cursor.fetchall()
        spent = Counter(key for _, gate in passed for key in gate.split(SEPARATOR))
        cursor.execute(tick_sql.SPEND_TOKENS, [sorted(spent), [spent[key] for key in sorted(spent)]])
        return Counter(queue for queue, _ in passed)


def choose(heads: Iterable[_Head], room: Mapping[str, float]) -> list[int]:
    """Choose, in the order given, the jobs all of whose keys have room; a key without an entry has no end of it."""
    left = dict(room)
    chosen = []
    for head in heads:
        if all(left.get(key, 1) >= 1 for key in head.keys):
            chosen.append(head.job_id)
            for key in head.keys:
                if key in left:
                    left[key] -= 1
    return chosen


def hold_paused() -> int:
    """Gate the due jobs of tenants and tasks that are paused, some at a time; return how many."""
    paused = Gate.objects.filter(is_paused=True)
    keys = [key for key in paused.values_list("key", flat=True) if key.startswith(("task:", "tenant:"))]
    return sum(hold_pending(key, head=HEAD_A_TICK) for key in keys)


def hold_pending(key: str, *, head: int = WHOLE_LANE) -> int:
    """Gate due jobs of the task or tenant that the key names and that do not have it; return how many.

    Args:
        key: `task:NAME` or `tenant:NAME`.
        head: how many of each lane's next jobs are looked at; a paused one that stands further back comes later.
    """
    kind, _, name = key.partition(":")
    of_task = kind == "task"
    queues = [task.queue for task in all_tasks() if task.name == name] if of_task else list(settings.JOB_QUEUES)
    with connection.cursor() as cursor:
        cursor.execute(
            tick_sql.GATE_PENDING_OF_TASK if of_task else tick_sql.GATE_PENDING_OF_TENANT,
            {"key": key, "name": name, "queues": queues, "head": head, "limit": MAX_HELD_A_TICK},
        )
        return int(cursor.fetchone()[0])


def _room(cursor: Any, sets: Sequence[str]) -> dict[str, float]:
    """Return how many jobs may pass now, by key; a key that is not in it holds nothing."""
    keys = sorted({key for gate in sets for key in gate.split(SEPARATOR)})
    cursor.execute(tick_sql.REFILL_GATES, [keys])
    gates = cursor.fetchall()
    flying = _in_flight(cursor, {key: limit for key, _, limit, _ in gates if limit is not None})
    room: dict[str, float] = {}
    for key, tokens, limit, is_open in gates:
        if not is_open:
            room[key] = 0
            continue
        bounds = [bound for bound in (tokens, None if limit is None else limit - flying[key]) if bound is not None]
        if bounds:
            room[key] = min(bounds)
    return room


def _in_flight(cursor: Any, limits: Mapping[str, int]) -> Counter[str]:
    """Count what is due or running behind the keys that limit it."""
    flying: Counter[str] = Counter()
    if not limits:
        return flying
    cursor.execute(tick_sql.IN_FLIGHT, {"limited": list(limits), "most": max(limits.values())})
    for gate, count in cursor.fetchall():
        for key in gate.split(SEPARATOR):
            flying[key] += count
    return flying


def _allowance(keys: Iterable[str], room: Mapping[str, float]) -> int:
    return int(min((room[key] for key in keys if key in room), default=MAX_PASSED_A_TICK))


def _heads(cursor: Any, wanted: Mapping[str, int]) -> list[_Head]:
    if not wanted:
        return []
    cursor.execute(tick_sql.GATED_HEADS, [list(wanted), list(wanted.values())])
    return [_Head(job_id, gate.split(SEPARATOR)) for job_id, gate, *_ in cursor.fetchall()]
