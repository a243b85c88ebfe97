"""The occasion on which a product goes through the stages: a sync, a recheck, or an edit of its texts.

Jobs of one product on one occasion have one key, so that another occasion is another job.
"""

from collections.abc import Mapping
from typing import Any

# The fields of a payload that name an occasion; where it has several, the first counts. `sync` is always there: with
# the others it is the sync that saw the product last, or None.
_OCCASIONS = ("recheck", "edit")


def is_recheck(payload: Mapping[str, Any]) -> bool:
    """Tell whether the product comes because its seller says that it is mended."""
    return payload.get("recheck") is not None


def occasion_of(payload: Mapping[str, Any]) -> str:
    """Return the key of a stage's job: the occasion and the product."""
    named = next((f"{name}-{payload[name]}" for name in _OCCASIONS if payload.get(name) is not None), payload["sync"])
    return f"{named}:{payload['product']}"


def payload_of_next(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the next stage's job is told: the product and its occasion."""
    return {name: payload[name] for name in ("sync", "product", *_OCCASIONS) if name in payload}
