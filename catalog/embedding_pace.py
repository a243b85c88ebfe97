"""The pace of jobs that embed, where the embedder has one: whole batches take turns, and nobody waits in a worker.

A gate counts jobs, and a pace like Gemini's counts calls, of which a full batch is one. So the pace is kept by turns: a
batch that takes the turn closes the embedder's gate until the next call may be made, and its task's gate with it. What
piles up behind that meanwhile is let through at once, a batch's worth of it, and is one call again.
"""

from collections.abc import Callable

from catalog.embedders.contract import Embedder, PacedEmbedder
from jobs.batch import Batch
from jobs.errors import QuotaExceededError, RateLimitedError
from jobs.gates import charge, close_gate, hold_pending, lift_gate, open_gate, set_gate, take_turn
from jobs.models import Gate
from jobs.registry import get_task
from marketplace.gemini.errors import GeminiPaced

# One batch an hour finds out whether a used-up quota is there again; the others wait instead of failing.
QUOTA_WAIT_S = 3600.0
UNTOLD_WAIT_S = 60.0


def at_pace(batch: Batch, work: Callable[[], None], *, embedder: Embedder) -> None:
    """Call work() when it is the batch's turn; otherwise hold the batch, which spends nothing.

    Raises what work() does. Where the embedder asks for a rest or its quota is used up, the gates are closed as well,
    so that others do not run into the same.
    """
    key = f"task:{batch.jobs[0].task}"
    if not isinstance(embedder, PacedEmbedder):
        if any(_is_behind(job.gate, key) for job in batch.jobs):
            lift_gate(key)
        work()
        return
    _declare(key, embedder, size=get_task(batch.jobs[0].task).batch_size)
    wait_s = take_turn(embedder.gate, for_s=embedder.seconds_a_call)
    if wait_s:
        _hold(batch, key, wait_s)
        return
    close_gate(key, for_s=embedder.seconds_a_call)
    calls = embedder.calls
    try:
        work()
    except GeminiPaced as error:
        _close(embedder.gate, key, for_s=_wait_s(error))
        _hold(batch, key, _wait_s(error))
        return
    except RateLimitedError as error:
        _close(embedder.gate, key, for_s=_wait_s(error))
        raise
    except QuotaExceededError:
        _close(embedder.gate, key, for_s=QUOTA_WAIT_S)
        raise
    if embedder.calls == calls:  # all vectors were in store: the turn goes to the next, and costs no tokens
        open_gate(embedder.gate)
        open_gate(key)
        charge(key, -float(len(batch)))


def _declare(key: str, embedder: PacedEmbedder, *, size: int) -> None:
    """Let a batch's worth of jobs through at once when the gate opens, and gate those that wait without it."""
    rate = size / embedder.seconds_a_call
    if not Gate.objects.filter(key=key, rate_per_s=rate, burst=size).exists():
        set_gate(key, rate_per_s=rate, burst=size)
        hold_pending(key)


def _hold(batch: Batch, key: str, wait_s: float) -> None:
    close_gate(key, for_s=wait_s)
    gated = [job for job in batch.open_jobs if _is_behind(job.gate, key)]
    for job in gated:
        batch.hold(job)
    if batch.open_jobs:  # from before the embedder had a pace: they have no gate to wait behind
        hold_pending(key)
    for job in batch.open_jobs:
        batch.fail(job, GeminiPaced(retry_after_s=wait_s))


def _close(*keys: str, for_s: float) -> None:
    for key in keys:
        close_gate(key, for_s=for_s)


def _is_behind(gate: str | None, key: str) -> bool:
    return key in (gate or "").split()


def _wait_s(error: RateLimitedError) -> float:
    return UNTOLD_WAIT_S if error.retry_after_s is None else error.retry_after_s
