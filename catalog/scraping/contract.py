"""What a scraping type is: how a request for something from a site is taken step by step, one page a step."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from catalog.paced_reading import PacedReader
from catalog.politeness.gates import gate_of, list_gate_of
from catalog.scraping.shown import joined_trees
from catalog.site.intelligence import Intelligence
from catalog.sources.source import CategoryPath, CategoryStep, ListPage

START = "start"
LIST = "list"
RESULTS = "results"
PRODUCT = "product"
WORKING = "working"  # what later steps need of earlier ones; it is no part of the result

# What a scraping job has found so far, as it is stored; see `merged`.
Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for. The defaults are the specification's."""

    target_url: str
    scraping_type: str
    max_pages: int = 1
    timeout_ms: int = 30_000
    extract_images: bool = True
    extract_reviews: bool = False
    respect_robots_txt: bool = True
    rate_limit_delay_ms: int = 1_000
    category_path: str = ""
    category_name: str = ""
    parent_category: str = ""
    query: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """All but the address and the type, as JSON."""
        told = asdict(self)
        del told["target_url"], told["scraping_type"]
        return told

    @property
    def path(self) -> CategoryPath:
        """The category that was named, from the root; empty when none was."""
        names = [name.strip() for name in self.category_path.split(">")]
        if not any(names):
            names = [self.parent_category.strip(), self.category_name.strip()]
        return tuple(CategoryStep(name) for name in names if name)


@dataclass(frozen=True, slots=True)
class Step:
    """One page that is to be read."""

    kind: str
    address: str
    page: ListPage | None = None  # of a list
    external_id: str = ""  # of a product, where a list named it
    paths: tuple[CategoryPath, ...] = ()  # of a product: where it was found

    @property
    def is_page(self) -> bool:
        """Tell whether it counts towards max_pages; the products of a search's results do not."""
        return self.kind != PRODUCT

    @property
    def gates(self) -> list[str]:
        """The gates that it waits behind: its host's, and that of lists."""
        own = gate_of(self.address)
        return [own] if self.kind == PRODUCT else [own, list_gate_of(self.address)]

    @property
    def identity(self) -> list[Any]:
        """What two equal steps have in common."""
        page = self.page
        return [self.kind, self.address] if page is None else [page.source, page.address, page.kind, dict(page.cursor)]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step found, and the steps that it leads to."""

    found: Found
    following: Sequence[Step] = ()
    message: str = ""
    learned: Intelligence | None = None  # of the site, to be stored
    has_read_list: bool = field(default=True)  # False: the step found out where to begin, and read no page of products


class Scraper(Protocol):
    """A scraping type. A new one is a module beside this one, and its name in `known.py`."""

    def take(self, reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
        """Read one page.

        Args:
            reader: reads it.
            order: what is asked for.
            step: the page.
            found: what earlier steps found.

        Raises:
            What the reader and the source raise, of the families in jobs.errors.
        """

    def summarise(self, order: Order, found: Found) -> dict[str, Any]:
        """Return the figures of what was found."""


def merged(found: Found, more: Found) -> Found:
    """Return both: lists and trees grow by what they do not hold yet, counts add up, everything else is replaced.

    Two entries of a list are one when they have the same `external_id`, or else the same `address` and `cursor`.
    """
    result = dict(found)
    for key, value in more.items():
        known = result.get(key)
        if key == "categories" and known:
            result[key] = joined_trees(known, value)
        elif isinstance(value, list) and isinstance(known, list):
            result[key] = _joined(known, value)
        elif key == "skipped" and isinstance(known, Mapping):
            result[key] = {name: known.get(name, 0) + value.get(name, 0) for name in {**known, **value}}
        else:
            result[key] = value
    return result


def step_to_json(step: Step) -> dict[str, Any]:
    """Return a step as JSON."""
    return asdict(step)


def step_of(kept: Mapping[str, Any]) -> Step:
    """Return the step that step_to_json made JSON of."""
    page = kept["page"]
    return Step(
        kind=kept["kind"],
        address=kept["address"],
        page=page
        and ListPage(
            source=page["source"],
            address=page["address"],
            kind=page["kind"],
            paths=paths_of(page["paths"]),
            cursor=page["cursor"],
        ),
        external_id=kept["external_id"],
        paths=paths_of(kept["paths"]),
    )


def paths_of(kept: Sequence[Sequence[Mapping[str, str]]]) -> tuple[CategoryPath, ...]:
    """Return category paths that were JSON."""
    return tuple(tuple(CategoryStep(**step) for step in path) for path in kept)


def _joined(known: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    joined = list(known)
    places = {identity: place for place, entry in enumerate(joined) if (identity := _identity(entry))}
    for entry in more:
        identity = _identity(entry)
        place = places.get(identity)
        if place is not None:
            joined[place] = _one(joined[place], entry)
            continue
        if identity:
            places[identity] = len(joined)
        joined.append(entry)
    return joined


def _one(known: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return two entries for the same thing as one, with the categories of both."""
    categories = [*known.get("categories", [])]
    categories += [path for path in entry.get("categories", []) if path not in categories]
    return {**known, **entry, "categories": categories}


def _identity(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return ""
    return str(entry.get("external_id") or f"{entry.get('address', '')} {entry.get('cursor', '')}".strip())
