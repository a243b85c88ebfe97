"""Stock: what is said of a product's availability, in the words of the marketplace."""

from catalog.extraction.availability import parse_availability
from marketplace.models import Product

AVAILABILITY = {
    "InStock": Product.Availability.IN_STOCK,
    "OutOfStock": Product.Availability.OUT_OF_STOCK,
    "PreOrder": Product.Availability.PREORDER,
    None: Product.Availability.UNKNOWN,
}


def availability_of(text: str) -> Product.Availability:
    """Return the availability that a word, an address of schema.org or a phrase names; UNKNOWN if it names none."""
    return AVAILABILITY[parse_availability(text)]
