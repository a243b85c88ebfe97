"""Imports of feeds: a file that a seller gives, or what stands at the catalog's address.

A feed is taken in once for a sync: it is brought to disk, every row is checked, the products are kept beside it, and
each thousand of them becomes a list of its own. A feed at an address that has not changed since the last sync costs
one request, and all its products stay as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from yarl import URL

from catalog.discovery import links_page
from catalog.feed_files import (
    Part,
    feed_path,
    new_file,
    present_feed,
    products_path,
    remove_feeds,
    store_feed,
    write_products,
)
from catalog.feed_rows import FeedCheck, FeedHasNoProducts, checked_products
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.reading import SiteReader
from catalog.sources import photos
from catalog.sources.feed import NAME, PART, WHOLE
from catalog.sources.source import Listing, ListPage
from marketplace.models import Product, Seller, SyncRun
from marketplace.syncs import Given, start_import

ORPHANED_AFTER = timedelta(days=1)
UNSETTLED = (Product.Status.PENDING, Product.Status.DEAD)


def import_file(
    *,
    seller: Seller,
    name: str,
    chunks: Iterable[bytes],
    trigger: str,
    keeps_others: bool = False,
    is_submission: bool = False,
) -> FeedImport:
    """Store a file and start bringing its products in; return the import, whose sync can be followed.

    Unless others are kept, the file is all of what the seller gives by files: products of earlier files that it
    lacks are taken down. Products of the seller's catalog address are never touched.

    Raises:
        SyncRunning, SellerSuspended, TooManyJobs: nothing was started.
        FeedNotStored: there is no room for the file.
    """
    feed = FeedImport.objects.create(seller=seller, name=name[-200:])
    try:
        store_feed(feed.pk, chunks)
        with transaction.atomic():
            given = Given(SyncRun.Origin.FEED, {"feed": feed.pk}, keeps_others=keeps_others)
            feed.sync = start_import(seller=seller, given=given, trigger=trigger, is_submission=is_submission)
            feed.file = feed_path(feed.pk).name
            feed.save(update_fields=["sync", "file"])
    except BaseException:
        remove_feeds([feed.pk])
        feed.delete()
        raise
    return feed


def import_links(
    *, seller: Seller, addresses: Sequence[str], trigger: str, keeps_others: bool = False, is_submission: bool = False
) -> SyncRun:
    """Start bringing in the products at these addresses, each of which a source knows.

    Raises:
        SyncRunning, SellerSuspended, TooManyJobs: nothing was started.
    """
    given = Given(SyncRun.Origin.LINKS, {"links": list(addresses)}, keeps_others=keeps_others)
    return start_import(seller=seller, given=given, trigger=trigger, is_submission=is_submission)


def given_list(payload: dict[str, Any]) -> ListPage | None:
    """Return the list to begin with where a sync reads what the seller gave; None where it reads the address."""
    if "feed" in payload:
        return ListPage(NAME, "", kind=WHOLE, cursor={"feed": payload["feed"]})
    if photos.NAME in payload:
        return photos.photos_page(payload[photos.NAME])
    return links_page(payload["links"]) if "links" in payload else None


def is_whole_feed(page: ListPage) -> bool:
    """Tell whether a list is a feed that has to be taken in."""
    return page.source == NAME and page.kind == WHOLE


def take_in(reader: SiteReader, page: ListPage, *, sync_id: int) -> Listing:
    """Bring a feed to disk, check all its rows, and return the lists by which its products come in.

    A second run begins anew, and leaves the same.

    Raises:
        FeedUnreadable, FeedHasNoProducts: permanent.
        FeedFileAway, FeedNotStored: retryable; and what `reader` raises.
    """
    if page.address:
        feed, media_type, unchanged = _fetch(reader, page.address, sync_id)
        if unchanged is not None:
            return _stand_by(feed, unchanged)
    else:
        feed, media_type = FeedImport.objects.get(pk=page.cursor["feed"]), ""
        present_feed(feed.pk)
    check = FeedCheck()
    name = URL(page.address).name if page.address else feed.name
    with new_file(products_path(feed.pk)) as draft:
        rows = checked_products(feed_path(feed.pk), name=name, media_type=media_type, check=check)
        parts = write_products(draft, rows)
    _write_check(feed, check)
    if not parts:
        raise FeedHasNoProducts(f"{feed.name} has no product: {check.refused} of {check.rows} rows were refused.")
    skipped = {"the row was refused": check.refused} if check.refused else {}
    lists = [_part_page(page, feed.pk, part, check.not_carried) for part in parts]
    return Listing(page.address, products=(), lists=lists, total=check.accepted, skipped=skipped)


def end_imports(sync: SyncRun) -> None:
    """Say of a sync's feeds that they are done, and remove their files once that is committed."""
    feeds = list(FeedImport.objects.filter(sync=sync).values_list("pk", flat=True))
    # A process that was killed between storing a file and starting its sync leaves one that nobody reads.
    orphans = FeedImport.objects.filter(sync=None, finished_at=None, started_at__lt=timezone.now() - ORPHANED_AFTER)
    feeds += orphans.values_list("pk", flat=True)
    if feeds:
        FeedImport.objects.filter(pk__in=feeds).update(finished_at=timezone.now(), file="")
        transaction.on_commit(lambda: remove_feeds(feeds))


