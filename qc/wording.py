"""What quality control's words are to sellers: statuses, the codes of reasons, and fields."""

from dataclasses import dataclass

from marketplace.models import Product
from qc.models import Appeal, Verdict

Status = Product.Status

# The area of a code says nothing that the rest of it does not say.
_SILENT_AREAS = frozenset({"text", "catalog", "qc"})
_INITIALS = {"gtin": "GTIN", "sku": "SKU", "html": "HTML"}
FIELDS = {
    "title": "Title",
    "description": "Description",
    "price": "Price",
    "currency": "Currency",
    "list_price": "List price",
    "brand": "Brand",
    "gtin": "GTIN",
    "sku": "Number (SKU)",
    "category_path": "Category",
    "pictures": "Pictures",
    "address": "Its page",
    "availability": "Stock",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A status in words and as an icon; the colour adds nothing to them."""

    text: str
    icon: str
    tone: str  # good, warn, bad, quiet


STATUS_CHIPS = {
    Status.LIVE: Chip("Live", "check", "good"),
    Status.PENDING: Chip("Being checked", "clock", "quiet"),
    Status.FLAGGED: Chip("In review: not shown yet", "clock", "warn"),
    Status.REJECTED: Chip("Rejected: not shown", "cross", "bad"),
    Status.DEAD: Chip("Could not be read", "warning", "bad"),
    Status.GONE: Chip("No longer in your catalog", "info", "quiet"),
}
DECISION_CHIPS = {
    Verdict.Decision.APPROVED: Chip("Approved", "check", "good"),
    Verdict.Decision.FLAGGED: Chip("To be reviewed", "clock", "warn"),
    Verdict.Decision.REJECTED: Chip("Rejected", "cross", "bad"),
}
APPEAL_CHIPS = {
    Appeal.State.OPEN: Chip("Waits for our answer", "clock", "warn"),
    Appeal.State.UPHELD: Chip("The verdict stays", "cross", "bad"),
    Appeal.State.OVERTURNED: Chip("The product was approved", "check", "good"),
    Appeal.State.WITHDRAWN: Chip("You took it back", "info", "quiet"),
}


def status_chip(product: Product) -> Chip:
    """Return a product's status."""
    return STATUS_CHIPS[Status(product.status)]


def issue_title(code: str) -> str:
    """Return a reason's code in words: `picture.too_small` is "Picture too small"."""
    area, _, rest = code.partition(".")
    words = (rest if rest and area in _SILENT_AREAS else code).replace(".", " ").replace("_", " ").split()
    text = " ".join(_INITIALS.get(word, word) for word in words)
    return text[:1].upper() + text[1:]


def field_title(name: str) -> str:
    """Return the name of a field of the listing; "" for the product as a whole."""
    return FIELDS.get(name, name.replace("_", " ").capitalize())
