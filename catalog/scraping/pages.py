"""Read one product's page, by whichever source can."""

from dataclasses import dataclass

from catalog.paced_reading import PacedReader
from catalog.site.rendering import render
from catalog.sources import known
from catalog.sources.source import Clues, Evidence, ExtractedProduct, PageMalformed


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A product's page, and which source read it."""

    source: str
    evidence: list[Evidence]
    address: str
    html: str
    content: ExtractedProduct


def read_product(reader: PacedReader, address: str, *, source: str = "") -> ProductPage:
    """Return what a product's page says.

    Args:
        reader: reads the page.
        address: the page's.
        source: who reads it, where that is known; else whoever recognises the page, then each other in turn, the one
            that takes any page first.

    Raises:
        PageMalformed: no source finds a product there (permanent); and what `reader` raises.
    """
    if own := known.product_at(address):  # certain by the address alone
        source, address = known.source_of(own.external_id).name, own.address
    clues = _look(reader, address)
    evidence = known.probe(clues)
    names = [source] if source else [it.source for it in evidence]
    names += [it.name for it in reversed(known.SOURCES) if it.name not in names]
    for name in names[:1] if source else names:
        try:
            content = known.source_named(name).extract(clues.html, clues.address)
        except PageMalformed:
            continue
        return ProductPage(source=name, evidence=evidence, address=clues.address, html=clues.html, content=content)
    raise PageMalformed(f"{address} shows no product")


def _look(reader: PacedReader, address: str) -> Clues:
    """Return the page, with the browser where the site's pages are empty without their scripts."""
    if reader.site.needs_browser:
        final, html = reader.browse(address, lambda tab: render(tab, address))
        return Clues(final, html, is_fetched=True)
    reply = reader.get(address)
    return Clues(reply.address, reply.text, reply.headers, reply.cookies, is_fetched=True)
