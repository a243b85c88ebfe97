"""Domains as rows: how each stands before a batch, what the batch saw of it, and the gates that follow from that.

A domain's row is locked while it is changed, several in the order of their hosts; so what several workers see is
counted one after the other, and a probe is taken by one of them. Gates are changed in the same transaction.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.hosts import host_of
from catalog.politeness import breaker, pace
from catalog.politeness.breaker import Circuit, State
from catalog.politeness.gates import gate_keys, list_rate_of, rate_of
from catalog.politeness.manners import Manners, Standing
from catalog.politeness.models import Domain, DomainEvent
from catalog.politeness.tally import Tally
from jobs.gates import charge, close_gate, open_gate, set_gate

logger = logging.getLogger(__name__)

KEPT_EVENTS = 500  # a domain
WRITTEN = (
    "breaker",
    "retry_at",
    "openings",
    "delay_s",
    "latency_s",
    "requests",
    "failures",
    "blocks",
    "failures_in_a_row",
    "recent_requests",
    "recent_troubles",
    "crawl_delay_s",
    "last_code",
    "last_message",
    "updated_at",
)


# --- before and after a batch ------------------------------------------------------------------------
def meet(addresses: Iterable[str]) -> Manners:
    """Return the manners of a batch that will ask these addresses; takes the probes that are due among their hosts."""
    hosts = {host_of(address) for address in addresses} - {""}
    unwell = Domain.objects.filter(host__in=hosts).exclude(Q(breaker=State.CLOSED) & Q(retry_at=None))
    standings = []
    for domain in unwell.order_by("host"):
        now = timezone.now()
        if breaker.taken(circuit_of(domain), now=now) is None:
            standings.append(standing_of(domain))
        else:
            standings.append(_take_probe(domain.pk, now))
    return Manners(standings)


def settle_manners(manners: Manners) -> dict[str, Standing]:
    """Write what a batch saw, and return how each domain stands then, by host.

    It is written before the jobs are settled, and by itself: what a site did is so whoever holds the jobs now, and
    its gates must be shut when they come back. While PostgreSQL is away it is lost, and the next batch sees it again.
    """
    probes = {host: it.probe for host, it in manners.standings.items() if it.probe is not None}
    tallies = {host: manners.tallies.get(host, Tally()) for host in {*manners.tallies, *probes}}
    if not tallies:
        return dict(manners.standings)
    try:
        with transaction.atomic():
            written = [
                _write(domain, tallies[domain.host], probe=probes.get(domain.host))
                for domain in _locked(tallies.keys())
            ]
    except (OperationalError, InterfaceError) as error:
        logger.warning("what sites did is not written down", extra={"hosts": sorted(tallies), "error": str(error)})
        connection.close()
        return dict(manners.standings)
    return {**manners.standings, **{domain.host: standing_of(domain) for domain in written}}


def charge_extra(manners: Manners, addresses: Iterable[str]) -> None:
    """Have the hosts' paces pay for what the jobs of these addresses asked beyond one request each."""
    jobs = Counter(host_of(address) for address in addresses)
    for host, seen in sorted(manners.tallies.items()):
        extra = seen.requests - jobs[host]
        if extra > 0:
            charge(gate_keys(host)[0], extra)


def circuit_of(domain: Domain) -> Circuit:
    """Return the row's breaker."""
    return Circuit(
        state=State(domain.breaker),
        openings=domain.openings,
        in_a_row=domain.failures_in_a_row,
        recent_requests=domain.recent_requests,
        recent_troubles=domain.recent_troubles,
        retry_at=domain.retry_at,
        seen_at=domain.updated_at,
    )


def standing_of(domain: Domain, *, probe: datetime | None = None) -> Standing:
    """Return how the domain stands."""
    circuit = circuit_of(domain)
    return Standing(
        host=domain.host,
        state=circuit.state,
        retry_at=circuit.retry_at,
        is_refusing=circuit.is_refusing and circuit.state is State.OPEN,
        in_a_row=circuit.in_a_row,
        reason=domain.last_message,
        probe=probe,
    )


def _locked(hosts: Collection[str]) -> list[Domain]:
    """Return the hosts' rows, locked in the order of their names; those that are new are created."""
    rows = Domain.objects.filter(host__in=hosts).order_by("host").select_for_update()
    found = list(rows)
    if len(found) == len(hosts):
        return found
    known = {domain.host for domain in found}
    new = [Domain(host=host) for host in sorted(hosts) if host and len(host) <= 255 and host not in known]
    Domain.objects.bulk_create(new, ignore_conflicts=True)
    return list(rows.all())


def _take_probe(pk: int, now: datetime) -> Standing:
    """Take the domain's probe, unless somebody was faster."""
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(pk=pk)
        circuit = breaker.taken(circuit_of(domain), now=now)
        if circuit is None:
            return standing_of(domain)
        keep_circuit(domain, circuit)
        domain.save(update_fields=WRITTEN)
        apply_gates(domain)
        tell(domain, "probe", "One job may ask, to see whether the site answers again.")
    return standing_of(domain, probe=circuit.retry_at)


