"""Rules on a product beside its seller's others."""

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted


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


@rule(
    code="catalog.gtin_shared",
    severity=Severity.ADVISE,
    looks_at=("same_gtin_as",),
    remedy="Give each product its own GTIN; a GTIN stands for one article in one size and colour.",
)
def gtin_is_shared(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a GTIN that another product with another title has too."""
    if facts.same_gtin_as is None or facts.same_gtin_as == facts.duplicate_of:
        return None
    return Finding("gtin", f"Your product {facts.same_gtin_as} has the same GTIN: {quoted(facts.gtin)}.")


@rule(
    code="catalog.sku_shared",
    severity=Severity.ADVISE,
    looks_at=("same_sku_as",),
    remedy="Give each product its own SKU, or orders cannot tell them apart.",
)
def sku_is_shared(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a SKU that another product with another title has too."""
    if facts.same_sku_as is None or facts.same_sku_as == facts.duplicate_of:
        return None
    return Finding("sku", f"Your product {facts.same_sku_as} has the same SKU: {quoted(facts.sku)}.")


@rule(
    code="catalog.same_title_and_price",
    severity=Severity.ADVISE,
    looks_at=("same_offer_as", "duplicate_of"),
    remedy="If they are different products, say in the title how: size, colour, model. Else remove one.",
)
def offer_is_made_twice(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a title and price that another product has too, where the rest differs."""
    if facts.same_offer_as is None or facts.duplicate_of is not None:
        return None
    return Finding("title", f"Your product {facts.same_offer_as} has the same title and the same price.")


RULES = (product_is_duplicate, gtin_is_shared, sku_is_shared, offer_is_made_twice)
