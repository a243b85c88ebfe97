"""Rules on a product beside its seller's others."""

from qc.rules.contract import ProductFacts, Reason, Severity


def product_is_duplicate(facts: ProductFacts) -> Reason | None:
    """Reject a product that says exactly what an earlier one of the same seller says."""
    if facts.duplicate_of is None:
        return None
    return Reason(
        code="catalog.duplicate",
        severity=Severity.REJECT,
        field="title",
        message=f"The product is the same as your product {facts.duplicate_of}.",
        remedy="Remove one of the two from your catalog, or tell them apart.",
    )
