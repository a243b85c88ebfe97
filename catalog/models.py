"""What the catalog keeps for itself beside the marketplace's products."""

import uuid

from django.db import models
from django.db.models.functions import Now

from marketplace.models import Category, Product, Seller, SyncRun


class StoredVector(models.Model):
    """The vector of one input under one embedder, kept so that equal input and a reindex cost nothing."""

    fingerprint = models.CharField(max_length=64)
    input_hash = models.CharField(max_length=64)
    vector = models.BinaryField(help_text="768 little-endian float32 of L2 norm 1.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fingerprint", "input_hash"], name="vector_once_an_input")]

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.input_hash[:12]}"


class Site(models.Model):
    """What is known of one shop's site (site intelligence), kept for seven days."""

    host = models.CharField(max_length=255, unique=True, help_text="With its port where that is not the scheme's own.")
    source = models.CharField(max_length=20, blank=True)
    evidence = models.JSONField(default=list, help_text="[{source, weight, reason}], the most certain first.")
    robots = models.JSONField(default=dict, help_text="{status, crawl_delay_s, sitemaps}")
    sitemaps = models.JSONField(default=list, help_text="[{address, entries, products, problem}]")
    navigation = models.JSONField(default=list, help_text="[{name, address, kind, count, children}]")
    templates = models.JSONField(default=dict, help_text="What addresses of products and of lists look like here.")
    needs_browser = models.BooleanField(null=True, help_text="Whether pages show their content only in a browser.")
    read_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


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


class ScrapingJob(models.Model):
    """One request to read something from a site, with what came of it, kept for a set time."""

    class Type(models.TextChoices):
        FULL_SITE = "full_site"
        CATEGORY_SEARCH = "category_search"
        PRODUCT = "product"
        SEARCH = "search"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, null=True, blank=True, related_name="scraping_jobs")
    site = models.ForeignKey(Site, on_delete=models.SET_NULL, null=True, blank=True, related_name="scraping_jobs")
    sync = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="scraping_jobs")
    job_id = models.BigIntegerField(null=True, blank=True, help_text="Its job on the ledger.")
    scraping_type = models.CharField(max_length=20, choices=Type)
    target_url = models.URLField(max_length=2000)
    parameters = models.JSONField(default=dict)
    summary = models.JSONField(default=dict, blank=True)
    raw_result = models.BinaryField(null=True, blank=True, help_text="JSON, compressed by zlib.")
    products = models.ManyToManyField(Product, blank=True, related_name="scraping_jobs")
    categories = models.ManyToManyField(Category, blank=True, related_name="scraping_jobs")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["expires_at"], name="scrapingjob_expires")]

    def __str__(self) -> str:
        return f"{self.scraping_type} {self.id}"


class FeedImport(models.Model):
    """One reading of a product feed: a file that a seller gave, or what stood at an address."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="feed_imports")
    sync = models.ForeignKey(SyncRun, on_delete=models.CASCADE, null=True, blank=True, related_name="feed_imports")
    name = models.CharField(max_length=200, help_text="The file's name, or the address.")
    kind = models.CharField(max_length=20, blank=True)
    file = models.FileField(max_length=300, blank=True)
    rows = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class FeedRowError(models.Model):
    """One row of a feed that was refused, or a field of it that was left out, and why."""

    feed = models.ForeignKey(FeedImport, on_delete=models.CASCADE, related_name="row_errors")
    number = models.PositiveIntegerField(help_text="Of the row, from 1.")
    field = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=100)
    message = models.TextField()
    excerpt = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["feed_id", "number", "id"]
        indexes = [models.Index(fields=["feed", "number"], name="feedrowerror_row")]

    def __str__(self) -> str:
        return f"row {self.number}: {self.code}"
