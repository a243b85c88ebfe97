"""The stage of pictures."""

from collections.abc import Sequence

from catalog.galleries import FilledGallery, addresses_to_fetch, fill_galleries, galleries_of, store_galleries
from catalog.near_duplicates import link_near_duplicates, lock_titles
from catalog.occasions import is_recheck, occasion_of, payload_of_next
from catalog.politeness.domains import meet, settle_manners
from catalog.politeness.outcomes import end_troubled
from catalog.rechecks import recheck_copies
from catalog.setbacks import bury_products, revive_products
from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.errors import JobError
from jobs.registry import task
from marketplace.models import Product


def give_up_on_pictures(given_up: Sequence[GivenUp]) -> None:
    """Tell the sellers that the pictures could not be had."""
    bury_products(
        given_up,
        field="pictures",
        remedy="See that the product's pictures open in a browser that is not logged in; the next sync tries again.",
    )


@task(queue="process-images", batch_size=32, attempts=4, subject=["product"], on_give_up=give_up_on_pictures)
def process_images(batch: Batch) -> None:
    """Store each product's pictures, safe to show; a second run fetches only what is not stored."""
    doubted = {job.payload["product"] for job in batch if is_recheck(job.payload)}
    galleries = galleries_of({job.payload["product"] for job in batch}, doubted=doubted)
    manners = meet(addresses_to_fetch(galleries.values()))
    filled = fill_galleries(galleries.values(), manners=manners)
    standings = settle_manners(manners)
    for job in batch:
        outcome = filled.get(job.payload["product"])
        if isinstance(outcome, JobError):
            address = addresses_to_fetch([galleries[job.payload["product"]]])[0]
            end_troubled(batch, job, outcome, address=address, standings=standings)
        elif outcome is None:
            batch.complete(job, result={"product": "deleted"})
        else:
            batch.complete(job, result=_summary(outcome), then=[_embedding(job)])

    def store(jobs: Sequence[ClaimedJob]) -> None:
        by_product = {job.payload["product"]: job for job in jobs}
        wanted = set(by_product)
        lock_titles(wanted)
        ready = [outcome for pk, outcome in filled.items() if pk in wanted and isinstance(outcome, FilledGallery)]
        store_galleries(ready)
        revive_products(wanted)
        changed = link_near_duplicates(wanted)
        if changed:
            sellers = Product.objects.filter(pk__in=wanted).values_list("pk", "seller_id")
            recheck_copies(changed, jobs={seller_id: by_product[pk] for pk, seller_id in sellers})

    batch.on_settle(store)


def _embedding(job: ClaimedJob) -> NewJob:
    return NewJob("generate-embedding", payload_of_next(job.payload), key=occasion_of(job.payload))


def _summary(gallery: FilledGallery) -> dict[str, int]:
    broken = sum(1 for picture in gallery.pictures if picture.error_code)
    return {"stored": len(gallery.pictures) - broken, "broken": broken, "pictures": gallery.size}
