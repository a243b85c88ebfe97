"""Previews: the first products at an address, before anybody connects it."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from catalog.discovery import read_list, start_reading
from catalog.paced_reading import Pace, PacedReader
from catalog.politeness.domains import charge_extra, meet, set_paces, settle_manners
from catalog.politeness.gates import gate_of
from catalog.remedies import told_problem
from catalog.scraping.pages import read_product
from catalog.scraping.shown import shown_evidence, shown_money
from catalog.site.intelligence import intelligence_on
from catalog.sources.source import CatalogNotPublic, ExtractedProduct, ListedProduct, ListPage
from jobs.batch import NewJob
from jobs.errors import JobError
from jobs.ledger import enqueue
from jobs.models import FINAL_STATES, Job, Priority
from jobs.tenancy import jobs_of
from jobs.token_bucket import Taken, take
from marketplace.egress import check_address

TASK = "preview-catalog"
PRODUCTS = 5
MAX_LISTS = 5  # read in search of so many products
MAX_REQUESTS = 15
TIMEOUT_S = 10.0
BUDGET_S = 25.0
FRESH_FOR_S = 300  # the same address asked for again within this time is answered from the first reading
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class _Shown:
    """A product that a list shows, and where."""

    listed: ListedProduct
    source: str


# --- ask for it -------------------------------------------------------------------------------------
def start_preview(address: str, *, tenant: str) -> int:
    """Enqueue the reading of the address and return its job; a job of the last minutes for the same address is it.

    Raises:
        AddressRefused: the address cannot be one of the public web.
    """
    check_address(address)
    set_paces([address])
    digest = hashlib.sha256(address.encode()).hexdigest()[:32]
    occasion = int(timezone.now().timestamp() // FRESH_FOR_S)
    return enqueue(
        NewJob(
            TASK,
            {"address": address},
            tenant=tenant,
            priority=Priority.CRITICAL,
            key=f"{tenant}:{digest}:{occasion}",
            gates=[gate_of(address)],
            meta={"source": "api"},
        )
    ).job_id


def take_preview_token(*, tenant: str, per_minute: int) -> Taken | None:
    """Take one of the tenant's previews a minute; None when Redis is away: then nobody is held up."""
    return take(f"preview:{tenant}", per_minute=per_minute)


def preview_of(job_id: int, *, tenant: str) -> Job:
    """Return the tenant's preview.

    Raises:
        Job.DoesNotExist: there is none of that id, or it is another's.
    """
    return jobs_of(tenant).get(pk=job_id, task=TASK)


def await_preview(job_id: int, *, tenant: str, for_s: float) -> Job:
    """Return the preview once it is final, or as it is after so many seconds."""
    give_up_at = time.monotonic() + for_s
    while True:
        job = preview_of(job_id, tenant=tenant)
        left_s = give_up_at - time.monotonic()
        if job.state in FINAL_STATES or left_s <= 0:
            return job
        time.sleep(min(POLL_S, left_s))  # the database has nobody to tell us


# --- make it ----------------------------------------------------------------------------------------
def make_preview(address: str) -> dict[str, Any]:
    """Read the first products at the address, at the pace that its host is read at; a reason why not is an answer.

    Returns {source, evidence, products, problem, skipped}: `problem` is null, or {code, message, remedy} when there
    is no product to show.
    """
    started = time.monotonic()
    answer: dict[str, Any] = {
        "address": address, "source": "", "evidence": [], "products": [], "problem": None, "skipped": [],
    }  # fmt: skip
    manners = meet([address])
    reader = PacedReader(
        Pace(),
        knows=intelligence_on,
        max_requests=MAX_REQUESTS,
        timeout_s=TIMEOUT_S,
        give_up_at=started + BUDGET_S,
        manners=manners,
    )
    with reader:
        try:
            if (refusal := manners.refusal(address)) is not None:
                raise refusal
            reader.turn_to(address)
            _fill(reader, address, answer)
        except JobError as error:
            if not answer["products"]:
                answer["problem"] = told_problem(error)
    settle_manners(manners)
    charge_extra(manners, [address])
    answer["took_s"] = round(time.monotonic() - started, 2)
    return answer


def _fill(reader: PacedReader, address: str, answer: dict[str, Any]) -> None:
    start = start_reading(reader, address)
    answer |= {"source": start.source, "evidence": shown_evidence(start.evidence)}
    refusals: list[JobError] = []
    for shown in _first_products(reader, start.lists):
        listed = shown.listed
        try:
            content = listed.content or read_product(reader, listed.address, source=shown.source).content
        except JobError as error:
            refusals.append(error)
            answer["skipped"].append({"address": listed.address, **told_problem(error)})
            if len(refusals) >= PRODUCTS:
                break
            continue
        answer["products"].append(_card(listed, content))
        if len(answer["products"]) == PRODUCTS:
            return
    if not answer["products"]:
        raise refusals[0] if refusals else CatalogNotPublic(f"{address} shows no products.")


def _first_products(reader: PacedReader, lists: Sequence[ListPage]) -> Iterator[_Shown]:
    """Yield products in the order of the first lists, following a list that only leads to others."""
    waiting = list(lists)
    seen: set[str] = set()
    for _ in range(MAX_LISTS):
        if not waiting:
            return
        page = waiting.pop(0)
        listing = read_list(reader, page, is_start=len(waiting) == 0 and not seen)
        for listed in listing.products:
            if listed.external_id not in seen:
                seen.add(listed.external_id)
                yield _Shown(listed, page.source)
        waiting = [*listing.lists, *waiting] if not listing.products else [*waiting, *listing.lists]


def _card(listed: ListedProduct, content: ExtractedProduct) -> dict[str, Any]:
    return {
        "address": content.canonical_address or listed.address,
        "title": content.title,
        "price": shown_money(content.price),
        "list_price": shown_money(content.list_price),
        "availability": str(content.availability),
        "picture": content.picture_addresses[0] if content.picture_addresses else None,
        "evidence": content.evidence,
    }
