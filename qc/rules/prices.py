"""Rules on the price."""

from qc.rules.contract import ProductFacts, Reason, Severity


def price_is_missing(facts: ProductFacts) -> Reason | None:
    """Reject a product without a price above zero, where its source can tell a price."""
    if facts.price is None and "price" in facts.not_carried:
        return None
    if facts.price is not None and facts.price > 0:
        return None
    return Reason(
        code="price.missing",
        severity=Severity.REJECT,
        field="price",
        message="The product has no price." if facts.price is None else "The price is not above zero.",
        remedy="Add a price to the product in your catalog.",
    )
