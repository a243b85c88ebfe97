"""The addresses in a small sitemap: the same few lines for every crawler that is measured."""

import re


def addresses_of(body: bytes) -> list[str]:
    """Return what stands in the <loc> elements."""
    return [found.decode() for found in re.findall(rb"<loc>([^<]+)</loc>", body)]
