"""What the lists of a catalog leave in the database: categories, products, and which product is in which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from catalog.category_paths import PATH_SEPARATOR
from catalog.duplicates import link_duplicates, lock_contents
from catalog.milestones import tell_of_list
from catalog.politeness.domains import set_paces
from catalog.politeness.gates import gate_of
from catalog.product_pages import contents_of, products_to_read, read_in_a_list, store_pages
from catalog.rechecks import recheck_copies
from catalog.site.address_words import HOME_TEXTS
from catalog.site.category_classes import kind_of
from catalog.sources.source import CategoryPath, CategoryStep, ExtractedProduct, ListedProduct, Listing, ListPage
from jobs.batch import ClaimedJob, NewJob
from jobs.ledger import enqueue_many
from jobs.models import Job
from marketplace.models import Category, Product, ProductCategory, SyncRun
from marketplace.products import AWAY

BATCH = 500
MAX_CRUMBS = 6
TOO_MANY_LISTS = "catalog.too_many_lists"
TOO_MANY_PRODUCTS = "catalog.too_many_products"
_ROW = ("pk", "external_id", "address", "status", "last_sync_id")


def record_listing(job: ClaimedJob, page: ListPage, listing: Listing) -> int:
    """Store what a list showed, and enqueue what follows for each product that this sync had not seen before.

    A product whose content the list holds goes on to the next stage at once; the others' pages are read.
    Runs in the caller's transaction; returns how many products were new to the sync. Two lists of one seller
    are recorded one after the other, so that ids follow the order listed and each product is enqueued once.
    """
    sync = SyncRun.objects.only("pk", "seller_id").get(pk=job.payload["sync"])
    _lock_seller(sync.seller_id)
    if listing.same_as_sync is not None:
        return _find_again(sync, listing.same_as_sync)
    rows = _store_products(sync, listing.products)
    fresh = [row for row in rows if row.last_sync_id != sync.pk]
    _mark_seen(fresh, sync)
    paths = page.paths if listing.paths is None else listing.paths
    _store_categories(sync, paths, listing.products, rows)
    contents = {product.external_id: product.content for product in listing.products if product.content}
    known = [row for row in fresh if row.external_id in contents]
    beyond = _beyond_cap(fresh, sync)
    unread = [row for row in fresh if row.external_id not in contents and row.pk not in beyond]
    _store_contents(job, known, contents)
    set_paces(row.address for row in unread)
    set_paces((following.address for following in listing.lists if following.address), with_lists=True)
    enqueue_many([_reading(job, row) for row in unread])
    tell_of_list(job, page, listing, fresh=len(fresh), unread=len(unread))
    return len(fresh)


def _find_again(sync: SyncRun, earlier_id: int) -> int:
    """Let a sync find what an earlier one found, in the same categories; return how many products that are."""
    products = Product.objects.filter(seller=sync.seller_id, last_sync=earlier_id)
    links = ProductCategory.objects.filter(product__in=products.order_by().values("pk"), sync_id=earlier_id)
    links.update(sync_id=sync.pk)
    return products.update(last_sync=sync, last_seen_at=timezone.now())


def within_cap(job: ClaimedJob, lists: Sequence[ListPage]) -> tuple[Sequence[ListPage], int]:
    """Return the lists that the sync may still read, and how many are beyond settings.SYNC_MAX_LISTS."""
    cap = settings.SYNC_MAX_LISTS
    if not lists or not job.group:
        return lists, 0
    enqueued = Job.objects.filter(grp=job.group, task=job.task)[:cap].count()
    left = lists[: max(0, cap - enqueued)]
    return left, len(lists) - len(left)


def is_cut_short(sync: SyncRun) -> bool:
    """Tell whether lists of the sync were left unread, so that what was not found may be there all the same."""
    lists = Job.objects.filter(grp=sync.group, task="scrape-catalog")
    return lists.filter(result__skipped__has_key=TOO_MANY_LISTS).exists()


def _beyond_cap(fresh: Sequence[Product], sync: SyncRun) -> set[int]:
    """Return those of the products whose pages the sync may not read any more; new ones are told why."""
    cap = settings.SYNC_MAX_PRODUCTS
    found = Product.objects.filter(last_sync=sync)[: cap + len(fresh)].count()
    beyond = {row.pk for row in fresh[len(fresh) - max(0, found - cap) :]} if found > cap else set()
    reason = {
        "code": TOO_MANY_PRODUCTS,
        "field": "address",
        "message": f"The catalog has more than {cap:,} products, and this one is beyond.",
        "remedy": "Ask us to raise the limit, or give the address of a smaller catalog.",
    }
    Product.objects.filter(pk__in=beyond, status=Product.Status.PENDING).update(
        status=Product.Status.DEAD, reasons=[reason], updated_at=timezone.now()
    )
    return beyond


def _store_contents(job: ClaimedJob, rows: Sequence[Product], contents: Mapping[str, ExtractedProduct]) -> None:
    """Write what the list says of products, as if their pages had been read, and send the changed ones on."""
    if not rows:
        return
    external_ids = {row.pk: row.external_id for row in rows}
    products = products_to_read(list(external_ids))
    reads = [read_in_a_list(product, contents[external_ids[pk]]) for pk, product in products.items()]
    affected = contents_of(reads)
    lock_contents(affected)
    store_pages(reads)
    changed = link_duplicates(affected)
    following = {read.product.pk: read for read in reads if read.next_task}
    sync = job.payload["sync"]
    enqueue_many(
        [
            _job(job, read.next_task, {"sync": sync, "product": pk}, pk, gates=read.next_gates)
            for pk, read in following.items()
            if read.next_task
        ]
    )
    rechecked = {pk: copied for pk, copied in changed.items() if pk not in following}
    recheck_copies(rechecked, jobs={product.seller_id: job for product in products.values()})


def _lock_seller(seller_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('catalog.listings'), %s)", [seller_id])


def _store_products(sync: SyncRun, listed: Sequence[ListedProduct]) -> list[Product]:
    """Return the rows of the products, in the order listed; those that are new are created."""
    wanted = {product.external_id: product for product in listed}
    known = _known_rows(sync.seller_id, wanted)
    created = Product.objects.bulk_create(
        [
            Product(seller_id=sync.seller_id, external_id=product.external_id, address=product.address)
            for product in wanted.values()
            if product.external_id not in known
        ],
        batch_size=BATCH,
    )
    addresses = {row.pk: wanted[external_id].address for external_id, row in known.items()}
    moved = [row for row in known.values() if row.address != addresses[row.pk]]
    for row in moved:
        row.address = addresses[row.pk]
    Product.objects.bulk_update(moved, ["address"], batch_size=BATCH)
    known |= {row.external_id: row for row in created}
    return [known[external_id] for external_id in wanted]


def _known_rows(seller_id: int, wanted: Mapping[str, ListedProduct]) -> dict[str, Product]:
    """Return the rows of those products that are stored already, by the external id that the list gives them.

    A product that was stored by its alias takes its own id; one that a list knows by its alias alone is found by
    its address, and keeps the id that it has.
    """
    known = {row.external_id: row for row in _rows_of(seller_id, list(wanted))}
    by_alias = {
        product.alias: external_id
        for external_id, product in wanted.items()
        if product.alias and product.alias != external_id and external_id not in known
    }
    renamed = list(_rows_of(seller_id, list(by_alias))) if by_alias else []
    for row in renamed:
        row.external_id = by_alias[row.external_id]
        known[row.external_id] = row
    Product.objects.bulk_update(renamed, ["external_id"], batch_size=BATCH)
    unnamed = {key: product for key, product in wanted.items() if product.alias == key and key not in known}
    if unnamed:
        same_source = Q()
        for source in {key.partition(":")[0] for key in unnamed}:
            same_source |= Q(external_id__startswith=f"{source}:")
        at_address = {
            row.address: row
            for row in Product.objects.filter(
                same_source, seller_id=seller_id, address__in=[product.address for product in unnamed.values()]
            ).only(*_ROW)
        }
        known |= {key: at_address[product.address] for key, product in unnamed.items() if product.address in at_address}
    return known


def _rows_of(seller_id: int, external_ids: Sequence[str]) -> Iterable[Product]:
    return Product.objects.filter(seller_id=seller_id, external_id__in=external_ids).only(*_ROW)


def _mark_seen(rows: Sequence[Product], sync: SyncRun) -> None:
    now = timezone.now()
    ids = [row.pk for row in rows]
    Product.objects.filter(pk__in=ids).update(last_seen_at=now, last_sync=sync)
    # A product that was lost, and is listed again, goes through all stages once more.
    returning = Product.objects.filter(pk__in=ids, status__in=AWAY)
    returning.update(status=Product.Status.PENDING, reasons=[], updated_at=now)


def _store_categories(
    sync: SyncRun, paths: Sequence[CategoryPath], listed: Sequence[ListedProduct], rows: Sequence[Product]
) -> None:
    """Link each product to the categories of the list and to its own; the sync's end unlinks what it did not find."""
    links = [(row.pk, path) for row, product in zip(rows, listed, strict=True) for path in {*paths, *product.paths}]
    categories = store_paths(sync.seller_id, {path for _, path in links if path})
    _link([(pk, path) for pk, path in links if path], categories, sync.pk)


