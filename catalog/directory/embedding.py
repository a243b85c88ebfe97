"""Give businesses their vectors: once per text, and again only where a text changed significantly."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import connection
from django.utils import timezone

from catalog.embedders.contract import Embedder
from catalog.inputs import input_hash
from catalog.significance import compose_text, is_significant_change
from catalog.vectors import Vector, text_vectors
from jobs.errors import PermanentError
from marketplace.models import DirectoryEntry

STORE_LOCK = 0x50AE_D1EC

# The clock counts too: the business with the last version may have been deleted.
_NEXT_VERSION = """
SELECT greatest(coalesce(max(embedding_version), 0) + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
  FROM marketplace_directoryentry
"""


class BusinessNotFound(PermanentError):
    """There is no such business any more."""

    code = "directory.business_not_found"

    def __init__(self, business_id: object) -> None:
        super().__init__(f"there is no business {business_id!r}; it was deleted, or never was")


class Outcome(StrEnum):
    """What a job did about a vector."""

    EMBEDDED = "embedded"
    DUPLICATE = "duplicate"  # the vector of this very text was there
    NOT_NEEDED = "not_needed"  # the text changed too little


@dataclass(frozen=True, slots=True)
class Wanted:
    """A business as it was read, and what there is to do."""

    outcome: Outcome
    text: str
    text_version: int
    input_hash: str

    @property
    def is_to_embed(self) -> bool:
        """Whether it needs a vector."""
        return self.outcome is Outcome.EMBEDDED


@dataclass(frozen=True, slots=True)
class Embedded:
    """The businesses of a batch, with the vectors of those that need one."""

    fingerprint: str
    wanted: Mapping[int, Wanted]
    vectors: dict[str, Vector] = field(default_factory=dict)


def wanted_vectors(business_ids: Collection[int], *, embedder: Embedder) -> Embedded:
    """Read the businesses and decide which need a vector; those that are not there are left out."""
    entries = DirectoryEntry.objects.filter(pk__in=business_ids).defer("words", "embedding")
    return Embedded(embedder.fingerprint, {entry.pk: _wanted(entry, embedder.fingerprint) for entry in entries})


def embed_wanted(embedded: Embedded, *, embedder: Embedder) -> None:
    """Embed the texts that have no stored vector, all in one call; texts of the same words share one.

    Raises:
        JobError: what the embedder says.
    """
    texts = [it.text for it in embedded.wanted.values() if it.is_to_embed]
    embedded.vectors.update(text_vectors(texts, embedder=embedder))


def store_embedded(embedded: Embedded, *, jobs: Mapping[int, int]) -> None:
    """Write the vectors of businesses, in the settling transaction.

    Writers go one after the other, so that versions appear in order and who reads those after a known one misses none.
    A business whose text changed meanwhile stays queued: another job is on its way.

    Args:
        embedded: the vectors.
        jobs: the job that saw to each business.
    """
    version = _next_version()
    now = timezone.now()
    entries = list(
        DirectoryEntry.objects.filter(pk__in=jobs).order_by("pk").select_for_update(of=("self",)).defer("words")
    )
    for entry in entries:
        wanted = embedded.wanted[entry.pk]
        entry.embedding_job_id = jobs[entry.pk]
        if wanted.is_to_embed:
            entry.embedding = embedded.vectors[wanted.input_hash].astype("<f4").tobytes()
            entry.embedding_fingerprint = embedded.fingerprint
            entry.embedding_input_hash = wanted.input_hash
            entry.embedding_text = wanted.text
            entry.embedding_version = version
            entry.embedded_at = now
        if entry.text_version == wanted.text_version:
            entry.embedding_status = DirectoryEntry.Embedding.DONE
            entry.embedding_error_code = entry.embedding_error_message = ""
    DirectoryEntry.objects.bulk_update(
        entries,
        [
            "embedding_job_id", "embedding", "embedding_fingerprint", "embedding_input_hash", "embedding_text",
            "embedding_version", "embedded_at", "embedding_status", "embedding_error_code", "embedding_error_message",
        ],
    )  # fmt: skip


def _next_version() -> int:
    """Return a version above all others; until this transaction ends nobody else gets one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STORE_LOCK])
        cursor.execute(_NEXT_VERSION)
        return int(cursor.fetchone()[0])


def mark_failed(errors: Mapping[int, tuple[str, str]]) -> None:
    """Note code and message of the error at businesses whose jobs were given up; those that have their vector stay."""
    locked = DirectoryEntry.objects.filter(pk__in=errors).exclude(embedding_status=DirectoryEntry.Embedding.DONE)
    entries = list(locked.order_by("pk").select_for_update(of=("self",)).only("pk"))
    for entry in entries:
        entry.embedding_status = DirectoryEntry.Embedding.FAILED
        entry.embedding_error_code, entry.embedding_error_message = errors[entry.pk]
    DirectoryEntry.objects.bulk_update(entries, ["embedding_status", "embedding_error_code", "embedding_error_message"])


def business_text(entry: DirectoryEntry) -> str:
    """Return what is embedded of a business; its name, category and address are the head: see significance."""
    return compose_text([entry.name, entry.category, entry.address], entry.description)


def _wanted(entry: DirectoryEntry, fingerprint: str) -> Wanted:
    text = business_text(entry)
    digest = input_hash(text)
    outcome = Outcome.EMBEDDED
    if entry.embedding_fingerprint == fingerprint:
        if entry.embedding_input_hash == digest:
            outcome = Outcome.DUPLICATE
        elif not is_significant_change(entry.embedding_text, text):
            outcome = Outcome.NOT_NEEDED
    return Wanted(outcome, text, entry.text_version, digest)
