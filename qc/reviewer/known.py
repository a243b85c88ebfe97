"""What the reviewer has said before of the same: in verdicts for as long as they are kept, in Redis for a day."""

import logging
from collections.abc import Collection, Mapping
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from qc.models import Verdict
from qc.reviewer.review import PROMPT_VERSION, Review, review_from

logger = logging.getLogger(__name__)

KEEP_S = 24 * 3600


def key_of(content_hash: str) -> str:
    """Return what a review is known by: all that it depends on, whosever product it is."""
    return sha256(f"{content_hash} {settings.GEMINI_MODEL} {PROMPT_VERSION}".encode()).hexdigest()


def known_reviews(content_hashes: Mapping[int, str]) -> dict[int, Review]:
    """Return what is known of products by id, given the digest of what the seller says of each now."""
    known = _in_verdicts(content_hashes)
    keys = {pk: key_of(it) for pk, it in content_hashes.items() if pk not in known}
    kept = _kept(set(keys.values()))
    return known | {pk: kept[key] for pk, key in keys.items() if key in kept}


def keep_reviews(reviews: Mapping[str, Review]) -> None:
    """Keep reviews by their keys for a day."""
    if not reviews:
        return
    try:
        cache.set_many({_name(key): it.as_json() for key, it in reviews.items()}, KEEP_S)
    except RedisError as error:
        logger.warning("reviews cannot be kept: %s", error)


def _in_verdicts(content_hashes: Mapping[int, str]) -> dict[int, Review]:
    rows = (
        Verdict.objects.filter(
            product__in=list(content_hashes),
            is_automatic=True,
            model=settings.GEMINI_MODEL,
            prompt_version=PROMPT_VERSION,
        )
        .order_by("product_id", "-pk")
        .distinct("product_id")
        .values_list("product_id", "content_hash", "review")
    )
    found = {pk: review_from(review) for pk, content_hash, review in rows if content_hash == content_hashes[pk]}
    return {pk: review for pk, review in found.items() if review is not None}


def _kept(keys: Collection[str]) -> dict[str, Review]:
    if not keys:
        return {}
    try:
        stored = cache.get_many([_name(key) for key in keys])
    except RedisError as error:
        logger.warning("reviews cannot be read from the cache: %s", error)
        return {}
    found = {key: review_from(stored[_name(key)]) for key in keys if _name(key) in stored}
    return {key: review for key, review in found.items() if review is not None}


def _name(key: str) -> str:
    return f"qc:review:{key}"
