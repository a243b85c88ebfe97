"""The business directory: who is in it, and the vectors that its entries are asked to get."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchVector
from django.db import transaction
from django.db.models import Q, QuerySet, TextChoices, Value
from django.utils import timezone

from jobs import audit
from jobs.batch import NewJob
from jobs.ledger import Enqueued, enqueue_many
from jobs.models import Priority
from marketplace.models import DirectoryEntry, Seller

TASK = "generate-business-embedding"
FIELDS = ("name", "category", "description", "address", "phone", "email", "website")
EMBEDDED_FIELDS = ("name", "category", "description", "address")
# What a seller says of itself. Its e-mail is for us; the directory is for everybody.
SELLER_FIELDS = ("name", "category", "description", "address", "phone")
# How much a word counts, by where it stands. PostgreSQL's own weights are 1, 0.4, 0.2 and 0.1.
WEIGHTS = {"name": "A", "category": "B", "address": "C", "description": "D"}
SEARCH_CONFIG = "english"
MAX_BULK = 1_000
MAX_SEARCHED_CHARS = 20_000  # of one field: PostgreSQL's tsvector has a limit of 1 MB


class EntryOfSeller(Exception):
    """The entry is a seller's own: it stays as long as the seller does. Suspend the seller to hide it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Answered(TextChoices):
    """What becomes of the wish for a vector."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"  # a job that was there already sees to it
    NOT_NEEDED = "not_needed"  # what is embedded is unchanged


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """The job that sees to a business' vector, if any."""

    id: int | None
    status: Answered
    message: str

    @property
    def is_new(self) -> bool:
        """Whether this call enqueued the job."""
        return self.status is Answered.QUEUED


NOT_NEEDED = EmbeddingJob(id=None, status=Answered.NOT_NEEDED, message="What is embedded of the business is unchanged.")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why vectors are asked for: `operation` is create, update, bulk or retry; `source` is api, admin or cron."""

    operation: str
    by: str
    source: str = "api"

    @property
    def priority(self) -> Priority:
        """A new business goes first: it is not found by its meaning yet."""
        return Priority.HIGH if self.operation == "create" else Priority.NORMAL


def visible_entries() -> QuerySet[DirectoryEntry]:
    """Find the businesses that everybody may see."""
    return DirectoryEntry.objects.filter(Q(seller=None) | Q(seller__status=Seller.Status.ACTIVE))


def shown_entries() -> QuerySet[DirectoryEntry]:
    """Find the businesses that everybody may see, without what is only compared."""
    return visible_entries().defer("words", "embedding", "embedding_text")


def folded(text: str) -> str:
    """Return the text in lower case without accents and needless space."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


@transaction.atomic
def create_entry(*, by: str, source: str = "api", **fields: Any) -> tuple[DirectoryEntry, EmbeddingJob]:
    """Write a new business, and enqueue the job of its vector.

    Args:
        by: who writes it.
        source: api or admin.
        fields: any of FIELDS, and the seller whose own entry it is.
    """
    entry = DirectoryEntry(**fields, embedding_status=DirectoryEntry.Embedding.QUEUED)
    entry.words = searchable_words(entry)
    entry.save(force_insert=True)
    return entry, _enqueue([entry], Occasion("create", by=by, source=source))[0]


@transaction.atomic
def update_entry(entry_id: int, *, by: str, source: str = "api", **changes: Any) -> tuple[DirectoryEntry, EmbeddingJob]:
    """Write the changed fields of a business; what is embedded of it is embedded again where it changed.

    Whether the change is large enough for another vector is for the job to find out.

    Raises:
        DirectoryEntry.DoesNotExist: there is no such business.
    """
    entry = DirectoryEntry.objects.select_for_update(of=("self",)).get(pk=entry_id)
    changed = {name: value for name, value in changes.items() if getattr(entry, name) != value}
    if not changed:
        return entry, NOT_NEEDED
    for name, value in changed.items():
        setattr(entry, name, value)
    if not any(name in EMBEDDED_FIELDS for name in changed):
        entry.save(update_fields=[*changed, "updated_at"])
        return entry, NOT_NEEDED
    entry.words = searchable_words(entry)
    entry.text_version += 1
    entry.embedding_status = DirectoryEntry.Embedding.QUEUED
    entry.save(update_fields=[*changed, "words", "text_version", "embedding_status", "updated_at"])
    return entry, _enqueue([entry], Occasion("update", by=by, source=source))[0]


@transaction.atomic
def delete_entry(entry_id: int, *, by: str, reason: str) -> None:
    """Take a business that staff wrote off the directory.

    Raises:
        DirectoryEntry.DoesNotExist: there is no such business.
        EntryOfSeller: it is a seller's.
    """
    entry = DirectoryEntry.objects.select_for_update(of=("self",)).get(pk=entry_id)
    if entry.seller_id is not None:
        raise EntryOfSeller
    audit.record(actor=by, action="delete business", subject=f"business {entry.pk}: {entry.name}", reason=reason)
    entry.delete()


