"""The product's pictures: those that the markup names, else those of the gallery that stands by the title."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from catalog.extraction.document import Document
from catalog.extraction.layout import Layout
from catalog.extraction.standing import Standing
from catalog.extraction.titles import similarity
from catalog.extraction.word_lists import phrase_test

MAX_PICTURES = 10
MAX_SRCSET = 20_000
MIN_SIDE = 100  # pixels; smaller ones are icons and swatches
_ELSEWHERE = re.compile(
    r"//(?:[\w-]+\.)*(?:maps?\d*|facebook|twitter|doubleclick|google-analytics|googletagmanager)\.", re.IGNORECASE
)
_NOT_A_PICTURE = re.compile(
    r"logo|sprite|icon|pixel|spacer|blank|placeholder|no-?image|noimage|payment|badge|flag|avatar|"
    r"loader|loading|rating|\bstars?\b|captcha|tracking|/tiles?/|/maps?/|marker|1x1|\.svg|facebook|"
    r"twitter"
)
# A comma inside of an address is its own (HTML, "Parsing a srcset attribute").
_SOURCE = re.compile(r"[\s,]*+(\S*[^\s,])(?:\s+(\d+(?:\.\d+)?)([wx]))?[^,]*(?:,|$)")
_PICTURE_PATH = re.compile(r"\.(?:jpe?g|png|webp|avif|gif|bmp)(?:$|[?#&!/])", re.IGNORECASE)
_LARGE = (
    "data-zoom-image", "data-large_image", "data-large-image", "data-zoom", "data-large", "data-full", "data-original",
    "data-high-res", "data-src", "data-lazy-src", "data-lazy", "data-image", "src",
)  # fmt: skip
_names_gallery = phrase_test(
    r"gallery|product-?(?:image|photo|media|picture)|main-?(?:image|img|photo)|zoom|carousel|slide|"
    r"fancybox|lightbox|thumb"
)
_SIZE = re.compile(
    r"(?:^|[/_.=,-])(?:s-?l|w_?|h_?|width=|height=)?(\d{2,4})(?:x(\d{2,4}))?(?=[/_.,&-]|px|w\b|$)", re.IGNORECASE
)


@lru_cache(maxsize=8_192)
def is_picture(address: str) -> bool:
    """Return whether an address can be a product's picture, by its own words."""
    parts = urlsplit(address)
    return (
        bool(address)
        and not _ELSEWHERE.search(address)
        and not _NOT_A_PICTURE.search(f"{parts.path}?{parts.query[:200]}".lower())
    )


def best_of_srcset(srcset: str) -> str:
    """Return the address of the largest picture of a srcset (by width, else by density)."""
    best: tuple[float, str] = (-1.0, "")
    position = 0
    while match := _SOURCE.match(srcset, position, MAX_SRCSET):
        position = match.end()
        size = float(match[2]) if match[2] else 1.0
        if match[1] and size > best[0]:
            best = (size, match[1])
    return best[1]


@lru_cache(maxsize=8_192)
def same_picture(address: str) -> str:
    """Return what two sizes of one picture have in common: the address without its query, size and scheme."""
    parts = urlsplit(address)
    path = re.sub(
        r"(?:[_-]\d{2,4}x\d{0,4}|[_-](?:small|thumb|medium|large|grande|mini|zoom|product|catalog))(?=\.\w+$)",
        "",
        parts.path,
    )
    path = re.sub(
        r"/(?:big|large|middle|medium|small|thumbs?|thumbnails?|mini|zoom|originals?|full)(?=/)|(?<=/)[a-z]_(?=\d)",
        "",
        path,
    )
    path = re.sub(r"/(?:w|h|s|width|height|resize|fit|q)[/_=-]?\d+(?:x\d+)?(?=/)", "", path)
    return (parts.hostname or "") + re.sub(r"s-l\d+", "s-l", path)


def shown_pictures(document: Document, layout: Layout, *, title: int | None, name: str) -> list[str]:
    """Return the pictures near the title, in order, each at the best resolution that the page names."""
    found: list[tuple[float, int, str]] = []
    title_at = layout.elements[title].start if title is not None else 0
    for index, element in enumerate(layout.elements):
        if element.tag not in ("img", "a", "source") or element.standing & Standing.ASIDE:
            continue
        raw = _largest(layout, index)
        if not raw or _is_small(element.attributes):
            continue
        score = 0.0
        alt = element.attributes.get("alt") or element.attributes.get("title") or ""
        score += 2.0 * (similarity(alt, name) > 0.7) if alt and name else 0.0
        around = list(layout.ancestors(index, 6))
        score += 1.0 * any(_names_gallery(layout.elements[one].names) for one in around)
        score += 1.0 * (abs(element.start - title_at) <= 30)
        if any(
            layout.elements[one].standing & Standing.LINK and not _is_picture_link(layout, one) for one in around[:4]
        ):
            score -= 1.5
        if score >= 1.0 and is_picture(address := document.absolute(raw)):
            found.append((score, index, address))
    best = max((score for score, _, _ in found), default=0.0)
    return merged([address for score, _, address in found if score >= max(1.0, best - 1.5)])


def merged(addresses: list[str]) -> list[str]:
    """Return each picture once, where it stood first, in the largest of its sizes."""
    kept: dict[str, str] = {}
    for address in addresses:
        if not is_picture(address):
            continue
        key = same_picture(address)
        if key not in kept or _claimed_size(address) > _claimed_size(kept[key]):
            kept[key] = address
    pictures = list(kept.values())
    if any(_claimed_size(address) >= MIN_SIDE or not _claimed_size(address) for address in pictures):
        pictures = [address for address in pictures if not 0 < _claimed_size(address) < MIN_SIDE]
    return pictures[:MAX_PICTURES]


def _claimed_size(address: str) -> int:
    sizes = [int(number) for match in _SIZE.finditer(address) for number in match.groups() if number]
    return max((size for size in sizes if 16 <= size <= 4000), default=0)


def _largest(layout: Layout, index: int) -> str:
    attributes = layout.elements[index].attributes
    if layout.elements[index].tag == "a":
        address = attributes.get("href") or ""
        return address if _PICTURE_PATH.search(address) else ""
    srcset = attributes.get("srcset") or attributes.get("data-srcset") or ""
    for name in _LARGE[:8]:
        value = attributes.get(name) or ""
        if value and _PICTURE_PATH.search(value):
            return value
    if srcset and (best := best_of_srcset(srcset)):
        return best
    return next(
        (value for name in _LARGE[8:] if (value := attributes.get(name) or "") and not value.startswith("data:")), ""
    )


def _is_picture_link(layout: Layout, index: int) -> bool:
    element = layout.elements[index]
    return element.tag != "a" or bool(_PICTURE_PATH.search(element.attributes.get("href") or ""))


def _is_small(attributes: dict[str, str | None]) -> bool:
    for name in ("width", "height"):
        value = (attributes.get(name) or "").removesuffix("px")
        if value.isdigit() and 0 < int(value) < MIN_SIDE:
            return True
    return False
