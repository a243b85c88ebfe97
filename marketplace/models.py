"""Sellers, their keys, their products and the runs that bring them in."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Lower, Substr

from marketplace.money import Money

HASH_SLICES = ((1, 3), (4, 3), (7, 3), (10, 3), (13, 4))  # of a perceptual hash: the first digit, and how many


class Seller(models.Model):
    """A tenant of the marketplace: who owns a catalog."""

    class Plan(models.TextChoices):
        FREE = "free"
        STANDARD = "standard"
        PREMIUM = "premium"

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    plan = models.CharField(max_length=10, choices=Plan, default=Plan.FREE)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    catalog_address = models.URLField(max_length=2000, blank=True)
    category = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    address = models.CharField(max_length=500, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def tenant(self) -> str:
        """The name under which the job engine knows this seller."""
        return str(self.pk)


class ApiKey(models.Model):
    """A seller's key to the API; the key itself is not kept, only its SHA-256."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, default="default")
    prefix = models.CharField(max_length=16, unique=True)
    key_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class Category(models.Model):
    """One node of a seller's category tree, as the catalog shows it."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="categories")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=1000, help_text="Names from the root, joined by ' > '.")
    address = models.URLField(max_length=2000, blank=True)
    kind = models.CharField(max_length=20, blank=True, help_text="product, demographic, featured or brand.")

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["seller", "path"], name="category_path_once_a_seller")]

    def __str__(self) -> str:
        return self.path


class SyncRun(models.Model):
    """One reading of a seller's whole catalog; its jobs form the group `sync:<id>`."""

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    class Origin(models.TextChoices):
        """Where the products come from. A run takes down only what a run of the same origin saw last."""

        CATALOG = "catalog"  # the seller's catalog address
        FEED = "feed"  # a file that the seller gave
        LINKS = "links"  # addresses of products that the seller gave
        PHOTOS = "photos"  # an inventory that was made of the seller's photos

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="syncs")
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.CATALOG, db_default=Origin.CATALOG)
    keeps_others = models.BooleanField(
        default=False, db_default=False, help_text="Products that it does not find stay as they are."
    )
    catalog_address = models.URLField(max_length=2000, blank=True, help_text="Empty for what the seller gave.")
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    trigger = models.CharField(max_length=20, default="api", help_text="api, command, admin or schedule")
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    found = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    outcome = models.JSONField(default=dict, help_text="Products by status, when the sync ended.")
    stages = models.JSONField(default=dict, help_text="Jobs by stage and state, when the sync ended.")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["seller"], condition=Q(status="running"), name="one_running_sync_a_seller")
        ]

    def __str__(self) -> str:
        return f"sync {self.pk}"

    @property
    def group(self) -> str:
        """The name of this sync's group of jobs."""
        return f"sync:{self.pk}"


