"""One ranking of the index's legs and PostgreSQL's: real Milvus, and embedders that fail or know nothing."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from numpy.typing import NDArray

from catalog.embedders.contract import DIMENSIONS
from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter
from catalog.indexing import Purpose, mark_live, write_products
from catalog.models import SearchDocument
from catalog.ranking.ranking import Ranking, rank
from catalog.ranking.rerank import Tier
from catalog.ranking.vocabulary import refresh_vocabulary
from jobs.errors import RateLimitedError
from marketplace.models import Product
from qc.models import Verdict
from tests.catalog.products import make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db
HASHING = HashingEmbedder()


class RandomQueries(HashingEmbedder):
    """Knows nothing of what a query means."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.random.default_rng(7).normal(size=(len(texts), DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Away(HashingEmbedder):
    """Is over its limit."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise RateLimitedError("wait", retry_after_s=9)


@pytest.fixture
def shop(search_index: str) -> list[Product]:
    """Six live products, counted."""
    sync = make_sync(make_seller())
    titles = ["Red table lamp", "Lamp shade", "Lampshade red", "Oak chair", "USB hub, 4 ports", "Lamp stand"]
    products = [
        make_product(sync, title, external_id=f"feed:sku:{number}", sku=f"AB-{number}00", attributes={"room": "Study"})
        for number, title in enumerate(titles)
    ]
    Verdict.objects.bulk_create(
        Verdict(product=product, decision="approved", rule_version="1", input_hash="x") for product in products
    )
    ids = [product.pk for product in products]
    write_products(ids, purpose=Purpose.SHOW, embedder=HASHING)
    assert mark_live(ids) == len(ids)
    assert refresh_vocabulary()
    return products


def ranked(query: str, embedder: HashingEmbedder = HASHING, where: IndexFilter | None = None) -> Ranking:
    return rank(query, where=where or IndexFilter(), embedder=embedder)


def test_legs_say_why_and_meaning_never_moves_what_words_found(shop: list[Product]) -> None:
    lamp, shade = shop[0].pk, shop[1].pk
    ranking = ranked("red lamp study")
    assert ranking.hits[0].product_id == lamp
    assert (ranking.hits[0].matched, set(ranking.hits[0].legs)) == (("red", "lamp", "study"), {"words", "meaning"})
    assert not (ranking.is_capped or ranking.is_degraded or ranking.corrected)

    by_words = {hit.product_id: hit.score for hit in ranking.hits if "words" in hit.legs}
    for embedder in (RandomQueries(), Away()):
        other = ranked("red lamp study", embedder)
        assert {hit.product_id: hit.score for hit in other.hits[: len(by_words)]} == by_words
    assert ranked("red lamp study", Away()).is_degraded

    mended = ranked("lampp shde")
    assert (mended.corrected, mended.hits[0].product_id) == ("lamp shade", shade)
    assert {hit.product_id for hit in mended.hits[:2]} == {shade, shop[2].pk}
    exact = ranked("ab300")
    assert (exact.hits[0].product_id, int(exact.hits[0].score)) == (shop[3].pk, Tier.EXACT)
    assert int(ranked("chairlike").hits[0].score) == Tier.MEANING
    for nothing in ("", "the", "zzyzx", "\0"):
        assert not ranked(nothing).hits
    assert not ranked("lamp", where=IndexFilter(seller_ids=(2**60,))).hits
    long = " ".join(f"lamp{chr(97 + number % 26)}" for number in range(80))
    assert ranked(long[:500]).hits is not None

    Verdict.objects.create(product=shop[0], decision="rejected", rule_version="1", input_hash="x")
    write_products([lamp], purpose=Purpose.SHOW, embedder=HASHING)
    assert not SearchDocument.objects.filter(pk=lamp).exists()
    assert lamp not in {hit.product_id for hit in ranked("red lamp").hits}


def lines(*arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("search", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_answers_each_query_of_a_file_in_one_line(
    shop: list[Product], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, table = tmp_path / "queries.txt", tmp_path / "ratings.csv"
    plain.write_text("\ufeffred lamp\n\noak  chair\nred lamp\nthe\n", encoding="utf-8")
    table.write_text('query,product_id\n"usb, hub",1\nAB-100,2\n"usb, hub",3\n', encoding="utf-8")

    answers = lines("--queries", str(plain), "--limit", "1", "--json")
    assert answers == [
        {"query": "red lamp", "hits": ["sku:0"]},
        {"query": "oak  chair", "hits": ["sku:3"]},
        {"query": "the", "hits": []},
    ]
    assert [(it["query"], it["hits"][0]) for it in lines("--queries", str(table))] == [
        ("usb, hub", "sku:4"),
        ("AB-100", "sku:1"),
    ]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"lamp\n"), encoding="utf-8"))
    assert lines("--queries", "-")[0]["query"] == "lamp"


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"", [], "has no query"),
        (b"\xff\xfe", [], "is not UTF-8"),
        (b"lamp", ["--offset", "1"], "neither"),
        (b"lamp", ["chair"], "neither"),
        (None, [], "cannot be read"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(
    tmp_path: Path, content: bytes | None, arguments: list[str], message: str
) -> None:
    path = tmp_path / "queries"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        lines(*arguments, "--queries", str(path))