def _write(domain: Domain, seen: Tally, *, probe: datetime | None) -> Domain:
    now = timezone.now()
    before = circuit_of(domain)
    circuit = breaker.after(before, seen, now=now, probe=probe)
    if seen.crawl_delay_s is not None:
        domain.crawl_delay_s = seen.crawl_delay_s
    old_delay_s = domain.delay_s
    learned = pace.adapted(
        pace.Pace(domain.delay_s, domain.latency_s),
        seen,
        base_s=base_delay_of(domain.host),
        crawl_delay_s=domain.crawl_delay_s,
    )
    domain.delay_s, domain.latency_s = learned.delay_s, learned.latency_s
    domain.requests += seen.requests
    domain.failures += seen.failures
    domain.blocks += seen.blocks + seen.limits
    if seen.last_code:
        domain.last_code, domain.last_message = seen.last_code, seen.last_message
    keep_circuit(domain, circuit)
    domain.save(update_fields=WRITTEN)
    is_moved = (before.state, before.retry_at) != (circuit.state, circuit.retry_at)
    if is_moved or old_delay_s != domain.delay_s:
        apply_gates(domain)
    _tell_story(domain, before, circuit, seen, old_delay_s)
    return domain


def keep_circuit(domain: Domain, circuit: Circuit) -> None:
    """Copy the breaker into the row, which the caller saves."""
    domain.breaker = Domain.Breaker(circuit.state.value)
    domain.openings = circuit.openings
    domain.failures_in_a_row = circuit.in_a_row
    domain.recent_requests = circuit.recent_requests
    domain.recent_troubles = circuit.recent_troubles
    domain.retry_at = circuit.retry_at


# --- the gates -----------------------------------------------------------------------------------------
def base_delay_of(host: str) -> float:
    """Return the seconds between two requests that the settings allow to this host."""
    return 1.0 / rate_of(f"http://{host}/")


def set_paces(addresses: Iterable[str], *, with_lists: bool = False) -> None:
    """Set the pace of each address's host, and of its lists, as the settings say and as it was learned."""
    hosts = {host_of(address) for address in addresses} - {""}
    known = {domain.host: domain for domain in Domain.objects.filter(host__in=hosts)}
    for host in sorted(hosts):
        _set_pace(known.get(host) or Domain(host=host), with_lists=with_lists, with_pictures=False)


def apply_gates(domain: Domain) -> None:
    """Bring the host's gates in line with its row: the pace, and who may pass while its breaker is not closed."""
    _set_pace(domain, with_lists=True, with_pictures=True)
    circuit, now = circuit_of(domain), timezone.now()
    is_shut = circuit.is_resting(now) and not (circuit.is_refusing and circuit.state is State.OPEN)
    for key in gate_keys(domain.host):
        if is_shut and circuit.retry_at is not None:
            close_gate(key, for_s=(circuit.retry_at - now).total_seconds())
        else:
            open_gate(key)


def _set_pace(domain: Domain, *, with_lists: bool, with_pictures: bool) -> None:
    circuit = circuit_of(domain)
    is_one_by_one = circuit.state is not State.CLOSED and not (circuit.is_refusing and circuit.state is State.OPEN)
    most = 1 if is_one_by_one else None
    address = f"http://{domain.host}/"
    learned = 1.0 / domain.delay_s if domain.delay_s else None
    pages, lists, pictures = gate_keys(domain.host)
    rate = min(rate_of(address), learned or rate_of(address))
    set_gate(pages, rate_per_s=rate, burst=max(1.0, rate), max_in_flight=most)
    if with_lists:
        rate = min(list_rate_of(address), learned or rate)
        set_gate(lists, rate_per_s=rate, burst=max(1.0, rate), max_in_flight=most)
    if with_pictures:
        set_gate(pictures, rate_per_s=learned, burst=max(1.0, learned or 1.0), max_in_flight=most)


# --- the story -----------------------------------------------------------------------------------------
def tell(domain: Domain, kind: str, message: str, *, code: str = "") -> None:
    """Add a line to the domain's story, of which the newest are kept."""
    DomainEvent.objects.create(domain=domain, kind=kind, code=code, message=message)
    oldest = domain.events.order_by("-id").values_list("pk", flat=True)[KEPT_EVENTS : KEPT_EVENTS + 1].first()
    if oldest is not None:
        domain.events.filter(pk__lte=oldest).delete()


def _tell_story(domain: Domain, before: Circuit, circuit: Circuit, seen: Tally, old_delay_s: float) -> None:
    if before.state is not State.OPEN and circuit.state is State.OPEN:
        if before.state is State.HALF_OPEN and not seen.trailing:
            return tell(domain, "no_probe", "The job that was to ask never did; the next one may.")
        kind = "opened" if before.state is State.CLOSED else "reopened"
        message = f"No request until {_clock(circuit.retry_at)}: {seen.last_message}"
        if circuit.is_refusing:
            kind, message = "refused", f"Nobody waits for the site any longer: {seen.last_message}"
        return tell(domain, kind, message, code=seen.last_code)
    if before.state is State.HALF_OPEN and circuit.state is State.CLOSED:
        return tell(domain, "closed", "The site answers again.")
    if seen.limits:
        message = f"{_pace_text(domain.delay_s or base_delay_of(domain.host))} from now on: {seen.last_message}"
        return tell(domain, "slowed", message, code=seen.last_code)
    if old_delay_s and not domain.delay_s:
        tell(domain, "recovered", f"{_pace_text(base_delay_of(domain.host))} again, as the settings say.")
    return None


def _pace_text(delay_s: float) -> str:
    return f"One request every {delay_s:.3g} s"


def _clock(moment: datetime | None) -> str:
    return f"{moment:%H:%M:%S}" if moment else "somebody asks"
