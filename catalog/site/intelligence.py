"""Site intelligence: what is known of one shop's site, kept for seven days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.hosts import host_of
from catalog.models import Site
from catalog.site.category_classes import kind_of
from catalog.site.navigation import NavigationNode, node_of_json, paths_of
from catalog.site.templates import MAX_TEMPLATES, MIXED

KEPT_FOR = timedelta(days=7)
MAX_SITEMAPS = 500


@dataclass(frozen=True, slots=True)
class Intelligence:
    """What is known of a site. `needs_browser` is None while nothing has told it."""

    host: str
    source: str = ""
    evidence: Sequence[Mapping[str, Any]] = ()  # {source, weight, reason}
    robots: Mapping[str, Any] = field(default_factory=dict)
    sitemaps: Sequence[Mapping[str, Any]] = ()  # {address, entries, products, problem, is_root}
    navigation: tuple[NavigationNode, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    needs_browser: bool | None = None

    @property
    def category_addresses(self) -> frozenset[str]:
        """The addresses of all categories of the navigation."""
        return frozenset(path[-1].address for path in paths_of(self.navigation) if path[-1].address)

    def with_sitemap(self, address: str, *, entries: int, products: int, problem: str = "") -> "Intelligence":
        """Return the same with what one sitemap said."""
        told = {"address": address, "entries": entries, "products": products, "problem": problem}
        by_address = {sitemap["address"]: sitemap for sitemap in self.sitemaps}
        by_address[address] = {**by_address.get(address, {}), **told}
        return replace(self, sitemaps=tuple(by_address.values())[:MAX_SITEMAPS])


def unknown_site(address: str) -> Intelligence:
    """Return what is known of a site of which nothing is known."""
    return Intelligence(host_of(address))


def intelligence_on(address: str, *, now: datetime | None = None) -> Intelligence:
    """Return what is known of the address's site; nothing but its host when that is older than seven days."""
    host = host_of(address)
    row = Site.objects.filter(host=host, expires_at__gt=now or timezone.now()).first()
    return _of_row(row) if row else Intelligence(host)


def hosts_that_need_browser(addresses: Iterable[str]) -> frozenset[str]:
    """Return those of the addresses' hosts whose pages show their content only in a browser."""
    hosts = {host_of(address) for address in addresses}
    return frozenset(Site.objects.filter(host__in=hosts, needs_browser=True).values_list("host", flat=True))


def store_intelligence(learned: Intelligence, *, now: datetime | None = None) -> None:
    """Write what was learned of a site, in the caller's transaction or one of its own.

    Several lists of a site may be read at once: templates and sitemaps are added to those that are stored, and what a
    reading says nothing of stays. The seven days begin when the site was first read.
    """
    now = now or timezone.now()
    with transaction.atomic():
        Site.objects.bulk_create([Site(host=learned.host)], ignore_conflicts=True)
        row = Site.objects.select_for_update().get(host=learned.host)
        if row.expires_at is None or row.expires_at <= now:
            row.templates, row.sitemaps, row.navigation, row.needs_browser = {}, [], [], None
            row.read_at, row.expires_at = now, now + KEPT_FOR
        row.source = learned.source or row.source
        row.evidence = list(learned.evidence) or row.evidence
        row.robots = dict(learned.robots) or row.robots
        row.navigation = [node.as_json(kind_of) for node in learned.navigation] or row.navigation
        row.templates = _merge_templates(row.templates, learned.templates)
        row.sitemaps = _merge_sitemaps(row.sitemaps, learned.sitemaps)
        if learned.needs_browser is not None:
            row.needs_browser = learned.needs_browser
        row.save()


def _of_row(row: Site) -> Intelligence:
    return Intelligence(
        host=row.host,
        source=row.source,
        evidence=tuple(row.evidence),
        robots=row.robots,
        sitemaps=tuple(row.sitemaps),
        navigation=tuple(node_of_json(node) for node in row.navigation),
        templates=row.templates,
        needs_browser=row.needs_browser,
    )


def _merge_templates(stored: Mapping[str, str], learned: Mapping[str, str]) -> dict[str, str]:
    merged = dict(stored)
    for template, kind in learned.items():
        if template in merged or len(merged) < MAX_TEMPLATES:
            merged[template] = kind if merged.get(template, kind) == kind else MIXED
    return merged


def _merge_sitemaps(stored: Sequence[Mapping[str, Any]], learned: Sequence[Mapping[str, Any]]) -> list[Any]:
    by_address = {sitemap["address"]: sitemap for sitemap in (*stored, *learned)}
    return list(by_address.values())[:MAX_SITEMAPS]
