"""The sources that Souk knows, in the order in which they are asked."""

from catalog.sources.source import Evidence, Source, UnsupportedAddress
from catalog.sources.whatsapp import WhatsAppSource

SOURCES: tuple[Source, ...] = (WhatsAppSource(),)


def probe(address: str) -> Evidence:
    """Return the first source's evidence for an address, or raise UnsupportedAddress."""
    for source in SOURCES:
        evidence = source.probe(address)
        if evidence is not None:
            return evidence
    raise UnsupportedAddress(
        f"Souk cannot read {address[:200]!r}. "
        "Give the address of a WhatsApp catalog, such as https://wa.me/c/<phone number>."
    )


def source_named(name: str) -> Source:
    """Return the source of that name."""
    for source in SOURCES:
        if source.name == name:
            return source
    raise UnsupportedAddress(f"no source is named {name!r}")


def source_of(external_id: str) -> Source:
    """Return the source that a product came from."""
    return source_named(external_id.partition(":")[0])
