"""The addresses of a sitemap, sorted into products, lists and all else."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from catalog.addresses import canonical_address
from catalog.site.templates import CONTENT, LIST, MIXED, PRODUCT, kind_by_words, learn, template_of
from catalog.sitemaps.contract import SitemapEntry
from marketplace.egress import AddressRefused

SAMPLES = 3  # pages looked at of one template
MAX_LOOKS = 15  # of one sitemap: the rest of a job's budget


@dataclass(frozen=True, slots=True)
class SitemapPages:
    """What a sitemap's addresses are, in its own order, each once; and what was learned on the way."""

    products: Sequence[str]
    lists: Sequence[str]
    unclear: Sequence[str]  # of a template that stands for products here and for other things there
    templates: Mapping[str, str]
    skipped: Mapping[str, int]


def sort_entries(
    entries: Sequence[SitemapEntry],
    *,
    says_products: bool,
    templates: Mapping[str, str],
    look: Callable[[str], str],
) -> SitemapPages:
    """Sort the addresses of a sitemap.

    Args:
        entries: what the sitemap names.
        says_products: its name says that it names products.
        templates: what was learned on this site before.
        look: returns what the page at an address is; asked for a few of each template that nothing else tells.
    """
    has_pictures, in_other_languages = _canonical(entries)
    kinds = {address: kind_by_words(address, templates) for address in has_pictures}
    groups: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for address, kind in kinds.items():
        if says_products and _steps(address):
            kinds[address] = PRODUCT
        elif not kind and _steps(address):
            # Shops give their products pictures in sitemaps more often than their other pages.
            groups[template_of(address), has_pictures[address]].append(address)
    learned = dict(templates)
    unclear: list[str] = []
    left = MAX_LOOKS
    # The largest groups first: they decide on the most.
    for (template, _), group in sorted(groups.items(), key=lambda found: -len(found[1])):
        samples = [] if learned.get(template) == MIXED and len(group) <= SAMPLES else _spread(group, min(SAMPLES, left))
        left -= len(samples)
        told = {address: look(address) for address in samples}
        kind = _decide(list(told.values()))
        if kind:
            learned[template] = kind if learned.get(template, kind) == kind else MIXED
        if kind in (PRODUCT, LIST, CONTENT):
            kinds |= dict.fromkeys(group, kind)
        else:
            unclear += [address for address in group if address not in told]
            kinds |= told
    if says_products:
        learned = learn(learned, [address for address, kind in kinds.items() if kind == PRODUCT], PRODUCT)
    by_kind = Counter(kind or "unclear address" for kind in kinds.values())
    return SitemapPages(
        products=[address for address, kind in kinds.items() if kind == PRODUCT],
        lists=[address for address, kind in kinds.items() if kind == LIST],
        unclear=unclear,
        templates=learned,
        skipped={
            **{kind: count for kind, count in by_kind.items() if kind not in (PRODUCT, LIST)},
            **({"another language": in_other_languages} if in_other_languages else {}),
        },
    )


def _decide(told: Sequence[str]) -> str:
    """Return what a template stands for when its samples were seen to be these."""
    if not told:
        return ""
    kinds = {kind or CONTENT for kind in told}
    return kinds.pop() if len(kinds) == 1 else MIXED


def _spread(group: Sequence[str], most: int) -> list[str]:
    """Return some addresses of a group, evenly spread: neighbours in a sitemap are often alike."""
    if most <= 0:
        return []
    if len(group) <= most:
        return list(group)
    step = (len(group) - 1) / max(1, most - 1)
    return [group[round(number * step)] for number in range(most)]


def _steps(address: str) -> bool:
    return address.rstrip("/").count("/") > 2 or "?" in address


def _canonical(entries: Sequence[SitemapEntry]) -> tuple[dict[str, bool], int]:
    """Return the canonical addresses in order, and whether the sitemap gives pictures of what is there.

    Of pages that are said to be one in several languages there is one: the default, or else the first. The second
    value counts the others.
    """
    found: dict[str, bool] = {}
    others: set[str] = set()
    for entry in entries:
        try:
            address = canonical_address(entry.address)
            places = {canonical_address(other.address): other.language.lower() for other in entry.alternates}
        except AddressRefused:
            continue  # the sitemap's reader has counted it among its problems
        if address in others:
            continue
        own = next((place for place, language in places.items() if language == "x-default"), address)
        others |= {address, *places} - {own, *found}
        found.setdefault(own, bool(entry.pictures))
    return found, len(others)
