"""What a writer must know of the index that it writes to: is it the one in use, and who else has to be told."""

from collections.abc import Collection

from django.db.models import Q

from catalog.models import IndexChange, SearchIndex
from jobs.errors import RetryableError

State = SearchIndex.State


class EmbedderChanged(RetryableError):
    """Staff has put another embedder in the place of this one; the next attempt writes to its index."""

    code = "index.embedder_changed"


def enter_as_writer(fingerprint: str, product_ids: Collection[int]) -> bool:
    """Tell whether searches go to the index of this fingerprint; call it under write_lock, before writing.

    What is written to the index in use is noted for the one in the making, which looks at these products again.

    Raises:
        EmbedderChanged: the index of this fingerprint is retired.
    """
    concerned = SearchIndex.objects.filter(Q(state=State.BUILDING) | Q(fingerprint=fingerprint, dropped_at=None))
    states: dict[str, SearchIndex] = {}
    for row in concerned.order_by("id"):
        states[row.state if row.fingerprint == fingerprint else "other"] = row
    if State.BUILDING in states:
        return False
    if State.RETIRED in states and State.ACTIVE not in states:
        raise EmbedderChanged
    if "other" in states:
        changes = [IndexChange(search_index=states["other"], product_id=pk) for pk in product_ids]
        IndexChange.objects.bulk_create(changes, ignore_conflicts=True)
    return True
