"""Rules on a product beside its seller's others."""

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule


@rule(
    code="catalog.duplicate",
    severity=Severity.REJECT,
    looks_at=("duplicate_of",),
    remedy="Remove one of the two from your catalog, or tell them apart.",
)
def product_is_duplicate(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product that says exactly what an earlier one of the same seller says."""
    if facts.duplicate_of is None:
        return None
    return Finding("title", f"The product is the same as your product {facts.duplicate_of}.")


RULES = (product_is_duplicate,)