def _part_page(page: ListPage, feed_id: int, part: Part, not_carried: Sequence[str]) -> ListPage:
    cursor = {
        "feed": feed_id,
        "offset": part.offset,
        "products": part.products,
        "not_carried": list(not_carried),
    }
    return replace(page, kind=PART, cursor=cursor)


def _fetch(reader: SiteReader, address: str, sync_id: int) -> tuple[FeedImport, str, FeedImport | None]:
    """Download a feed; return its import, its media type, and the earlier import that it is still the same as."""
    sync = SyncRun.objects.only("pk", "seller_id").get(pk=sync_id)
    feed, _ = FeedImport.objects.get_or_create(
        sync=sync, address=address, defaults={"seller_id": sync.seller_id, "name": address[-200:]}
    )
    earlier = _settled_import(feed)
    with new_file(feed_path(feed.pk)) as draft:
        reply = reader.save(
            address,
            draft,
            max_bytes=settings.FEED_MAX_MB * 2**20,
            etag=earlier.etag if earlier else "",
            last_modified=earlier.last_modified if earlier else "",
        )
    if reply.is_not_modified and earlier is not None:
        return feed, "", earlier
    feed.etag = reply.etag if len(reply.etag) <= 200 else ""
    feed.last_modified = reply.last_modified if len(reply.last_modified) <= 100 else ""
    feed.file = feed_path(feed.pk).name
    feed.save(update_fields=["etag", "last_modified", "file"])
    return feed, reply.media_type, None


def _settled_import(feed: FeedImport) -> FeedImport | None:
    """Return the import of the sync before, if it was of this address and all its products are as they should be."""
    earlier = FeedImport.objects.filter(seller=feed.seller_id, address=feed.address, pk__lt=feed.pk)
    finished = earlier.filter(sync__status=SyncRun.Status.FINISHED, finished_at__isnull=False).order_by("-pk").first()
    if finished is None or finished.sync is None:
        return None
    products = Product.objects.filter(last_sync=finished.sync)
    whole = products.count() == finished.sync.outcome.get("found")
    return finished if whole and not products.filter(status__in=UNSETTLED).exists() else None


@transaction.atomic
def _stand_by(feed: FeedImport, earlier: FeedImport) -> Listing:
    """Let an import say what the earlier one said."""
    feed_path(feed.pk).unlink(missing_ok=True)
    same = ("kind", "rows", "accepted", "refused", "problems", "not_carried", "etag", "last_modified")
    FeedImport.objects.filter(pk=feed.pk).update(**{name: getattr(earlier, name) for name in same})
    FeedRowError.objects.filter(feed=feed).delete()
    copies = list(FeedRowError.objects.filter(feed=earlier))
    for copy in copies:
        copy.pk, copy.feed_id = None, feed.pk
    FeedRowError.objects.bulk_create(copies, batch_size=1_000)
    return Listing(feed.address, products=(), total=earlier.accepted, same_as_sync=earlier.sync_id)


@transaction.atomic
def _write_check(feed: FeedImport, check: FeedCheck) -> None:
    """Write what the check of all rows has found, in place of what an earlier run wrote."""
    FeedImport.objects.filter(pk=feed.pk).update(
        kind=check.kind,
        rows=check.rows,
        accepted=check.accepted,
        refused=check.refused,
        problems=check.problems,
        not_carried=check.not_carried,
    )
    FeedRowError.objects.filter(feed=feed).delete()
    FeedRowError.objects.bulk_create(
        [
            FeedRowError(
                feed=feed,
                number=kept.error.number,
                line=kept.error.line,
                is_note=kept.is_note,
                field=kept.error.field[:100],
                code=kept.error.code[:100],
                message=kept.error.message,
                excerpt=kept.error.excerpt[:500],
            )
            for kept in check.errors
        ],
        batch_size=1_000,
    )
