"""From a page to its product: every reader works on one tree, and each field is chosen from what they claim."""

import gc
import html as html_entities
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from catalog.extraction.choosing import (
    choose_availability,
    choose_price,
    choose_sku,
    choose_text,
    claims_of,
)
from catalog.extraction.document import Document, PageMalformed, clean, decode
from catalog.extraction.embedded import read_embedded
from catalog.extraction.json_ld import read_json_ld
from catalog.extraction.layout import Layout, lay_out
from catalog.extraction.matching import main_product, selected
from catalog.extraction.meta_tags import read_metas
from catalog.extraction.microdata import read_microdata, read_rdfa
from catalog.extraction.money_reading import Hints, locale_of
from catalog.extraction.page_data import Breadcrumb, Candidate, Claim, Evidence, PageData, Variant
from catalog.extraction.pictures import merged, shown_pictures
from catalog.extraction.schema_org import breadcrumbs, products
from catalog.extraction.standing import Standing
from catalog.extraction.titles import find_title, normal, similarity, without_shop
from catalog.extraction.trails import shown_trail, tidied
from catalog.extraction.visible_labels import shown_brands, shown_codes, shown_gtins
from catalog.extraction.visible_price import shown_prices
from catalog.extraction.visible_stock import read_buttons, shown_availability
from marketplace.money import Money

