"""How hosts bear our requests."""

from django.db import models


class Domain(models.Model):
    """How one host bears our requests: its pace, and its circuit breaker."""

    class Breaker(models.TextChoices):
        CLOSED = "closed"
        OPEN = "open"
        HALF_OPEN = "half_open", "half open"

    host = models.CharField(max_length=255, unique=True, help_text="With its port where that is not the scheme's own.")
    breaker = models.CharField(max_length=10, choices=Breaker, default=Breaker.CLOSED)
    retry_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Open: when a probe is let through. Half open: the probe's last moment. Closed: end of a rest.",
    )
    openings = models.PositiveIntegerField(default=0, help_text="In a row, without a success between.")
    delay_s = models.FloatField(default=0, help_text="Between two requests, as learned; 0: as the settings say.")
    latency_s = models.FloatField(default=0, help_text="Smoothed.")
    requests = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)
    blocks = models.PositiveBigIntegerField(default=0)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    recent_requests = models.FloatField(default=0, db_default=0, help_text="Each counts half after a minute.")
    recent_troubles = models.FloatField(default=0, db_default=0)
    crawl_delay_s = models.FloatField(default=0, db_default=0, help_text="As robots.txt asks for; 0: it does not.")
    last_code = models.CharField(max_length=100, blank=True)
    last_message = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


class DomainEvent(models.Model):
    """One line of a domain's story: slowed down, breaker opened, probe let through, closed again, refused."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20)
    code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}".strip()