class Product(models.Model):
    """One product of one seller, from the moment its address is found in the catalog."""

    class Status(models.TextChoices):
        PENDING = "pending", "in progress"  # on its way through the stages
        LIVE = "live"
        REJECTED = "rejected"
        FLAGGED = "flagged"  # waits for staff
        DEAD = "dead"  # could not be read; see reasons
        GONE = "gone"  # no longer in the catalog

    class Availability(models.TextChoices):
        IN_STOCK = "in_stock"
        OUT_OF_STOCK = "out_of_stock"
        PREORDER = "preorder"
        UNKNOWN = "unknown"

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="products")
    external_id = models.CharField(max_length=200, help_text="The source's own id, with the source before it.")
    address = models.URLField(max_length=2000, blank=True, help_text="Its page; a feed may know of none.")
    categories = models.ManyToManyField(Category, through="ProductCategory", related_name="products")

    title = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217; empty when the catalog names none.")
    price_raw = models.CharField(max_length=200, blank=True, help_text="The price as the catalog wrote it.")
    availability = models.CharField(max_length=15, choices=Availability, default=Availability.UNKNOWN)
    brand = models.CharField(max_length=200, blank=True)
    sku = models.CharField(max_length=200, blank=True)
    gtin = models.CharField("GTIN", max_length=14, blank=True)
    list_price = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    canonical_address = models.URLField(max_length=2000, blank=True)
    breadcrumbs = models.JSONField(default=list, blank=True, help_text="Names from the root, as its page shows them.")
    evidence = models.JSONField(default=dict, blank=True, help_text="By field: where it was found, and how sure it is.")
    variants = models.JSONField(default=list, blank=True)
    picture_addresses = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What else its source says, by the source's own names.",
    )
    not_carried = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text="Fields for which its source has no place; no rule asks for them.",
    )
    edits = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="The seller's own texts, by field; they lie over what the catalog says.",
    )
    unedited = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What the catalog says of the fields that are edited.",
    )

    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reasons = models.JSONField(default=list, blank=True, help_text="[{code, field, message, remedy}]")
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="duplicates"
    )

    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what the page said.")
    embedding_fingerprint = models.CharField(max_length=64, blank=True)
    embedding_input_hash = models.CharField(max_length=64, blank=True)
    indexed_at = models.DateTimeField(null=True, blank=True, help_text="When the index last showed it to buyers.")

    last_sync = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="products")
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    scraped_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "external_id"], name="product_once_a_seller"),
            models.CheckConstraint(
                condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=F("id")), name="product_not_its_own_duplicate"
            ),
        ]
        indexes = [
            models.Index(fields=["seller", "status"], name="product_seller_status"),
            models.Index(fields=["seller", "content_hash"], name="product_content", condition=~Q(content_hash="")),
            models.Index(fields=["last_sync"], name="product_last_sync"),
            # What quality control asks of a seller's other products, the first one first.
            models.Index(fields=["seller", "gtin", "id"], name="product_gtin", condition=~Q(gtin="")),
            models.Index(fields=["seller", "sku", "id"], name="product_sku", condition=~Q(sku="")),
            models.Index(F("seller"), Lower("title"), F("id"), name="product_title", condition=~Q(title="")),
            # What buyers browse: its order, and all that is counted, without a look at the rows.
            models.Index(
                F("first_seen_at").desc(),
                F("id").desc(),
                name="product_live_newest",
                condition=Q(status="live"),
                include=["seller", "availability", "currency", "price"],
            ),
            GinIndex(
                SearchVector("title", "brand", config="simple"), name="product_live_words", condition=Q(status="live")
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id

    @property
    def money(self) -> Money | None:
        """The price, where the catalog gives one; its currency may be unknown."""
        if self.price is None:
            return None
        return Money(amount=self.price, currency=self.currency, raw=self.price_raw)


class ProductCategory(models.Model):
    """A product was found in a category."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    category = models.ForeignKey(Category, on_delete=models.CASCADE)
    sync_id = models.BigIntegerField(null=True, blank=True, help_text="The last sync that found it there.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "category"], name="product_once_a_category")]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.category_id}"


class Picture(models.Model):
    """One picture of a product, with its renditions under MEDIA_ROOT."""

    class Status(models.TextChoices):
        READY = "ready"
        BROKEN = "broken"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="pictures")
    seller_id = models.BigIntegerField(null=True, editable=False, help_text="The product's; a trigger writes it.")
    position = models.PositiveSmallIntegerField(default=0)
    source_address = models.URLField(max_length=2000)
    status = models.CharField(max_length=10, choices=Status)
    error_code = models.CharField(max_length=100, blank=True, help_text="Why it is broken.")
    sha256 = models.CharField(max_length=64, blank=True)
    perceptual_hash = models.CharField(max_length=16, blank=True, help_text="64-bit pHash, hexadecimal.")
    width_px = models.PositiveIntegerField(default=0)
    height_px = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveIntegerField(default=0)
    media_type = models.CharField(max_length=50, blank=True)
    # Measured when it is read; NULL where it was read before that was done, or where nothing can be said.
    is_animated = models.BooleanField(null=True, blank=True)
    sharpness = models.FloatField(null=True, blank=True, help_text="0 to 1: how steep its steepest edges are.")
    contrast = models.FloatField(null=True, blank=True, help_text="0 to 255: how far its colours are apart.")
    frame_share = models.FloatField(null=True, blank=True, help_text="0 to 1: how much of it is a frame or bars.")
    average_colour = models.CharField(max_length=6, blank=True, db_default="", help_text="RGB, hexadecimal.")
    display = models.FileField(max_length=200, blank=True)
    thumbnail = models.FileField(max_length=200, blank=True)

    class Meta:
        ordering = ["product_id", "position"]
        constraints = [models.UniqueConstraint(fields=["product", "position"], name="picture_position_once")]
        indexes = [
            models.Index("seller_id", Substr("perceptual_hash", first, digits), "product",
                         name=f"picture_hash_from_{first}", condition=Q(position=0) & ~Q(perceptual_hash=""))
            for first, digits in HASH_SLICES
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"picture {self.position} of {self.product_id}"


class DirectoryEntry(models.Model):
    """A business as the directory shows it: a seller's own, or one that staff wrote; with the vector of its text."""

    class Embedding(models.TextChoices):
        NONE = "none", "not yet"
        QUEUED = "queued"
        DONE = "done"
        FAILED = "failed"

    seller = models.OneToOneField(
        Seller, on_delete=models.CASCADE, null=True, blank=True, related_name="directory_entry"
    )
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    address = models.CharField(max_length=500, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    website = models.URLField(max_length=2000, blank=True)
    words = SearchVectorField(null=True, editable=False)

    text_version = models.PositiveIntegerField(default=1, help_text="Grows with each change of what is embedded.")
    embedding_status = models.CharField(max_length=10, choices=Embedding, default=Embedding.NONE)
    embedding_job_id = models.BigIntegerField(null=True, blank=True, help_text="The last job that saw to the vector.")
    embedding_error_code = models.CharField(max_length=100, blank=True)
    embedding_error_message = models.TextField(blank=True)
    embedding = models.BinaryField(null=True, blank=True, help_text="768 little-endian float32 of L2 norm 1.")
    embedding_fingerprint = models.CharField(max_length=64, blank=True)
    embedding_input_hash = models.CharField(max_length=64, blank=True)
    embedding_text = models.TextField(blank=True, help_text="What the vector was made of.")
    embedding_version = models.BigIntegerField(default=0, help_text="Grows with each vector that is written.")
    embedded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "business"
        verbose_name_plural = "businesses"
        ordering = ["id"]
        indexes = [
            GinIndex(fields=["words"], name="directoryentry_words"),
            models.Index(fields=["embedding_version"], name="directoryentry_version"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(embedding=None, embedded_at=None) | Q(embedding__isnull=False, embedded_at__isnull=False),
                name="directory_vector_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GeminiMinute(models.Model):
    """What one process used of one of Gemini's models in one minute."""

    minute = models.DateTimeField()
    model = models.CharField(max_length=100)
    process_id = models.BigIntegerField(default=0, help_text="So that processes do not wait for each other's row.")
    calls = models.PositiveIntegerField(default=0)
    items = models.PositiveIntegerField(default=0, help_text="Texts or products that were answered.")
    tokens = models.PositiveBigIntegerField(default=0, help_text="About, where the answer does not count them.")
    answer_tokens = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Those of `tokens` it wrote.")
    cost_micro_usd = models.PositiveBigIntegerField(
        "cost, µ$", default=0, db_default=0, help_text="Millionths of a dollar, at the prices that were set."
    )
    refusals = models.PositiveIntegerField(default=0, help_text="Calls that Gemini refused: its limits.")
    failures = models.PositiveIntegerField(default=0, help_text="Calls that failed otherwise.")
    paced = models.PositiveIntegerField(default=0, help_text="Calls that were not made: our own limit.")

    class Meta:
        ordering = ["-minute", "model"]
        constraints = [
            models.UniqueConstraint(fields=["minute", "model", "process_id"], name="gemini_minute_once_a_process")
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.minute:%Y-%m-%d %H:%M}"


# At the end, so that Django finds the models that have modules of their own.
from marketplace.accounts.models import Invitation, SellerMember  # noqa: E402, F401
from marketplace.notifications.models import Mail, MailPreference, Notification, OutboxEntry  # noqa: E402, F401
from marketplace.rechecks.models import Recheck  # noqa: E402, F401
from marketplace.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage  # noqa: E402, F401