def _link(links: Sequence[tuple[int, CategoryPath]], categories: Mapping[CategoryPath, int], sync_id: int) -> None:
    ProductCategory.objects.bulk_create(
        [ProductCategory(product_id=pk, category_id=categories[path], sync_id=sync_id) for pk, path in links],
        update_conflicts=True,
        unique_fields=["product", "category"],
        update_fields=["sync_id"],
        batch_size=BATCH,
    )


def file_by_breadcrumbs(sync: SyncRun) -> list[int]:
    """Put products that no list of this sync has filed where their own pages say that they stand; return those.

    For the end of a sync, when every list is read.
    """
    unfiled = Product.objects.filter(last_sync=sync).exclude(breadcrumbs=[]).exclude(productcategory__sync_id=sync.pk)
    rows = unfiled.order_by("pk").values_list("pk", "title", "breadcrumbs")
    named = {pk: names for pk, title, crumbs in rows if (names := _names_above(title, crumbs))}
    addresses = dict(Category.objects.filter(seller=sync.seller_id).values_list("path", "address"))

    def path_of(names: Sequence[str]) -> CategoryPath:
        steps = [CategoryStep(name) for name in names]
        return tuple(
            replace(step, address=addresses.get(path_name(tuple(steps[: depth + 1])), ""))
            for depth, step in enumerate(steps)
        )

    links = [(pk, path_of(names)) for pk, names in named.items()]
    if links:
        _link(links, store_paths(sync.seller_id, {path for _, path in links}), sync.pk)
    return list(named)