def follow_seller(
    seller: Seller, changes: Collection[str] | None = None, *, source: str = "api", by: str = ""
) -> EmbeddingJob:
    """Write what a seller says of itself into its entry, in the caller's transaction.

    Args:
        seller: whose entry it is; one who has none gets one.
        changes: the names of the fields that changed; None: take them all.
        source: api or admin.
        by: who changed them; the seller itself by default.
    """
    by = by or f"seller {seller.pk}"
    entry_id = DirectoryEntry.objects.filter(seller=seller).values_list("pk", flat=True).first()
    if entry_id is None:
        facts = {name: getattr(seller, name) for name in SELLER_FIELDS}
        return create_entry(seller=seller, by=by, source=source, **facts)[1]
    names = SELLER_FIELDS if changes is None else [name for name in SELLER_FIELDS if name in changes]
    return update_entry(entry_id, by=by, source=source, **{name: getattr(seller, name) for name in names})[1]


@dataclass(frozen=True, slots=True)
class Requested:
    """The jobs of the businesses that were asked for, by their ids, and the ids that no business has."""

    jobs: Mapping[int, EmbeddingJob]
    unknown: Sequence[int]

    @property
    def queued(self) -> int:
        """How many jobs are new."""
        return sum(job.is_new for job in self.jobs.values())


@transaction.atomic
def request_embeddings(entry_ids: Collection[int], *, occasion: Occasion) -> Requested:
    """Ask for the vectors of businesses once more; one that has a job already is answered with it.

    Rows are read before their jobs are written, and marked after them: settlement locks in the same order.
    """
    entries = {entry.pk: entry for entry in _light(DirectoryEntry.objects.filter(pk__in=set(entry_ids)))}
    known = [entries[pk] for pk in dict.fromkeys(entry_ids) if pk in entries]
    jobs = dict(zip((entry.pk for entry in known), _enqueue(known, occasion), strict=True))
    new = [pk for pk, job in jobs.items() if job.is_new]
    locked = DirectoryEntry.objects.filter(pk__in=new).order_by("pk").select_for_update().values_list("pk", flat=True)
    DirectoryEntry.objects.filter(pk__in=list(locked)).update(embedding_status=DirectoryEntry.Embedding.QUEUED)
    return Requested(jobs=jobs, unknown=[pk for pk in dict.fromkeys(entry_ids) if pk not in entries])


def request_embeddings_for_staff(
    entry_ids: Collection[int], *, operation: str, actor: str, source: str, reason: str
) -> Requested:
    """Ask for vectors in a member of staff's name; the audit log keeps who and why.

    Raises:
        ReasonMissing: the reason is empty.
    """
    with transaction.atomic():
        requested = request_embeddings(entry_ids, occasion=Occasion(operation, by=actor, source=source))
        if requested.jobs:
            ids = list(requested.jobs)
            subject = f"business {ids[0]}" if len(ids) == 1 else "businesses"
            audit.record(
                actor=actor,
                action="embed again",
                subject=subject,
                reason=reason,
                matching=None if len(ids) == 1 else {"ids": ids},
                count=len(ids),
            )
        return requested


def _light(entries: QuerySet[DirectoryEntry]) -> QuerySet[DirectoryEntry]:
    """Leave out what a job's row does not need."""
    return entries.select_related("seller").only("name", "text_version", "embedding_job_id", "seller")


def _enqueue(entries: Sequence[DirectoryEntry], occasion: Occasion) -> list[EmbeddingJob]:
    """Enqueue one job an entry.

    The key names the text, and the job that saw to the vector last: asking again while a job is on its way is answered
    with it, and once it is done there may be another. Within that other one nothing is embedded that has its vector.
    """
    at = timezone.now().isoformat()
    new_jobs = [
        NewJob(
            TASK,
            {"businessId": entry.pk, "operation": occasion.operation},
            tenant="" if entry.seller is None else entry.seller.tenant,
            priority=occasion.priority,
            key=f"{entry.pk}:{entry.text_version}:{entry.embedding_job_id or 0}",
            meta={"source": occasion.source, "by": occasion.by, "at": at, "original_name": entry.name},
        )
        for entry in entries
    ]
    return [_embedding_job(enqueued) for enqueued in enqueue_many(new_jobs)]


def _embedding_job(enqueued: Enqueued) -> EmbeddingJob:
    number = enqueued.job_id
    if enqueued.is_duplicate:
        return EmbeddingJob(number, Answered.DUPLICATE, f"Job {number} sees to it already.")
    message = "The business is found by its words now, and by its meaning soon."
    return EmbeddingJob(number, Answered.QUEUED, message)


def searchable_words(entry: DirectoryEntry) -> Any:
    """Return what PostgreSQL finds the entry by: its words, stemmed, without accents, weighted by field."""
    vectors = [
        SearchVector(Value(folded(getattr(entry, name)[:MAX_SEARCHED_CHARS])), weight=weight, config=SEARCH_CONFIG)
        for name, weight in WEIGHTS.items()
    ]
    return vectors[0] + vectors[1] + vectors[2] + vectors[3]
