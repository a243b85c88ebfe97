"""Which of a page's products is its own, and which of that one's variants its address asks for."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from catalog.extraction.document import Document
from catalog.extraction.page_data import Candidate, Variant
from catalog.extraction.schema_org import any_availability, with_variants
from catalog.extraction.titles import best_similarity, normal

_IDENTITY = re.compile(r"[\w./-]{3,64}")


def address_words(address: str) -> set[str]:
    """Return what an address can name a product by: its parameters' values and the parts of its path."""
    parts = urlsplit(address)
    words = {value.strip().lower() for _, value in parse_qsl(parts.query)}
    words |= {value.strip().lower() for _, value in parse_qsl(parts.fragment.lstrip("?/").replace("|", "&"))}
    for segment in unquote(parts.path).lower().split("/"):
        stem = re.sub(r"\.\w{2,5}$", "", segment)
        words |= {stem, *re.split(r"[-_,.]", stem)}
    return {word for word in words if len(word) >= 2}


def address_parameters(address: str) -> set[str]:
    """Return the values of an address's parameters, and of its fragment's."""
    parts = urlsplit(address)
    pairs = [*parse_qsl(parts.query), *parse_qsl(parts.fragment.lstrip("?/"))]
    return {value.strip().lower() for _, value in pairs if len(value.strip()) >= 2}


def same_page(one: str, other: str) -> bool:
    """Return whether two addresses lead to one page, whatever their scheme, www, parameters and last slash."""
    return bool(one) and bool(other) and _place(one) == _place(other)


def _place(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return (parts.hostname or "").removeprefix("www."), unquote(parts.path).rstrip("/").lower()


def main_product(candidates: list[Candidate], document: Document, references: list[str]) -> Candidate | None:
    """Return the page's own product of those that one kind of evidence describes; None if there is none.

    It is told by its title, its address or its number in the page's address, and not by its place. Several of the same
    name are one product in several forms.
    """
    if not candidates:
        return None
    words = address_words(document.address)
    rated = [replace(one, match=_match(one, document, references, words, len(candidates))) for one in candidates]
    best = max(rated, key=lambda one: (round(one.match, 2), bool(one.price)))
    if best.match < 0.3:
        return None
    forms = [
        one for one in rated if normal(one.title) == normal(best.title) and one.title and one.match >= best.match - 0.15
    ]
    merged = _merged(forms, document) if len(forms) > 1 else best
    return selected(merged, document)


def selected(candidate: Candidate, document: Document) -> Candidate:
    """Return the product as the variant that the page's address asks for; unchanged where it asks for none."""
    asked = address_parameters(document.address)
    if not asked or not candidate.variants:
        return candidate
    chosen = [variant for variant in candidate.variants if _names(variant) & asked]
    if not chosen:
        chosen = [variant for variant in candidate.variants if variant.address == document.address]
    if len(chosen) != 1:
        return candidate
    variant = chosen[0]
    return replace(
        candidate,
        is_asked_for=True,
        price=variant.price or candidate.price,
        availability=variant.availability or candidate.availability,
        sku=variant.sku or candidate.sku,
        gtin=variant.gtin or candidate.gtin,
    )


def _names(variant: Variant) -> set[str]:
    return {name.lower() for name in (variant.sku, variant.gtin, variant.identity) if name}


def _match(candidate: Candidate, document: Document, references: list[str], words: set[str], count: int) -> float:
    alike = best_similarity(candidate.title, references) if candidate.title else 0.0
    match = alike
    if candidate.address and (
        same_page(candidate.address, document.address) or same_page(candidate.address, document.canonical)
    ):
        match = max(match, 0.9) if count == 1 or alike >= 0.5 else max(match, 0.6)
    codes = {
        code.lower()
        for code in (candidate.sku, candidate.gtin, candidate.identity, candidate.mpn)
        if _IDENTITY.fullmatch(code) and any(sign.isdigit() for sign in code)
    }
    if codes & words:
        match = max(match, 0.9)
    if count == 1:
        match = max(match, 0.55)
    if not candidate.is_declared:
        match -= 0.1
    return min(match + 0.02 * bool(candidate.price), 1.0)


def _merged(forms: list[Candidate], document: Document) -> Candidate:
    """Return the product that several items of one name are forms of: the first that can be bought stands for it."""
    first = next((one for one in forms if one.availability == "InStock" and one.price), None)
    first = first or next((one for one in forms if one.price), forms[0])
    codes = {one.sku for one in forms if one.sku}
    images = tuple(dict.fromkeys(address for one in forms for address in one.images))
    whole = replace(
        first,
        images=images,
        brand=first.brand or next((one.brand for one in forms if one.brand), ""),
        description=first.description or next((one.description for one in forms if one.description), ""),
        gtin=first.gtin or next((one.gtin for one in forms if one.gtin), ""),
        sku=first.sku or next((one.sku for one in forms if one.sku), ""),
        availability=any_availability([one.availability for one in forms]),
        other_prices=tuple(dict.fromkeys(one.price for one in forms if one.price and one.price != first.price)),
    )
    if len(codes) < 2 or any(one.variants for one in forms):
        return replace(whole, variants=next((one.variants for one in forms if one.variants), ()))
    variants = tuple(
        Variant(
            sku=one.sku,
            gtin=one.gtin,
            price=one.price,
            availability=one.availability,
            identity=one.identity,
            picture=one.images[0] if one.images else "",
            address=one.address,
        )
        for one in forms
    )
    return with_variants(whole, variants)