def _names_above(title: str, breadcrumbs: Sequence[str]) -> list[str]:
    """Return the categories in a page's breadcrumbs: without the front page, and without the product itself."""
    names = [name for crumb in breadcrumbs if (name := crumb.strip())]
    if names and names[0].casefold() in HOME_TEXTS:
        names = names[1:]
    if names and names[-1].casefold() == title.casefold():
        names = names[:-1]
    return names[:MAX_CRUMBS]


def store_paths(seller_id: int, paths: Iterable[CategoryPath]) -> dict[CategoryPath, int]:
    """Store the categories of these paths with all above them; return the id of each path's last."""
    wanted = sorted({path[:depth] for path in paths for depth in range(1, len(path) + 1)}, key=len)
    stored: dict[CategoryPath, int] = {}
    for depth in sorted({len(path) for path in wanted}):
        level = [path for path in wanted if len(path) == depth]
        # Two paths may have the same names and differ in an address: one category.
        named = {path_name(path): path for path in level}
        rows = Category.objects.bulk_create(
            [
                Category(
                    seller_id=seller_id,
                    parent_id=stored[path[:-1]] if depth > 1 else None,
                    name=path[-1].name[:200],
                    path=name,
                    address=path[-1].address[:2000],
                    kind=kind_of(tuple(step.name for step in path)),
                )
                for name, path in named.items()
            ],
            update_conflicts=True,
            unique_fields=["seller", "path"],
            update_fields=["name", "address", "parent", "kind"],
        )
        ids = {row.path: row.pk for row in rows}
        stored |= {path: ids[path_name(path)] for path in level}
    return stored


def path_name(path: CategoryPath) -> str:
    """Return a category's names from the root in one line, as it is stored."""
    return PATH_SEPARATOR.join(step.name[:200] for step in path)[:1000]


def _reading(job: ClaimedJob, row: Product) -> NewJob:
    payload = {"sync": job.payload["sync"], "product": row.pk}
    return _job(job, "scrape-product", payload, row.pk, gates=[gate_of(row.address)])


def _job(job: ClaimedJob, task: str, payload: dict[str, int], product_id: int, gates: Sequence[str] = ()) -> NewJob:
    return NewJob(
        task,
        payload,
        tenant=job.tenant,
        priority=job.priority,
        key=f"{job.payload['sync']}:{product_id}",
        group=job.group,
        gates=gates,
        meta=job.meta,
    )
