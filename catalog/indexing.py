"""Which rows of the index a product should have, and making it so."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from django.db.models import F, Func, JSONField, Max, QuerySet
from django.utils import timezone

from catalog import index
from catalog.category_paths import names_of
from catalog.embedders.contract import Embedder
from catalog.embedders.current import picture_embedder_of
from catalog.index import IndexRow
from catalog.indexes.flushing import ask_for_flush
from catalog.indexes.pictures import write_pictures
from catalog.indexes.standing import enter_as_writer
from catalog.milvus import patiently
from catalog.models import SearchDocument
from catalog.ranking.documents import document_of, index_text, remove_documents, write_documents
from catalog.setbacks import is_on_its_way
from catalog.vectors import NamedVector, input_names, product_vectors
from marketplace.models import Product, ProductCategory

Status = Product.Status


class Purpose(Enum):
    """Why rows are written: this decides what becomes of a product in each status."""

    PREPARE = "prepare"  # products on their way get a hidden row; all others keep what they have
    SHOW = "show"  # approved products get a visible row, all others none
    REPAIR = "repair"  # as SHOW, but products on their way keep what they have


class Wanted(Enum):
    """What the index should hold of a product."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    NOTHING = "nothing"
    AS_IT_IS = "as it is"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left in the index."""

    shown: frozenset[int]
    changed: int
    pictures: int = 0


def wanted(product: Product, *, is_approved: bool, purpose: Purpose) -> Wanted:
    """Decide what the index should hold of a product; approved means by its latest verdict.

    An approved product on its way gets no hidden row: a slow worker could otherwise hide what another has
    shown a moment before.
    """
    on_its_way = is_on_its_way(product)
    if purpose is Purpose.PREPARE:
        return Wanted.HIDDEN if on_its_way and not is_approved else Wanted.AS_IT_IS
    if on_its_way and purpose is Purpose.REPAIR:
        return Wanted.AS_IT_IS
    return Wanted.VISIBLE if is_approved and (on_its_way or product.status == Status.LIVE) else Wanted.NOTHING


def approved_products(product_ids: Collection[int]) -> QuerySet[Product]:
    """Find those of the products whose latest verdict is approval."""
    judged = Product.objects.filter(pk__in=product_ids).annotate(latest_verdict=Max("verdicts__id"))
    return judged.filter(verdicts__id=F("latest_verdict"), verdicts__decision="approved").order_by()


def write_products(
    product_ids: Collection[int],
    *,
    purpose: Purpose,
    embedder: Embedder,
    vectors: Mapping[int, NamedVector] | None = None,
) -> Written:
    """Bring the index's rows of these products up to date; rows that are so already are not written.

    The products are read under the writers' lock, so that of two writers the later has the later facts.

    Args:
        product_ids: the products.
        purpose: see Purpose.
        embedder: whose collection, and for products whose vector is not stored.
        vectors: vectors by product, with the names of their inputs, that go before those which the products name.

    Raises:
        IndexUnavailable: away for longer than 30 s.
        EmbedderChanged: staff has put another embedder in its place.
    """
    return patiently(lambda: _write_locked(product_ids, purpose, embedder, vectors or {}))


def _write_locked(
    product_ids: Collection[int], purpose: Purpose, embedder: Embedder, given: Mapping[int, NamedVector]
) -> Written:
    fingerprint = embedder.fingerprint
    with index.write_lock():
        is_serving = enter_as_writer(fingerprint, product_ids)
        index.ensure_collection(fingerprint)
        rows, products, documents, unwanted = _wanted_rows(product_ids, purpose, embedder, given)
        held = index.row_hashes(fingerprint, [*rows, *unwanted])
        changed = [row for row in rows.values() if held.get(row.product_id) != row.row_hash]
        removed = [product_id for product_id in unwanted if product_id in held]
        is_seen = is_serving and bool(removed or any(row.is_visible for row in changed))
        if is_seen:
            index.bump_version()  # here too: who is killed before the one below has changed what searches find
        if changed:
            missing = [products[row.product_id] for row in changed if row.product_id not in given]
            vectors = {**given, **product_vectors(missing, embedder=embedder)}
            # A picture that turns out to be unreadable leaves the vector, and the name, to the text.
            named = [replace(row, input_hash=vectors[row.product_id][0]) for row in changed]
            index.upsert(fingerprint, named, dict(vectors.values()))
        write_documents(documents)
        remove_documents(unwanted)
        if removed:
            index.delete(fingerprint, removed)
        pictures = 0
        if purpose is not Purpose.PREPARE:  # nobody looks for pictures of products that are not shown
            pictures = write_pictures(rows, unwanted=unwanted, embedder=picture_embedder_of(embedder))
        if is_seen:
            index.bump_version()
        if is_serving and (changed or removed or pictures):
            ask_for_flush()
    return Written(
        shown=frozenset(row.product_id for row in rows.values() if row.is_visible),
        changed=len(changed) + len(removed),
        pictures=pictures,
    )


def live_rows(products: QuerySet[Product], *, embedder: Embedder) -> dict[int, IndexRow]:
    """Return the rows that the index should show of those of the products that are live."""
    live = {product.pk: product for product in products.filter(status=Status.LIVE)}
    rows, _ = _rows(live, dict.fromkeys(live, True), input_names(live.values(), embedder=embedder))
    return rows


def _wanted_rows(
    product_ids: Collection[int], purpose: Purpose, embedder: Embedder, given: Mapping[int, NamedVector]
) -> tuple[dict[int, IndexRow], dict[int, Product], list[SearchDocument], list[int]]:
    """Return the rows that should be, their products, their words, and the products that should have none."""
    products = Product.objects.in_bulk(list(product_ids))
    approved = set(approved_products(product_ids).values_list("pk", flat=True))
    wishes = {pk: wanted(product, is_approved=pk in approved, purpose=purpose) for pk, product in products.items()}
    unwanted = [pk for pk in product_ids if wishes.get(pk, Wanted.NOTHING) is Wanted.NOTHING]
    shown = {pk: wish is Wanted.VISIBLE for pk, wish in wishes.items() if wish in (Wanted.VISIBLE, Wanted.HIDDEN)}
    rest = [products[pk] for pk in shown if pk not in given]
    names = {**{pk: name for pk, (name, _) in given.items()}, **input_names(rest, embedder=embedder)}
    rows, documents = _rows({pk: products[pk] for pk in shown}, shown, names)
    return rows, products, documents, unwanted


def _rows(
    products: Mapping[int, Product], is_visible: Mapping[int, bool], input_names: Mapping[int, str]
) -> tuple[dict[int, IndexRow], list[SearchDocument]]:
    paths = _category_paths(products)
    documents = {pk: document_of(product, paths[pk]) for pk, product in products.items()}
    rows = {
        pk: _row(product, paths[pk], documents[pk], is_visible=is_visible[pk], input_name=input_names[pk])
        for pk, product in products.items()
    }
    return rows, list(documents.values())


def _row(
    product: Product, paths: list[str], document: SearchDocument, *, is_visible: bool, input_name: str
) -> IndexRow:
    return IndexRow(
        product_id=product.pk,
        seller_id=product.seller_id,
        categories=_category_names(paths),
        price=None if product.price is None else product.price.normalize(),
        currency=product.currency,
        availability=product.availability,
        is_visible=is_visible,
        text=index_text(document),
        input_hash=input_name,
    )


def _category_paths(product_ids: Iterable[int]) -> defaultdict[int, list[str]]:
    paths: defaultdict[int, list[str]] = defaultdict(list)
    links = ProductCategory.objects.filter(product__in=list(product_ids)).order_by("category__path")
    for product_id, path in links.values_list("product_id", "category__path"):
        paths[product_id].append(path)
    return paths


def _category_names(paths: Iterable[str]) -> tuple[str, ...]:
    """List each path, each path above it and each name in it: a filter may name any of them."""
    names: dict[str, None] = {}
    for path in paths:
        names |= dict.fromkeys(names_of(path))
    return tuple(names)


# Of a product's reasons, those that never held it back.
_ADVICE = Func(
    F("reasons"),
    template="""jsonb_path_query_array(%(expressions)s, '$[*] ? (@.severity == "advise")')""",
    output_field=JSONField(),
)


def mark_live(product_ids: Collection[int]) -> int:
    """Set products live that are shown by the index and still approved; return how many. They keep what is advised.

    Locks the products in the order of their ids.
    """
    locked = Product.objects.filter(pk__in=product_ids).order_by("pk").select_for_update()
    able = [it.pk for it in locked.only("pk", "status", "reasons") if it.status == Status.LIVE or is_on_its_way(it)]
    approved = set(approved_products(able).values_list("pk", flat=True))
    now = timezone.now()
    return Product.objects.filter(pk__in=approved).update(
        status=Status.LIVE, reasons=_ADVICE, indexed_at=now, updated_at=now
    )


def stale_products(seller_id: int, *, embedder: Embedder) -> list[int]:
    """List the seller's products that the index shows wrongly: not at all, not as they are, or against their status.

    Products on their way are left out: their stages are still at work on them.
    """
    held = index.visible_rows(embedder.fingerprint, seller_id)
    expected = live_rows(Product.objects.filter(seller=seller_id), embedder=embedder)
    stale = {pk for pk, row in expected.items() if held.get(pk) != row.row_hash}
    on_their_way = Product.objects.filter(seller=seller_id, status=Status.PENDING).values_list("pk", flat=True)
    return sorted(stale | (held.keys() - expected.keys() - set(on_their_way)))
