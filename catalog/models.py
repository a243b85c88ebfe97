"""What the catalog keeps for itself beside the marketplace's products."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now

from catalog.ranking.groups import check_group
from jobs.models import Priority
from jobs.sealing import TEXT_PREFIX
from marketplace.models import Category, Product, Seller, SyncRun


class StoredVector(models.Model):
    """The vector of one text or picture under one embedder, kept so that equal input and a reindex cost nothing."""

    fingerprint = models.CharField(max_length=64)
    input_hash = models.CharField(max_length=64)
    text = models.TextField(blank=True, default="", db_default="", help_text="What was embedded; empty for a picture.")
    vector = models.BinaryField(help_text="768 little-endian float32 of L2 norm 1; empty: the picture is unreadable.")
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


class ScrapingJob(models.Model):
    """One request to read something from a site, with what came of it, kept for a set time."""

    class Type(models.TextChoices):
        FULL_SITE = "full_site"
        CATEGORY_SEARCH = "category_search"
        PRODUCT = "product"
        SEARCH = "search"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, null=True, blank=True, related_name="scraping_jobs")
    site = models.ForeignKey(Site, on_delete=models.SET_NULL, null=True, blank=True, related_name="scraping_jobs")
    sync = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="scraping_jobs")
    job_id = models.BigIntegerField(null=True, blank=True, help_text="Its job on the ledger: that of the last step.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_default=Status.QUEUED)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL)
    progress_pct = models.FloatField(default=0, db_default=0)
    message = models.CharField(max_length=300, blank=True, default="", db_default="", help_text="What it did last.")
    error_code = models.CharField(max_length=100, blank=True, default="", db_default="")
    error_message = models.TextField(blank=True, default="", db_default="")
    pages = models.PositiveIntegerField(default=0, db_default=0, help_text="Pages of lists or results read so far.")
    frontier = models.JSONField(null=True, blank=True, help_text="The steps that are left; null once it has ended.")
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
        indexes = [
            models.Index(fields=["expires_at"], name="scrapingjob_expires"),
            models.Index(fields=["seller", "-created_at", "id"], name="scrapingjob_of_seller"),
        ]

    def __str__(self) -> str:
        return f"{self.scraping_type} {self.id}"

    @property
    def is_final(self) -> bool:
        """Tell whether it has ended, however that was."""
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)


class MilestoneMinute(models.Model):
    """What the reading of catalogs passed in one minute: a milestone, how often, and how many things at once."""

    minute = models.DateTimeField()
    milestone = models.CharField(max_length=20)
    worker_id = models.BigIntegerField(default=0, help_text="So that workers do not wait for each other's row.")
    times = models.PositiveBigIntegerField(default=0)
    items = models.PositiveBigIntegerField(default=0)
    problems = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["minute", "milestone", "worker_id"], name="milestone_once_a_minute")
        ]

    def __str__(self) -> str:
        return f"{self.milestone} {self.minute:%H:%M}"


class CatalogConnection(models.Model):
    """A seller's own access to the interface of a platform that shows the public nothing."""

    class Kind(models.TextChoices):
        WHATSAPP_GRAPH = "whatsapp-graph", "WhatsApp by Meta's Graph API"

    seller = models.OneToOneField(Seller, on_delete=models.CASCADE, related_name="catalog_connection")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.WHATSAPP_GRAPH)
    catalog_id = models.CharField(max_length=40, blank=True, help_text="Empty: every catalog of the account.")
    account_id = models.CharField(max_length=40, blank=True, help_text="Of the WhatsApp Business Account.")
    token = models.TextField(help_text="Encrypted under JOB_ENCRYPTION_KEYS; never shown.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(catalog_id="") | ~models.Q(account_id=""), name="connection_names_a_catalog"
            ),
            models.CheckConstraint(
                condition=models.Q(token__startswith=f"{TEXT_PREFIX}gAAAA"), name="connection_token_is_sealed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of seller {self.seller_id}"


class SearchMinute(models.Model):
    """What happened to searches in one minute, by the names of catalog.search.counting, and how often."""

    minute = models.DateTimeField()
    name = models.CharField(max_length=20)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["minute", "name"], name="search_name_once_a_minute")]

    def __str__(self) -> str:
        return f"{self.name} {self.minute:%H:%M}"


