"""What quality control decided, and why; how its rules are set."""

from django.conf import settings
from django.db import models

from marketplace.models import Category, Product, Seller


class Verdict(models.Model):
    """One decision on one product; its latest verdict holds."""

    class Decision(models.TextChoices):
        APPROVED = "approved"
        REJECTED = "rejected"
        FLAGGED = "flagged"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="verdicts")
    decision = models.CharField(max_length=10, choices=Decision)
    reasons = models.JSONField(
        default=list, blank=True, help_text="[{code, severity, field, message, remedy}], gravest first"
    )
    rule_version = models.CharField(max_length=20, help_text="Version of the rules, and revision of their settings.")
    model = models.CharField(max_length=100, blank=True, db_default="", help_text="The model that was asked, if any.")
    prompt_version = models.CharField(max_length=20, blank=True, db_default="")
    review = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What the model said, or why it said nothing.",
    )
    input_hash = models.CharField(max_length=64, help_text="SHA-256 of all that was looked at.")
    content_hash = models.CharField(
        max_length=64, blank=True, db_default="", help_text="SHA-256 of what the seller says of the product."
    )
    content = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What the seller said of the product when it was judged.",
    )
    is_automatic = models.BooleanField(default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.TextField(blank=True, db_default="", help_text="What staff wrote to it.")
    overrides = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The automatic verdict that staff looked at.",
    )
    undoes = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="undone_by",
        help_text="The verdict of staff that it takes back.",
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("review_product", "Can judge products")]
        indexes = [
            models.Index(fields=["product", "-id"], name="verdict_latest"),
            models.Index(fields=["decision", "-id"], name="verdict_decision"),
            models.Index(fields=["-made_at"], name="verdict_by_staff", condition=models.Q(is_automatic=False)),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.product_id}"


class ReviewHold(models.Model):
    """One member of staff looks at one product; nobody else judges it until then."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="review_hold")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="review_holds")
    taken_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["taken_at", "id"]

    def __str__(self) -> str:
        return f"{self.product_id} held by {self.user_id}"


class Appeal(models.Model):
    """A seller's asking for another look at one verdict, and the answer of staff."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"  # the verdict stays
        OVERTURNED = "overturned"  # the product is approved
        WITHDRAWN = "withdrawn"  # by the seller

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="appeals")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="appeals")
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="appeals")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    why = models.CharField(max_length=500, help_text="What the seller says.")
    asked_by = models.CharField(max_length=150, help_text="A member's login, or the API key.")
    opened_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True, help_text="What the seller is told.")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    new_verdict = models.OneToOneField(
        Verdict, on_delete=models.SET_NULL, null=True, blank=True, related_name="answered_appeal"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["verdict"], condition=models.Q(state="open"), name="one_open_appeal"),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at=None) | ~models.Q(state="open") & ~models.Q(closed_at=None),
                name="appeal_closed_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="appeal_open", condition=models.Q(state="open")),
            models.Index(fields=["seller", "-opened_at"], name="appeal_by_seller"),
        ]

    def __str__(self) -> str:
        return f"appeal {self.pk}"


class RulesetRevision(models.Model):
    """How the rules were set from then on; the latest holds."""

    changes = models.JSONField(default=dict, help_text="By code: {is_on, severity, limits}, where a rule differs.")
    note = models.TextField(blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("change_rules", "Can change the rules of quality control")]

    def __str__(self) -> str:
        return f"revision {self.pk}"


class RuleTrial(models.Model):
    """A look at what rules set otherwise would do to the products that were judged; job by job, by id."""

    class State(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        STOPPED = "stopped"  # by whoever began another one
        FAILED = "failed"  # a job of it was given up

    base = models.ForeignKey(
        RulesetRevision,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="What the settings are compared with; none: the rules as they come.",
    )
    changes = models.JSONField(default=dict, help_text="The settings that are tried, as in a revision.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    after_id = models.BigIntegerField(default=0, help_text="The last product that was looked at.")
    total = models.PositiveIntegerField(default=0, help_text="Products to look at, as counted when it began.")
    looked_at = models.PositiveIntegerField(default=0)
    figures = models.JSONField(default=dict, blank=True, help_text="How many products by what changes.")
    revision = models.OneToOneField(
        RulesetRevision,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="trial",
        help_text="As which it was saved.",
    )
    judges_again = models.BooleanField(default=False, help_text="What it changes is judged again, since it was saved.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"trial {self.pk}"


class RuleTrialChange(models.Model):
    """A product whose verdict the tried rules would change."""

    class Kind(models.TextChoices):
        DECISION = "decision"
        REASONS = "reasons"  # the same decision, for other reasons
        ADVICE = "advice"  # only the advice differs
        WORDS = "words"  # only what the seller is told of the same reasons

    trial = models.ForeignKey(RuleTrial, on_delete=models.CASCADE, related_name="found")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    before = models.CharField(max_length=10, choices=Verdict.Decision)
    after = models.CharField(max_length=10, choices=Verdict.Decision)
    codes = models.JSONField(default=list, help_text="The rules that make the difference.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["trial", "product"], name="product_once_a_trial")]
        indexes = [models.Index(fields=["trial", "kind", "id"], name="trial_change_by_kind")]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.before} → {self.after}"


class CategoryPriceLevel(models.Model):
    """What the products of a category cost in one currency, as it was last measured."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3, blank=True)
    median = models.DecimalField(max_digits=18, decimal_places=4)
    log_spread = models.FloatField(help_text="1.4826 times the median absolute deviation of the natural logarithms.")
    count = models.PositiveIntegerField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["category", "currency"], name="price_level_once_a_category_and_currency")
        ]

    def __str__(self) -> str:
        return f"{self.category_id}: about {self.median:f} {self.currency}"


class ShopLanguage(models.Model):
    """The language that most of a seller's descriptions are in, as it was last measured."""

    seller = models.OneToOneField(Seller, on_delete=models.CASCADE, primary_key=True, related_name="+")
    language = models.CharField(max_length=2, blank=True, help_text="ISO 639-1; empty where none has a clear majority.")
    texts = models.PositiveIntegerField(help_text="Descriptions whose language could be told.")
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.seller_id}: {self.language or 'not clear'}"