MAX_DESCRIPTION = 20_000
MAX_TITLE = 500
MAX_ALTERNATIVES = 5
MIN_CONFIDENCE = 0.35
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>")
_CODE_WORD = re.compile(r"[^\s,;:()|]+")
_BRAND_PATH = re.compile(
    r"/(?:brands?|marken?|marca|marcas|marque|marques|marka|manufacturers?|producers?|producent|designers?|"
    r"vyrobce|znacka|brend)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the readers brought."""

    document: Document
    layout: Layout
    title: int | None
    candidates: list[Candidate]
    references: list[str]
    hints: Hints
    trails: list[tuple[Evidence, list[Breadcrumb]]]


def read_page(page: str | bytes, address: str, *, content_type: str = "") -> PageData:
    """Return what a product's page says, each field with its evidence.

    Bytes are decoded by their mark, the Content-Type given, their own <meta>, else as UTF-8.

    Raises:
        PageMalformed: the page names no product, is too large or nested too deeply (permanent).
    """
    html = decode(page, content_type) if isinstance(page, bytes) else page
    with _no_collection():
        return _said_by(Document(html, address))


def _said_by(document: Document) -> PageData:
    reading = _read(document)
    titles = _title_claims(reading)
    if not titles:
        raise PageMalformed(f"{document.address} names no product: it has neither markup nor a title")
    return _chosen(reading, titles)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the collector of cycles back: a page is thousands of objects without a cycle, and all go with the page.

    Each page of 500 kB set off some eight collections, and one in fifteen a full one of 60 ms (a Django process, 2026).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(document: Document) -> _Reading:
    layout = lay_out(document)
    locale = locale_of(document)
    shop = next(iter(document.metas.get("og:site_name", [])), "")
    host = urlsplit(document.address).hostname or ""
    metas = read_metas(document, Hints(locale))
    items: list[tuple[Evidence, list[dict[str, object]]]] = [
        ("json-ld", read_json_ld(document)),
        ("microdata", read_microdata(document)),
        ("rdfa", read_rdfa(document)),
    ]
    heads = [without_shop(head, shop, host) for head in (metas.title, document.title) if head]
    found = [(evidence, products(some, document, evidence, Hints(locale))) for evidence, some in items]
    named = [one[0].title for _, one in found if len(one) == 1 and one[0].title]
    title = find_title(layout, [*heads, *named])
    if title is not None:
        layout.settle(title)
    references = [*([layout.text_of(title, limit=400)] if title is not None else []), *heads]
    own = [main_product(some, document, references or named) for _, some in found]
    candidates = [one for one in own if one is not None]
    embedded = read_embedded(document, Hints(locale), [*references, *(one.title for one in candidates if one.title)])
    candidates += [selected(one, document) for one in embedded[:3]]
    candidates.append(metas)
    hints = Hints(locale, _page_currency(candidates))
    trails = [(evidence, trail) for evidence, some in items for trail in breadcrumbs(some, document)]
    trails.append(("dom", shown_trail(document, layout)))
    return _Reading(document, layout, title, candidates, references, hints, trails)


def _page_currency(candidates: list[Candidate]) -> str:
    """Return the one currency that the page's data names; empty if it names none, or several."""
    named = {
        money.currency for one in candidates for money in (one.price, *one.other_prices) if money and money.currency
    }
    return named.pop() if len(named) == 1 else ""


def _chosen(reading: _Reading, titles: list[Claim]) -> PageData:
    layout, title, candidates = reading.layout, reading.title, reading.candidates
    buttons = read_buttons(layout)
    price = choose_price(candidates, shown_prices(layout, reading.hints, title=title, buttons=buttons.buying))
    state, states = choose_availability(
        candidates, shown_availability(layout, title=title, buttons=buttons, price_at=price.text)
    )
    claims = {"title": titles, "price": list(price.claims), "availability": states, **_text_claims(reading)}
    said = {name: str(some[0].value) if some else "" for name, some in claims.items()}
    pictures, pictures_from = _pictures(reading, said["title"])
    trail, trail_from = _trail(reading, said["title"])
    with_variants = max(candidates, key=lambda one: (len(one.variants), one.match), default=None)
    data = PageData(
        title=said["title"][:MAX_TITLE],
        description=said["description"][:MAX_DESCRIPTION],
        price=price.price,
        list_price=price.list_price,
        currency=price.price.currency if price.price else reading.hints.currency,
        availability=state,
        sku=said["sku"],
        mpn=said["mpn"],
        brand=said["brand"],
        gtin=said["gtin"],
        images=tuple(pictures),
        variants=_in_units(with_variants.variants, price.price) if with_variants else (),
        breadcrumbs=trail,
        canonical_address=reading.document.canonical,
        language=reading.document.language,
    )
    others = {
        "images": pictures_from,
        "breadcrumbs": trail_from,
        "list_price": price.list_price_evidence,
        "variants": with_variants.evidence if data.variants and with_variants else None,
    }
    return _explained(data, claims, others)


def _text_claims(reading: _Reading) -> dict[str, list[Claim]]:
    """Return the claims for the fields that are texts, of markup and of what is shown, the surest of each first."""
    layout, title, candidates = reading.layout, reading.title, reading.candidates
    labelled = [Claim(one.value, "dom", one.confidence, one.label) for one in shown_gtins(layout, title=title)]
    gtins = choose_text([*claims_of(candidates, "gtin"), *labelled])
    makers = [
        Claim(one.value, "dom", one.confidence - 0.1, one.label) for one in shown_codes(layout, title=title, kind="mpn")
    ]
    brands = _brands(reading)
    gtin = str(gtins[0].value) if gtins else ""
    return {
        "description": _description_claims(reading),
        "gtin": gtins,
        "sku": choose_sku(candidates, shown_codes(layout, title=title), _codes_shown(candidates, layout), gtin=gtin),
        "mpn": choose_text([*claims_of(candidates, "mpn"), *makers]),
        "brand": brands if brands and brands[0].confidence >= MIN_CONFIDENCE else [],
    }


def _in_units(variants: tuple[Variant, ...], price: Money | None) -> tuple[Variant, ...]:
    """Return the variants with the product's currency, and in whole units where they count cents."""
    if price is None:
        return variants
    amounts = {variant.price.amount for variant in variants if variant.price}
    counts_cents = price.amount not in amounts and price.amount * 100 in amounts
    return tuple(
        replace(
            variant,
            price=Money(
                variant.price.amount / (100 if counts_cents else 1),
                variant.price.currency or price.currency,
                variant.price.raw,
            ),
        )
        if variant.price
        else variant
        for variant in variants
    )


def _explained(data: PageData, claims: dict[str, list[Claim]], others: dict[str, Evidence | None]) -> PageData:
    evidence = {name: some[0].evidence for name, some in claims.items() if some}
    evidence |= {name: one for name, one in others.items() if one}
    if data.currency:
        evidence["currency"] = evidence.get("price", "derived")
    confidence = {name: round(some[0].confidence, 2) for name, some in claims.items() if some}
    alternatives = {
        name: tuple(lost[:MAX_ALTERNATIVES])
        for name, some in claims.items()
        if some and (lost := [claim for claim in some[1:] if claim.value != some[0].value])
    }
    return replace(data, evidence=evidence, confidence=confidence, alternatives=alternatives)


def _title_claims(reading: _Reading) -> list[Claim]:
    """Return the claims for the title: the heading, without what surrounds the name that head or markup give."""
    named = [claim for claim in claims_of(reading.candidates, "title") if claim.value]
    document = reading.document
    shop = next(iter(document.metas.get("og:site_name", [])), "")
    host = urlsplit(document.address).hostname or ""
    named = [
        Claim(
            without_shop(str(one.value), shop, host),
            one.evidence,
            one.confidence - 0.1 * (one.evidence == "open-graph"),
            one.place,
        )
        for one in named
    ]
    claims = list(named)
    if reading.title is not None:
        shown = reading.layout.text_of(reading.title, limit=MAX_TITLE)
        inside = [
            one
            for one in named
            if len(shown) < 2 * len(str(one.value)) < 2 * len(shown) and similarity(str(one.value), shown) >= 0.85
        ]
        best = max(inside, key=lambda one: len(str(one.value)), default=None)
        # Microdata's name may be the heading itself; another's agrees with it.
        is_confirmed = any(normal(str(one.value)) == normal(shown) and one.evidence != "microdata" for one in named)
        if best is not None and not is_confirmed:
            claims.append(Claim(best.value, best.evidence, 0.97, "as in the heading"))
        else:
            claims.append(
                Claim(shown, "dom", 0.92 if reading.layout.elements[reading.title].tag == "h1" else 0.7, "heading")
            )
    if document.title:
        claims.append(Claim(without_shop(document.title, shop, host), "title-tag", 0.4, "title"))
    return choose_text(claims)


def _description_claims(reading: _Reading) -> list[Claim]:
    claims = []
    for claim in claims_of(reading.candidates, "description"):
        text = clean(html_entities.unescape(_TAG.sub(" ", str(claim.value)[: 2 * MAX_DESCRIPTION])))
        short = 0.3 if len(text) < 20 else 0.0
        claims.append(Claim(text, claim.evidence, round(claim.confidence - short, 3), claim.place))
    return choose_text(claims)


def _brands(reading: _Reading) -> list[Claim]:
    """Return the claims for the brand, the surest first.

    The shop's own name is what plugins fill in where the shop gives no brand, so it counts only where it is shown
    beside a label.
    """
    shop = next(iter(reading.document.metas.get("og:site_name", [])), "")
    labels = (urlsplit(reading.document.address).hostname or "").split(".")
    names = {normal(shop), *normal(shop).split(), *(label for label in labels if len(label) > 2)}
    shown = _brand_claims(reading)
    labelled = {normal(str(claim.value)) for claim in shown if claim.place != "brand's link"}
    claims = [
        Claim(claim.value, claim.evidence, 0.3, claim.place)
        if normal(str(claim.value)) in names and normal(str(claim.value)) not in labelled
        else claim
        for claim in [*claims_of(reading.candidates, "brand"), *shown]
    ]
    return choose_text(claims)


def _brand_claims(reading: _Reading) -> list[Claim]:
    """Return the brands that are shown: beside a label, or as a link to the brand's page near the title."""
    layout = reading.layout
    claims = [Claim(one.value, "dom", one.confidence, one.label) for one in shown_brands(layout, title=reading.title)]
    if reading.title is None:
        return claims
    start = layout.elements[reading.title].start
    for index in range(max(0, start - 12), min(len(layout.texts), start + 40)):
        if layout.standings[index] & Standing.ASIDE or len(layout.texts[index]) > 40:
            continue
        for around in layout.ancestors(layout.owners[index], 3):
            element = layout.elements[around]
            target = element.attributes.get("href") or "" if element.tag == "a" else ""
            is_own = bool(element.own & Standing.BRAND) and element.end - element.start <= 2
            if _BRAND_PATH.search(target) or is_own:
                claims.append(Claim(layout.texts[index], "dom", 0.6 if target else 0.5, "brand's link"))
                break
    return claims


def _pictures(reading: _Reading, title: str) -> tuple[list[str], Evidence | None]:
    sources: list[tuple[Evidence, list[str]]] = [
        (one.evidence, list(one.images)) for one in reading.candidates if one.images
    ]
    sources.append(("dom", shown_pictures(reading.document, reading.layout, title=reading.title, name=title)))
    first = next((evidence for evidence, some in sources if merged(some)), None)
    return merged([address for _, some in sources for address in some]), first


def _trail(reading: _Reading, title: str) -> tuple[tuple[Breadcrumb, ...], Evidence | None]:
    for evidence, trail in reading.trails:
        if steps := tidied(trail, title):
            return steps, evidence
    return (), None


def _codes_shown(candidates: list[Candidate], layout: Layout) -> set[str]:
    """Return the candidates' codes, in lower case, that the page shows as a word or as a whole text."""
    texts = [text.lower() for text in layout.texts if len(text) <= 200]
    page = "\n".join(texts)
    codes = {code.lower() for one in candidates for code in (one.sku, one.identity) if code}
    return {code for code in codes if code in page and any(code in text and _holds(text, code) for text in texts)}


def _holds(text: str, code: str) -> bool:
    return text == code or any(word.strip(".,") == code for word in _CODE_WORD.findall(text))
