"""Scraping jobs and previews as the API reads and says them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.hosts import host_of
from catalog.models import ScrapingJob
from catalog.remedies import remedy_for
from catalog.scraping.contract import Order
from catalog.scraping_jobs import MAX_PAGES
from catalog.scraping_results import raw_result_of, status_now
from jobs.models import FINAL_STATES, Job, Priority, State
from jobs.pages.presentation import shown_error
from marketplace.models import Seller
from marketplace.sellers import InvalidCatalogAddress, checked_catalog_address
from marketplace.serializers import StrictSerializer

NUMBERS = {1: Priority.CRITICAL, 5: Priority.NORMAL, 10: Priority.LOW}
NAMES = {"urgent": Priority.CRITICAL, **{priority.name.lower(): priority for priority in Priority}}
MAX_RESULT_ROWS = 1_000


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["critical", "urgent", "high", "normal", "low"]},
            {"type": "integer", "enum": [1, 5, 10]},
        ],
        "default": "normal",
        "description": "By name, or by number: 1 is critical (urgent), 5 normal, 10 low.",
    }
)
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """A priority by its name or by its number."""

    default_error_messages = {
        "invalid": "Give one of critical, urgent, high, normal, low, or one of the numbers 1 (critical), 5, 10 (low)."
    }

    def to_internal_value(self, data: Any) -> Priority:
        """Read either form; a number may be a string."""
        text = str(data).strip().lower()
        found = NAMES.get(text)
        if found is None and text.isascii() and text.isdecimal() and not isinstance(data, bool):
            found = NUMBERS.get(int(text[:4]))
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: Any) -> str:
        """Return the name."""
        return Priority(value).name.lower()


def readable_address(value: str) -> str:
    """Return an address that somebody gave, or raise a validation error that says what is wrong with it."""
    try:
        return checked_catalog_address(value)
    except InvalidCatalogAddress as error:
        raise serializers.ValidationError(
            str(error).replace("A catalog address", "An address"), "invalid_address"
        ) from error


class NewScrapingJobSerializer(StrictSerializer):
    """What is to be read from a site."""

    target_url = serializers.CharField(max_length=2000, help_text="http or https address of the page to begin with.")
    scraping_type = serializers.ChoiceField(choices=ScrapingJob.Type.choices)
    priority = PriorityField(required=False, default=Priority.NORMAL)
    max_pages = serializers.IntegerField(default=1, min_value=1, max_value=MAX_PAGES, help_text="Of lists or results.")
    timeout_ms = serializers.IntegerField(default=30_000, min_value=1_000, max_value=120_000, help_text="A request.")
    extract_images = serializers.BooleanField(default=True)
    extract_reviews = serializers.BooleanField(default=False, help_text="Rating and count, as the page's markup says.")
    respect_robots_txt = serializers.BooleanField(default=True, help_text="Only staff may say false.")
    rate_limit_delay_ms = serializers.IntegerField(
        default=1_000,
        min_value=0,
        max_value=600_000,
        help_text="Between two pages of this job. It can only slow down: the site's own pace is the least.",
    )
    category_path = serializers.CharField(
        default="", allow_blank=True, max_length=1000, help_text="Names from the root, joined by ' > '."
    )
    category_name = serializers.CharField(default="", allow_blank=True, max_length=200)
    parent_category = serializers.CharField(default="", allow_blank=True, max_length=200)
    site_intelligence_id = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="The domain; it is that of target_url."
    )
    query = serializers.CharField(default="", allow_blank=True, max_length=200, help_text="What `search` looks for.")
    seller = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="Staff alone say for whom."
    )

    def validate_target_url(self, value: str) -> str:
        """Refuse what cannot be an address."""
        return readable_address(value)

    def validate_respect_robots_txt(self, value: bool) -> bool:
        """Let only staff read what robots.txt forbids."""
        if not value and not self.context["is_staff"]:
            raise serializers.ValidationError(
                "Only staff may set this aside. Leave it out, and allow SoukBot in the site's robots.txt.", "staff_only"
            )
        return value

    def validate_seller(self, value: int) -> Seller:
        """Let only staff say for whom; to others no id tells whether there is such a seller."""
        if not self.context["is_staff"]:
            raise serializers.ValidationError("Leave this out: the job is yours.", "staff_only")
        seller = Seller.objects.filter(pk=value).first()
        if seller is None:
            raise serializers.ValidationError("There is no such seller.", "unknown_seller")
        return seller

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what does not fit together."""
        errors: dict[str, str] = {}
        kind = attrs["scraping_type"]
        if kind == ScrapingJob.Type.SEARCH and not attrs["query"].strip():
            errors["query"] = "Say what to look for: a search needs a query."
        if kind != ScrapingJob.Type.SEARCH and attrs["query"]:
            errors["query"] = "Only a job of the type search has a query; leave it out."
        named = attrs.pop("site_intelligence_id", "")
        if named and named != host_of(attrs["target_url"]):
            errors["site_intelligence_id"] = f"The domain of target_url is {host_of(attrs['target_url'])}; say that."
        if errors:
            raise serializers.ValidationError(errors)
        return attrs

    def order(self) -> Order:
        """Return what was asked for, once it is valid."""
        values = {name: value for name, value in self.validated_data.items() if name not in ("priority", "seller")}
        return Order(**values)


class ProblemSerializer(serializers.Serializer[Any]):
    """Why something could not be read, and what to do about it."""

    code = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()


