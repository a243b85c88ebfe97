"""The whole road, from a catalog address to a searchable product, on real processes that are killed on the way."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.road import PRODUCTS, Road, SellerOnRoad, open_road, sample_stats
from tests.sample_shop import sample_catalog


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with open_road(tmp_path_factory.mktemp("road")) as opened:
        yield opened


def expect_a_right_end(road: Road, seller: SellerOnRoad, sync_id: int) -> None:
    """Look at everything when a new seller's first sync is over."""
    sync = road.wait_for_end(seller, sync_id)
    road.assert_as_truth(seller, sync, road.truth())
    road.assert_nothing_lost_nothing_twice(seller, sync, road.truth())


def test_the_sample_has_every_kind_of_defect(road: Road) -> None:
    truth = road.truth()
    assert truth["found"] == PRODUCTS
    kinds = {entry["defect"] for entry in truth["products"].values()}
    assert kinds == {
        None, "no_price", "picture_too_small", "broken_picture", "missing_picture", "phone_in_text",
        "prohibited_goods", "duplicate", "error_once", "rate_limited_once", "not_found", "malformed",
    }  # fmt: skip


@pytest.mark.parametrize(
    "task",
    ["scrape-catalog", "scrape-product", "process-images", "generate-embedding", "quality-control", "index-product"],
)
def test_a_worker_killed_at_work_loses_nothing_and_does_nothing_twice(road: Road, task: str) -> None:
    seller = road.register(road.catalog)
    with road.falling_alone(f"worker-{task}"):
        sync_id = seller.sync()
        road.kill_worker_at_work(task, sync_id, completed=1)
        expect_a_right_end(road, seller, sync_id)


def test_a_worker_killed_as_it_starts_a_sync_loses_nothing_and_does_nothing_twice(road: Road) -> None:
    seller = road.register(road.catalog)
    with road.falling_alone("worker-sync-seller"):
        with road.locked("jobs_gate"):  # it cannot settle: its job takes milliseconds, too few to be hit by chance
            sync_id = seller.sync()
            road.kill_worker_at_work("sync-seller", sync_id, completed=0)
        expect_a_right_end(road, seller, sync_id)


@pytest.mark.parametrize("process", ["redis", "milvus", "web", "dispatcher"])
def test_a_process_killed_amid_a_sync_loses_nothing_and_does_nothing_twice(road: Road, process: str) -> None:
    seller = road.register(road.catalog)
    with road.falling_alone(process):
        sync_id = seller.sync()
        road.wait_for_the_middle(sync_id)
        road.kill(process)
        expect_a_right_end(road, seller, sync_id)


def test_redis_wiped_amid_a_sync_loses_nothing_and_does_nothing_twice(road: Road) -> None:
    seller = road.register(road.catalog)
    with road.falling_alone(None):
        sync_id = seller.sync()
        road.wait_for_the_middle(sync_id)
        road.wipe_redis()
        expect_a_right_end(road, seller, sync_id)


def test_a_second_sync_of_an_unchanged_catalog_only_asks_whether_pages_changed(road: Road) -> None:
    truth = road.truth()
    seller = road.register(road.catalog)
    first = road.wait_for_end(seller, seller.sync())
    road.assert_as_truth(seller, first, truth)
    before = sample_stats(road.catalog)
    second = road.wait_for_end(seller, seller.sync())
    road.assert_as_truth(seller, second, truth)
    asked = sample_stats(road.catalog) - before
    dead = Counter(entry["code"] for entry in truth["products"].values() if entry["ends"] == "dead")
    known = PRODUCTS - dead.total()
    assert road.stages(second["id"]) == {"scrape-product": {"completed": known, "failed": dead.total()}}
    assert {kind: times for kind, times in asked.items() if kind.startswith(("product", "picture"))} == {
        "product_304": known,
        "product_404": dead["catalog.page_not_found"],
        "product_200": dead["catalog.page_malformed"],  # nothing is known of it that a 304 could stand for
    }
    assert second["retries"] == 0


def test_what_changed_came_and_went_between_two_syncs_is_seen(road: Road) -> None:
    options = {"products": PRODUCTS, "port": road.spare_port}
    with sample_catalog(road.folder, edition=1, **options) as catalog:
        seller = road.register(catalog)
        first = road.wait_for_end(seller, seller.sync())
        road.assert_as_truth(seller, first, road.truth(1))
    with sample_catalog(road.folder, edition=2, **options) as catalog:
        second = road.wait_for_end(seller, seller.sync())
        asked = sample_stats(catalog)
    truth = road.truth(2)
    changed, added, removed = (len(truth[name]) for name in ("changed", "added", "removed"))
    assert (changed, added, removed) == (5, 2, 3)
    road.assert_as_truth(seller, second, truth)
    assert second["products"]["gone"] == removed

    dead = sum(entry["ends"] == "dead" for entry in truth["products"].values())
    retitled = changed // 2  # the others have another price
    assert road.stages(second["id"]) == {
        "scrape-product": {"completed": truth["found"] - dead, "failed": dead},
        "process-images": {"completed": added},
        "generate-embedding": {"completed": added + retitled},
        "quality-control": {"completed": added + changed},
        "index-product": {"completed": added + changed},
    }
    assert asked["product_304"] == truth["found"] - dead - changed - added
    assert {kind: times for kind, times in asked.items() if kind.startswith("picture")} == {"picture_200": added}
