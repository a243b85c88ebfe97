"""Rereading: one product that its seller says is mended goes through all stages again, as on a sync.

A product whose source shows it on a page of its own is read there, whatever the page answered last time. What comes
from a feed or an interface alone cannot be read by itself: it is judged anew as it stands, and the recheck says so.
"""

from collections.abc import Collection, Sequence

from django.utils import timezone

from catalog.occasions import is_recheck, occasion_of, payload_of_next
from catalog.politeness.domains import set_paces
from catalog.politeness.gates import gate_of
from catalog.product_pages import PageRead, picture_gates
from catalog.sources.known import source_of
from catalog.sources.source import UnsupportedAddress
from jobs.batch import ClaimedJob, NewJob
from marketplace.models import Product
from marketplace.rechecks.models import Recheck


def has_page(product: Product) -> bool:
    """Tell whether the product can be read by itself; one of a source that Souk no longer has cannot."""
    try:
        return bool(product.address) and source_of(product.external_id).reads_pages
    except UnsupportedAddress:
        return False


def first_stage(job: ClaimedJob, product: Product) -> NewJob:
    """Return the job that a recheck begins with: the reading of the page, or the judging of what is stored."""
    if has_page(product):
        return _next("scrape-product", job, gates=[gate_of(product.address)])
    return _next("quality-control", job)


def after_reading(job: ClaimedJob, read: PageRead) -> NewJob:
    """Return the job that fetches the pictures of a product that was read: all stages follow, whatever is new."""
    addresses = read.product.picture_addresses if read.content is None else read.content.picture_addresses
    return _next("process-images", job, gates=picture_gates(addresses))


def _next(task: str, job: ClaimedJob, gates: Sequence[str] = ()) -> NewJob:
    return NewJob(task, payload_of_next(job.payload), key=occasion_of(job.payload), gates=gates)


def note_how(jobs: Collection[ClaimedJob], products: Collection[Product]) -> None:
    """Write down by what rechecks judge their products, and give the sites a pace; in the caller's transaction.

    What is judged as it is stored is on its way again at once, also where it could not be read before.
    """
    read = {product.pk for product in products if has_page(product)}
    for how in (Recheck.How.PAGE, Recheck.How.STORED):
        its = [job.payload["recheck"] for job in jobs if (job.payload["product"] in read) == (how == Recheck.How.PAGE)]
        Recheck.objects.filter(pk__in=its).update(how=how)
    bring_back([job for job in jobs if job.payload["product"] not in read])
    set_paces(product.address for product in products if product.pk in read)


def read_whole(products: Collection[Product], jobs: Collection[ClaimedJob]) -> None:
    """Have the pages of rechecked products sent whole: a site may say that nothing has changed when it has."""
    rechecked = {job.payload["product"] for job in jobs if is_recheck(job.payload)}
    for product in products:
        if product.pk in rechecked:
            product.etag = product.last_modified = ""


def bring_back(jobs: Collection[ClaimedJob]) -> set[int]:
    """Set rechecked products on their way again that could not be read before; return all that are rechecked."""
    rechecked = {job.payload["product"] for job in jobs if is_recheck(job.payload)}
    lost = Product.objects.filter(pk__in=rechecked, status=Product.Status.DEAD)
    lost.update(status=Product.Status.PENDING, reasons=[], updated_at=timezone.now())
    return rechecked
