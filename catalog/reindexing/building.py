"""Another embedder's index, built beside the one in use: searches go on, and change over in one moment.

The building goes in steps, each a job of its own that enqueues the next; the row of SearchIndex knows which step is
the next, so that a step that was done is not done again, whoever was killed meanwhile:

1. begin: find out whether the embedder can run here, and take away what is left of an earlier index of its own;
2. copy: every live product, a slice at a time, in the order of their ids;
3. catch up: the products whose rows in the old index were looked at meanwhile (IndexChange), until few are left;
4. switch: under the writers' lock the last of these, then the row is the active one, and the old one retires.

Vectors are made before the lock is taken: who indexes products meanwhile waits for Milvus only, never for a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.embedders.current import EMBEDDERS, embedder_named, picture_embedder_of
from catalog.indexes.active import active_index, forget_active_index
from catalog.indexes.flushing import ask_for_flush, make_fast
from catalog.indexes.identity import identity_of
from catalog.indexing import Purpose, write_products
from catalog.models import IndexChange, SearchIndex
from catalog.vectors import picture_vectors, product_vectors
from jobs import audit
from jobs.batch import NewJob
from jobs.errors import PermanentError
from jobs.ledger import enqueue
from marketplace.models import Product

TASK = "build-search-index"
SLICE = 256
SLICE_TIMEOUT_S = 900.0  # of a large model on a CPU, with pictures
FEW = 64  # changes that the switch itself may take along

State = SearchIndex.State


class BuildingRefused(ValueError):
    """No other index can be built as asked; the message says why, and what to do."""


class SameEmbedder(PermanentError):
    """The embedder makes the same vectors as the one in use: there is nothing to change to."""

    code = "index.same_embedder"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the building of an index is; next_step is None when there is none."""

    index_id: int
    state: str
    done: int
    total: int
    next_step: int | None


# --- what staff does --------------------------------------------------------------------------------


@transaction.atomic
def change_embedder(name: str, *, actor: str, reason: str) -> SearchIndex:
    """Have an index of another embedder built, to which searches change over when it is complete.

    Raises:
        BuildingRefused: there is no such embedder, it is in use, or another index is being built.
        ReasonMissing: nobody said why.
    """
    active = active_index()
    if name not in EMBEDDERS:
        raise BuildingRefused(f"No embedder is named {name!r}. There are: {', '.join(sorted(EMBEDDERS))}.")
    if name == active.embedder:
        raise BuildingRefused(f"{name} is in use already. `manage.py reindex` compares its index, and mends it.")
    building = SearchIndex.objects.select_for_update().filter(state=State.BUILDING).first()
    if building is not None:
        raise BuildingRefused(f"An index of {building.embedder} is being built; cancel it first, or wait.")
    row = SearchIndex.objects.create(embedder=name, requested_by=actor, reason=reason.strip(), total=_live().count())
    enqueue(next_step_job(_progress(row)))
    audit.record(
        actor=actor, action="change embedder", subject=f"search index {row.pk}", reason=reason,
        matching={"from": active.embedder, "to": name},
    )  # fmt: skip
    return row


@transaction.atomic
def cancel_building(index_id: int, *, actor: str, reason: str) -> bool:
    """Give up the index that is being built; searches stay where they are. False when it is not being built.

    Raises:
        ReasonMissing: nobody said why.
    """
    if not _give_up(index_id, State.CANCELLED):
        return False
    audit.record(actor=actor, action="cancel search index", subject=f"search index {index_id}", reason=reason)
    return True


# --- what the job does ------------------------------------------------------------------------------


def next_step_job(progress: Progress) -> NewJob:
    """Return the job that does the next step; of a step there is one job only."""
    step = progress.next_step
    return NewJob(
        TASK, {"index": progress.index_id, "step": step}, tenant="", key=f"{progress.index_id}:{step}", group=""
    )


def advance(index_id: int, *, step: int) -> Progress:
    """Do this step of the building unless it is done, and say which is the next.

    Raises:
        JobError: whatever keeps the embedder or Milvus from it; the step may be tried again.
    """
    row = SearchIndex.objects.get(pk=index_id)
    if row.state == State.BUILDING and row.step == step:
        embedder = embedder_named(row.embedder)
        if step == 0:
            _begin(row, embedder)
        elif ids := list(_live().filter(pk__gt=row.cursor).values_list("pk", flat=True)[:SLICE]):
            _copy(row, ids, embedder)
        elif len(ids := _changed(row)[: SLICE + 1]) > FEW:
            _catch_up(row, ids[:SLICE], embedder)
        else:
            _switch(row, embedder)
        row.refresh_from_db()
    return _progress(row)