class SearchQuery(models.Model):
    """What people looked for on one day, and how often they found nothing; not who they were."""

    day = models.DateField()
    query = models.CharField(max_length=100)
    searches = models.PositiveBigIntegerField(default=0)
    empty = models.PositiveBigIntegerField(default=0, help_text="Searches that found nothing.")

    class Meta:
        verbose_name_plural = "search queries"
        ordering = ["-day", "-searches", "query"]
        constraints = [models.UniqueConstraint(fields=["day", "query"], name="search_query_once_a_day")]

    def __str__(self) -> str:
        return self.query


class SearchIndex(models.Model):
    """One index of all products under one embedder: searches go to the active one, another may be in the making."""

    class State(models.TextChoices):
        BUILDING = "building"
        ACTIVE = "active"
        RETIRED = "retired"
        FAILED = "failed"
        CANCELLED = "cancelled"

    embedder = models.CharField(max_length=40, help_text="Its name in the settings.")
    fingerprint = models.CharField(max_length=64, blank=True)
    picture_fingerprint = models.CharField(max_length=64, blank=True)
    collection = models.CharField(max_length=255, blank=True, help_text="Its products, in Milvus.")
    pictures_collection = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.BUILDING)
    step = models.PositiveIntegerField(default=0, help_text="How many steps of the building are done.")
    cursor = models.BigIntegerField(default=0, help_text="The last product of the first pass.")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    requested_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    reconciliation = models.JSONField(default=dict, blank=True, help_text="What the last comparison found.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it became active, or was given up.")
    retired_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True, help_text="When its collections were taken away.")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "search indexes"
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state__in=["active", "building"]),
                name="one_active_and_one_building_index",
            )
        ]

    def __str__(self) -> str:
        return f"{self.embedder} {self.state}"


class IndexChange(models.Model):
    """A product whose row was looked at while another index was in the making: that one has to look too."""

    search_index = models.ForeignKey(SearchIndex, on_delete=models.CASCADE, related_name="changes")
    product_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["search_index", "product_id"], name="change_once_an_index")]

    def __str__(self) -> str:
        return f"product {self.product_id}"


class SearchDocument(models.Model):
    """The words of one product that the index holds, field by field, as searches compare them.

    Each field is its stems, every one with a space on either side. In the title " . " ends a phrase and " > " stands
    for a word such as "for" or "with"; after the last " . " come other forms of what was said before it.
    """

    product = models.OneToOneField(Product, on_delete=models.CASCADE, primary_key=True, related_name="document")
    language = models.CharField(max_length=2)
    digest = models.CharField(max_length=32, help_text="Of all fields; equal documents need no second write.")
    title = models.TextField(blank=True)
    brand = models.TextField(blank=True)
    codes = models.TextField(blank=True)
    categories = models.TextField(blank=True)
    description = models.TextField(blank=True)
    attributes = models.TextField(blank=True)
    spoken = models.TextField(blank=True, help_text="Title, brand and categories unstemmed, for completions.")
    stems = SearchVectorField(help_text="All, with the weight of the field that holds each: A title to D attributes.")

    class Meta:
        indexes = [GinIndex(fields=["stems"], name="searchdocument_stems")]

    def __str__(self) -> str:
        return f"words of product {self.product_id}"


class Vocabulary(models.Model):
    """What is known of the words of all documents at one time; the latest is the one in use."""

    documents = models.PositiveIntegerField()
    index_version = models.BigIntegerField(help_text="Of the index when it was made.")
    contents = models.BinaryField(help_text="JSON, compressed by zlib.")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "vocabularies"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"words of {self.documents} products"


class Synonym(models.Model):
    """Words that find the same products."""

    words = models.CharField(max_length=500, help_text="Words or phrases, separated by commas: sofa, couch, settee")
    means = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="Empty: each of the words finds all of them. Else each of them finds these too, but not the reverse.",
    )
    is_active = models.BooleanField(default=True, db_default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["words"]

    def __str__(self) -> str:
        return f"{self.words} → {self.means}" if self.means else self.words

    def clean(self) -> None:
        """Refuse a group that could not do anything; the message says what is missing."""
        check_group(self.words, self.means)


# Django looks for the app's models here.
from catalog.feeds.models import FeedImport, FeedRowError, feed_storage  # noqa: E402, F401 migrations name it here
from catalog.generation.models import GenerationRequest, Proposal, ProposedText  # noqa: E402, F401
from catalog.photos.models import Photo, PhotoItem, PhotoSet  # noqa: E402, F401
from catalog.politeness.models import Domain, DomainEvent  # noqa: E402, F401
