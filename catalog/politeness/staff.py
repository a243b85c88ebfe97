"""What staff may do to a domain. Each act says why, and leaves an audit row and a line of the domain's story."""

from django.db import transaction
from django.utils import timezone

from catalog.politeness import breaker
from catalog.politeness.breaker import Circuit
from catalog.politeness.domains import apply_gates, circuit_of, keep_circuit, tell
from catalog.politeness.gates import gate_keys
from catalog.politeness.models import Domain
from jobs import audit
from jobs.gates import override_gate
from jobs.models import Gate


def open_breaker(host: str, *, for_s: float, actor: str, reason: str) -> None:
    """Let nothing be asked of the domain for so long; then one probe.

    Raises:
        Domain.DoesNotExist, ReasonMissing.
    """
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(host=host)
        circuit = breaker.forced_open(circuit_of(domain), now=timezone.now(), for_s=for_s)
        _change(domain, circuit, f"Nothing is asked for {for_s:g} s", actor=actor, reason=reason)
        audit.record(
            actor=actor, action="open breaker", subject=f"domain {host}", reason=reason, matching={"for_s": for_s}
        )


def close_breaker(host: str, *, actor: str, reason: str) -> None:
    """Ask the domain again now, as if nothing had been.

    Raises:
        Domain.DoesNotExist, ReasonMissing.
    """
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(host=host)
        circuit = breaker.forced_closed(now=timezone.now())
        _change(domain, circuit, "It is asked again now", actor=actor, reason=reason)
        audit.record(actor=actor, action="close breaker", subject=f"domain {host}", reason=reason)


def slow_down(host: str, *, delay_s: float | None, actor: str, reason: str) -> None:
    """Put a pace of the staff's before the learned one: so many seconds between two requests; None takes it away.

    Raises:
        Domain.DoesNotExist, ReasonMissing.
    """
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(host=host)
        pages, lists, _ = gate_keys(host)
        for key in (pages, lists):
            override_gate(key, rate_per_s=1 / delay_s if delay_s else None, burst=1 if delay_s else None)
        done = f"One request every {delay_s:g} s" if delay_s else "The learned pace holds again"
        tell(domain, "staff", f"{done}: {reason} ({actor})")
        audit.record(
            actor=actor, action="slow down domain", subject=f"domain {host}", reason=reason,
            matching={"delay_s": delay_s},
        )  # fmt: skip


def staff_delay_of(host: str) -> float | None:
    """Return the seconds between two requests that staff have set; None where they have not."""
    rate = Gate.objects.filter(key=gate_keys(host)[0]).values_list("staff_rate_per_s", flat=True).first()
    return 1 / rate if rate else None


def _change(domain: Domain, circuit: Circuit, done: str, *, actor: str, reason: str) -> None:
    keep_circuit(domain, circuit)
    domain.save()
    apply_gates(domain)
    tell(domain, "staff", f"{done}: {reason} ({actor})")
