"""Rules on the price."""

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule


@rule(
    code="price.missing",
    severity=Severity.REJECT,
    looks_at=("price",),
    remedy="Add a price to the product in your catalog.",
)
def price_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product without a price above zero, where its source can tell a price."""
    if facts.price is None and "price" in facts.not_carried:
        return None
    if facts.price is not None and facts.price > 0:
        return None
    return Finding("price", "The product has no price." if facts.price is None else "The price is not above zero.")


RULES = (price_is_missing,)
