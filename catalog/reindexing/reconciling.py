"""Proof that the index holds what PostgreSQL says, row by row, and repair where it does not."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.embedders.current import picture_embedder_of
from catalog.index import Facts, Kind
from catalog.indexes.active import active_index
from catalog.indexes.flushing import make_fast
from catalog.indexes.identity import identity_of
from catalog.indexes.pictures import picture_rows
from catalog.indexing import Purpose, live_rows, write_products
from catalog.milvus import patiently
from catalog.models import SearchIndex
from catalog.setbacks import is_on_its_way
from marketplace.models import Product

logger = logging.getLogger(__name__)

RANGE = 1000  # products compared at once

Told = Callable[[int, int], None]


@dataclass(slots=True)
class Comparison:
    """What a comparison found; a product that differs in both collections counts twice.

    Args:
        products: live in PostgreSQL.
        rows: in the products' collection, hidden ones too.
        pictures: in the pictures' collection.
        missing: products that the index does not hold, by collection.
        stale: those that it holds otherwise than they are.
        surplus: those that it should not hold.
        repaired: rows that were written or taken out.
    """

    products: int = 0
    rows: int = 0
    pictures: int = 0
    missing: dict[str, list[int]] = field(default_factory=lambda: {kind.value: [] for kind in Kind})
    stale: dict[str, list[int]] = field(default_factory=lambda: {kind.value: [] for kind in Kind})
    surplus: dict[str, list[int]] = field(default_factory=lambda: {kind.value: [] for kind in Kind})
    repaired: int = 0
    took_s: float = 0.0

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not any(ids for kinds in (self.missing, self.stale, self.surplus) for ids in kinds.values())

    @property
    def figures(self) -> dict[str, Any]:
        """The comparison in numbers."""
        differing = {
            name: sum(len(ids) for ids in kinds.values())
            for name, kinds in (("missing", self.missing), ("stale", self.stale), ("surplus", self.surplus))
        }
        return {
            "products": self.products,
            "rows": self.rows,
            "pictures": self.pictures,
            **differing,
            "repaired": self.repaired,
            "is_equal": self.is_equal,
            "took_s": self.took_s,
        }


def reconcile(
    embedder: Embedder, *, seller_id: int | None = None, only_check: bool = False, told: Told | None = None
) -> Comparison:
    """Compare the index with PostgreSQL and mend what differs; products on their way may keep a hidden row or none.

    What differs at first sight is looked at again under the writers' lock: what somebody was just writing is no
    difference. A comparison of all sellers is kept with the index, for staff.

    Args:
        embedder: whose index.
        seller_id: compare the products of this seller only.
        only_check: mend nothing.
        told: called with how many products are compared, and of how many.

    Raises:
        IndexUnavailable: the index is away for longer than 30 s.
    """
    started = time.monotonic()
    found = Comparison()
    products = Product.objects.all() if seller_id is None else Product.objects.filter(seller=seller_id)
    total = products.count()
    _ensure(embedder, with_alias=not only_check)
    for number, (after, until) in enumerate(_ranges(products), start=1):
        _compare_range(found, products, embedder, seller_id, after, until, only_check)
        if told:
            told(min(number * RANGE, total), total)
    if found.repaired:
        identity = identity_of(embedder)
        patiently(lambda: make_fast(identity["fingerprint"], identity["picture_fingerprint"]))
    found.took_s = round(time.monotonic() - started, 2)
    if seller_id is None:
        _keep(found, embedder)
    if not found.is_equal:
        logger.error("the search index differed from PostgreSQL", extra={"seller_id": seller_id, **found.figures})
    return found


def index_figures() -> dict[str, Any]:
    """Return which index is in use, what the last comparison found, and how far another one is."""
    rows = {row.state: row for row in SearchIndex.objects.filter(state__in=["active", "building"])}
    active, building = rows.get("active"), rows.get("building")
    return {
        "embedder": active.embedder if active else None,
        "fingerprint": active.fingerprint if active else None,
        "reconciliation": active.reconciliation or None if active else None,
        "building": {"embedder": building.embedder, "done": building.done, "total": building.total}
        if building
        else None,
    }


def _ensure(embedder: Embedder, *, with_alias: bool) -> None:
    pictures = picture_embedder_of(embedder)

    def ensure() -> None:
        with index.write_lock():
            index.ensure_collection(embedder.fingerprint)
            index.held_rows(embedder.fingerprint, after=0, until=0)  # says whether it is still there
            index.ensure_collection(pictures.fingerprint, Kind.PICTURES)
            index.held_rows(pictures.fingerprint, Kind.PICTURES, after=0, until=0)
            if with_alias:
                index.point_alias(embedder.fingerprint)

    patiently(ensure)


def _ranges(products: QuerySet[Product]) -> Iterator[tuple[int, int | None]]:
    """Yield (after, until] over all ids, so that rows of products that are no more are met too."""
    ids = list(products.order_by("pk").values_list("pk", flat=True))
    bounds: list[int | None] = [0, *ids[RANGE - 1 :: RANGE], None]
    for after, until in pairwise(bounds):
        yield after or 0, until


def _compare_range(
    found: Comparison,
    products: QuerySet[Product],
    embedder: Embedder,
    seller_id: int | None,
    after: int,
    until: int | None,
    only_check: bool,
) -> None:
    of_range = products.filter(pk__gt=after)
    if until is not None:
        of_range = of_range.filter(pk__lte=until)

    def held(fingerprint: str, kind: Kind) -> dict[int, str]:
        return patiently(lambda: index.held_rows(fingerprint, kind, seller_id=seller_id, after=after, until=until))

    seen = _differences(of_range, embedder, held)
    found.products += seen.products
    found.rows += seen.rows
    found.pictures += seen.pictures
    suspects = sorted({pk for differing in seen.by_kind.values() for ids in differing.values() for pk in ids})
    if not suspects:
        return

    def held_now(fingerprint: str, kind: Kind) -> dict[int, str]:
        return index.row_hashes(fingerprint, suspects, kind)

    with index.write_lock():
        sure = _differences(Product.objects.filter(pk__in=suspects), embedder, held_now)
        for kind, differing in sure.by_kind.items():
            for name, ids in differing.items():
                getattr(found, name)[kind.value].extend(ids)
        if not only_check:
            written = write_products(suspects, purpose=Purpose.REPAIR, embedder=embedder)
            found.repaired += written.changed + written.pictures


@dataclass(frozen=True, slots=True)
class _Seen:
    products: int
    rows: int
    pictures: int
    by_kind: Mapping[Kind, Mapping[str, list[int]]]


def _differences(products: QuerySet[Product], embedder: Embedder, held: Callable[[str, Kind], dict[int, str]]) -> _Seen:
    """Compare the rows that should be with those that `held` answers."""
    expected = live_rows(products, embedder=embedder)
    passing = {it.pk for it in products.filter(status__in=["pending", "dead"]) if is_on_its_way(it)}
    rows = held(embedder.fingerprint, Kind.PRODUCTS)
    looks = picture_embedder_of(embedder)
    pictures = held(looks.fingerprint, Kind.PICTURES)
    by_kind = {
        Kind.PRODUCTS: _compared(expected, rows, passing),
        Kind.PICTURES: _compared(picture_rows(expected, fingerprint=looks.fingerprint), pictures, passing),
    }
    return _Seen(products=len(expected), rows=len(rows), pictures=len(pictures), by_kind=by_kind)


def _compared(expected: Mapping[int, Facts], held: Mapping[int, str], passing: set[int]) -> dict[str, list[int]]:
    return {
        "missing": [pk for pk in expected if pk not in held],
        "stale": [pk for pk, row in expected.items() if pk in held and held[pk] != row.row_hash],
        "surplus": [pk for pk in held if pk not in expected and pk not in passing],
    }


def _keep(found: Comparison, embedder: Embedder) -> None:
    """Note what was found with the index in use; an upgrade may have changed how its vectors are made."""
    active = active_index()
    noted = {"at": timezone.now().isoformat(), **found.figures}
    SearchIndex.objects.filter(pk=active.pk).update(reconciliation=noted, **identity_of(embedder))
