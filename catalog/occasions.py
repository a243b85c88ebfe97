"""The occasion on which a product goes through the stages: a sync, or its seller's word that it is mended.

Jobs of one product on one occasion have one key, so that another occasion is another job.
"""

from collections.abc import Mapping
from typing import Any


def is_recheck(payload: Mapping[str, Any]) -> bool:
    """Tell whether the product comes because its seller asked for it."""
    return payload.get("recheck") is not None


def occasion_of(payload: Mapping[str, Any]) -> str:
    """Return the key of a stage's job: the occasion and the product."""
    occasion = f"recheck-{payload['recheck']}" if is_recheck(payload) else payload["sync"]
    return f"{occasion}:{payload['product']}"


def payload_of_next(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the next stage's job is told: the product and its occasion."""
    return {name: payload[name] for name in ("sync", "product", "recheck") if name in payload}