def fail(index_id: int, *, code: str, message: str) -> None:
    """Write down why the index cannot be built."""
    _give_up(index_id, State.FAILED, error_code=code, error_message=message)


def _begin(row: SearchIndex, embedder: Embedder) -> None:
    embedder.embed(["lamp"])  # says what is missing here before anything is done
    identity = identity_of(embedder)
    active = active_index()
    in_use = identity_of(embedder_named(active.embedder))
    if identity["fingerprint"] == in_use["fingerprint"]:
        raise SameEmbedder(f"{row.embedder} makes the same vectors as {active.embedder}, which is in use")
    with index.write_lock():
        SearchIndex.objects.filter(pk=active.pk).update(**in_use)
        index.drop_collection(identity["fingerprint"])
        if identity["picture_fingerprint"] != in_use["picture_fingerprint"]:
            index.drop_collection(identity["picture_fingerprint"], index.Kind.PICTURES)
        _step_done(row, **identity)


def _copy(row: SearchIndex, ids: Sequence[int], embedder: Embedder) -> None:
    _embed(ids, embedder)
    with index.write_lock():
        if _is_still_at(row):
            write_products(ids, purpose=Purpose.REPAIR, embedder=embedder)
            _step_done(row, cursor=ids[-1], done=row.done + len(ids), total=max(row.total, row.done + len(ids)))


def _catch_up(row: SearchIndex, ids: Sequence[int], embedder: Embedder) -> None:
    _embed(ids, embedder)
    with index.write_lock():
        if _is_still_at(row):
            _take_along(row, ids, embedder)
            _step_done(row)


def _switch(row: SearchIndex, embedder: Embedder) -> None:
    """Let searches go to the new index, unless more has changed meanwhile than the lock should be held for."""
    make_fast(row.fingerprint, row.picture_fingerprint)
    _embed(_changed(row), embedder)
    with index.write_lock():
        if not _is_still_at(row):
            return
        ids = _changed(row)
        if len(ids) > FEW:
            _step_done(row)
            return
        _take_along(row, ids, embedder)
        now = timezone.now()
        SearchIndex.objects.filter(state=State.ACTIVE).update(state=State.RETIRED, retired_at=now)
        _step_done(row, state=State.ACTIVE, finished_at=now)
        index.point_alias(row.fingerprint)
        index.bump_version(at_once=True)
        ask_for_flush()
    forget_active_index()


def _embed(ids: Sequence[int], embedder: Embedder) -> None:
    """Have the vectors stored before the lock is taken."""
    products = list(_live().filter(pk__in=ids))
    product_vectors(products, embedder=embedder)
    picture_vectors([product.pk for product in products], embedder=picture_embedder_of(embedder))


def _take_along(row: SearchIndex, ids: Sequence[int], embedder: Embedder) -> None:
    """Look again at products that changed. Call it under write_lock: who changes one more notes it afterwards."""
    if ids:
        IndexChange.objects.filter(search_index=row, product_id__in=ids).delete()
        write_products(ids, purpose=Purpose.REPAIR, embedder=embedder)


def _is_still_at(row: SearchIndex) -> bool:
    """Lock the row, and tell whether this step is still the next."""
    return SearchIndex.objects.select_for_update().filter(pk=row.pk, state=State.BUILDING, step=row.step).exists()


def _step_done(row: SearchIndex, **fields: object) -> None:
    at_this_step = SearchIndex.objects.filter(pk=row.pk, state=State.BUILDING, step=row.step)
    at_this_step.update(step=row.step + 1, **fields)


def _give_up(index_id: int, state: State, **fields: str) -> bool:
    building = SearchIndex.objects.filter(pk=index_id, state=State.BUILDING)
    was_building = bool(building.update(state=state, finished_at=timezone.now(), **fields))
    if was_building:
        IndexChange.objects.filter(search_index=index_id).delete()
    return was_building


def _changed(row: SearchIndex) -> list[int]:
    changes = IndexChange.objects.filter(search_index=row).order_by("product_id")
    return list(changes.values_list("product_id", flat=True))


def _live() -> QuerySet[Product]:
    return Product.objects.filter(status=Product.Status.LIVE).order_by("pk")


def _progress(row: SearchIndex) -> Progress:
    is_going_on = row.state == State.BUILDING
    return Progress(
        index_id=row.pk,
        state=row.state,
        done=row.done,
        total=row.total,
        next_step=row.step if is_going_on else None,
    )