class ListedScrapingJobSerializer(serializers.ModelSerializer[ScrapingJob]):
    """A scraping job in a list."""

    job_id = serializers.UUIDField(source="id")
    priority = PriorityField()
    error = serializers.SerializerMethodField()
    site_intelligence_id = serializers.CharField(source="site.host", default=None, allow_null=True)
    ledger_job = serializers.IntegerField(source="job_id", allow_null=True, help_text="See /api/jobs/{id}/.")

    class Meta:
        model = ScrapingJob
        fields = [
            "job_id",
            "target_url",
            "scraping_type",
            "status",
            "priority",
            "progress_pct",
            "message",
            "pages",
            "error",
            "summary",
            "site_intelligence_id",
            "sync",
            "ledger_job",
            "created_at",
            "finished_at",
            "expires_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ProblemSerializer(allow_null=True))
    def get_error(self, row: ScrapingJob) -> dict[str, str] | None:
        """Return why it failed, with a remedy."""
        if not row.error_code:
            return None
        return {"code": row.error_code, "message": row.error_message, "remedy": remedy_for(row.error_code)}


class ScrapingJobSerializer(ListedScrapingJobSerializer):
    """A scraping job with its result."""

    parameters = serializers.SerializerMethodField()
    raw_result = serializers.SerializerMethodField(help_text="All that was found, so far or in the end.")
    products = serializers.SerializerMethodField(help_text="The catalog's products that it found, a thousand at most.")
    categories = serializers.SerializerMethodField(help_text="The paths of the catalog's categories that it found.")

    class Meta(ListedScrapingJobSerializer.Meta):
        fields = [*ListedScrapingJobSerializer.Meta.fields, "parameters", "products", "categories", "raw_result"]
        read_only_fields = fields

    def to_representation(self, row: ScrapingJob) -> dict[str, Any]:
        """Say also what the step that runs now has told of itself."""
        shown = super().to_representation(row)
        status, pct = status_now(row)
        return {**shown, "status": status, "progress_pct": round(pct, 1)}

    def get_parameters(self, row: ScrapingJob) -> dict[str, Any]:
        """Return what was asked for."""
        return dict(row.parameters)

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_raw_result(self, row: ScrapingJob) -> Any:
        """Return all that was found."""
        found = raw_result_of(row)
        return found and {name: value for name, value in found.items() if name != "working"}

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_products(self, row: ScrapingJob) -> list[int]:
        """Return the ids of the seller's products."""
        return list(row.products.order_by("pk").values_list("pk", flat=True)[:MAX_RESULT_ROWS])

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_categories(self, row: ScrapingJob) -> list[str]:
        """Return the paths of the seller's categories."""
        return list(row.categories.order_by("path").values_list("path", flat=True)[:MAX_RESULT_ROWS])


class ScrapingFilterSerializer(serializers.Serializer[Any]):
    """The query of a list of scraping jobs."""

    status = serializers.ChoiceField(choices=ScrapingJob.Status.choices, required=False)
    scraping_type = serializers.ChoiceField(choices=ScrapingJob.Type.choices, required=False)


class NewPreviewSerializer(StrictSerializer):
    """Where to look."""

    address = serializers.CharField(max_length=2000, help_text="http or https address of the catalog's first page.")

    def validate_address(self, value: str) -> str:
        """Refuse what cannot be an address."""
        return readable_address(value)


class EvidenceSerializer(serializers.Serializer[Any]):
    """Why a source believes that it can read the address."""

    source = serializers.CharField()  # type: ignore[assignment] # a field named as an attribute of fields is
    weight = serializers.IntegerField(help_text="100: certain.")
    reason = serializers.CharField()


class PreviewPriceSerializer(serializers.Serializer[Any]):
    """An exact amount; the currency is empty where the page names none."""

    amount = serializers.CharField()
    currency = serializers.CharField(allow_blank=True)
    raw = serializers.CharField(allow_blank=True)


class PreviewProductSerializer(serializers.Serializer[Any]):
    """A product as its shop shows it."""

    address = serializers.CharField()
    title = serializers.CharField()
    price = PreviewPriceSerializer(allow_null=True)
    list_price = PreviewPriceSerializer(allow_null=True)
    availability = serializers.CharField()
    picture = serializers.CharField(allow_null=True)


class SkippedPageSerializer(ProblemSerializer):
    """A product's page that could not be read."""

    address = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    """The first products at an address, or why there are none."""

    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["working", "ready", "unreadable", "failed"])
    address = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment] # as above
    evidence = EvidenceSerializer(many=True)
    products = PreviewProductSerializer(many=True)
    problem = ProblemSerializer(allow_null=True)
    skipped = SkippedPageSerializer(many=True)
    took_s = serializers.FloatField(allow_null=True)

    def to_representation(self, job: Job) -> dict[str, Any]:
        """Show a preview's job."""
        result: dict[str, Any] = job.result if isinstance(job.result, dict) else {}
        problem = result.get("problem")
        status = "working"
        if job.state == State.COMPLETED:
            status = "unreadable" if problem else "ready"
        elif job.state in FINAL_STATES:
            status = "failed"
            problem = {"code": job.error_code, "message": shown_error(job), "remedy": remedy_for(job.error_code)}
        nothing: dict[str, Any] = {"source": "", "evidence": [], "products": [], "skipped": [], "took_s": None}
        shown = {**nothing, **result, "id": job.pk, "status": status, "problem": problem}
        return super().to_representation({**shown, "address": job.payload["address"]})
