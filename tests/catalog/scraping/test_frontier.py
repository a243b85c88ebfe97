"""What is left of a scraping job after each step."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.scraping.contract import LIST, PRODUCT, START, Order, Step, Taken, merged, step_of, step_to_json
from catalog.scraping.frontier import Frontier, advance, begin, frontier_of, frontier_to_json
from catalog.scraping.shown import tree_of, tree_size
from catalog.sources.source import CategoryStep, ListPage

LAMPS = ((CategoryStep("Lamps", "https://shop.example/lamps"),),)
CHAIRS = ((CategoryStep("Chairs"),),)


def order(max_pages: int = 1, **fields: Any) -> Order:
    return Order(target_url="https://shop.example/", scraping_type="category_search", max_pages=max_pages, **fields)


def list_of(name: str, paths: Any = LAMPS) -> Step:
    address = f"https://shop.example/{name}"
    return Step(LIST, address, ListPage("shop", address, "category", paths))


def run(frontier: Frontier, what: Order, pages: dict[str, list[Step]]) -> tuple[list[str], Frontier]:
    """Take all steps; return the addresses in order, without their host."""
    read = []
    while step := frontier.next_step:
        name = step.address.removeprefix("https://shop.example/")
        read.append(name)
        taken = Taken({}, pages.get(name, []), has_read_list=step.kind != START)
        frontier = advance(frontier, what, taken)
    return read, frontier


SITE = {
    "": [list_of("lamps"), list_of("chairs", CHAIRS)],
    "lamps": [list_of("lamps/2"), list_of("chairs", CHAIRS), list_of("lamps")],
    "lamps/2": [list_of("lamps/3")],
    "chairs": [list_of("chairs/2", CHAIRS)],
}


@pytest.mark.parametrize(
    ("max_pages", "read", "left"),
    [
        (1, ["", "lamps"], 2),
        (2, ["", "lamps", "lamps/2"], 2),
        (4, ["", "lamps", "lamps/2", "lamps/3", "chairs"], 1),
        (9, ["", "lamps", "lamps/2", "lamps/3", "chairs", "chairs/2"], 0),
    ],
)
def test_further_pages_of_a_list_come_first_and_max_pages_is_kept(max_pages: int, read: list[str], left: int) -> None:
    found, last = run(begin(Step(START, "https://shop.example/")), order(max_pages), SITE)
    assert found == read
    assert last.pages == min(max_pages, 5)
    assert (last.left > 0) == (left > 0)


def test_products_are_no_pages_and_each_is_read_once() -> None:
    product = Step(PRODUCT, "https://shop.example/p/1")
    found, last = run(begin(list_of("results")), order(1), {"results": [product, product, list_of("results/2")]})
    assert found == ["results", "p/1"]
    assert (last.pages, last.left) == (1, 1)


STEPS = st.builds(
    lambda kind, name, paths: list_of(name, paths) if kind == LIST else Step(kind, f"https://shop.example/{name}"),
    st.sampled_from([LIST, PRODUCT]), st.sampled_from("abcdef"), st.sampled_from([LAMPS, CHAIRS, ()]),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.lists(STEPS, max_size=5), min_size=1, max_size=20), st.integers(1, 6))
def test_every_job_ends_within_its_pages_and_reads_nothing_twice(pages: list[list[Step]], max_pages: int) -> None:
    frontier = begin(Step(START, "https://shop.example/"))
    taken: list[str] = []
    while step := frontier.next_step:
        taken.append(json.dumps(step.identity, sort_keys=True))
        following = pages[len(taken) % len(pages)]
        was_pct = frontier.progress_pct
        frontier = advance(frontier, order(max_pages), Taken({}, following, has_read_list=step.kind != START))
        frontier = frontier_of(json.loads(json.dumps(frontier_to_json(frontier))))
        assert 0 <= was_pct <= 100
    assert len(taken) == len(set(taken))
    assert frontier.pages <= max_pages
    assert frontier.progress_pct == 100


def test_a_step_is_the_same_after_it_was_json() -> None:
    step = Step(
        LIST, "https://x.example/", ListPage("shop", "https://x.example/", "c", LAMPS, {"page": 2}), "shop:1", CHAIRS
    )
    assert step_of(json.loads(json.dumps(step_to_json(step)))) == step


def test_what_two_pages_found_is_joined() -> None:
    one = {
        "source": "shop",
        "products": [{"external_id": "shop:1", "address": "a", "categories": [["Lamps"]]}],
        "categories": tree_of({LAMPS[0]: 1}),
        "skipped": {"duplicate": 1},
    }
    other = {
        "products": [
            {"external_id": "shop:1", "address": "a", "categories": [["New"]]},
            {"external_id": "shop:2", "address": "b", "categories": []},
        ],
        "categories": tree_of({LAMPS[0]: 2, (*LAMPS[0], CategoryStep("Red")): None}),
        "skipped": {"duplicate": 2, "foreign": 1},
    }
    both = merged(one, other)
    assert [(it["external_id"], it["categories"]) for it in both["products"]] == [
        ("shop:1", [["Lamps"], ["New"]]),
        ("shop:2", []),
    ]
    (lamps,) = both["categories"]
    assert (lamps["name"], lamps["count"], lamps["address"]) == ("Lamps", 3, "https://shop.example/lamps")
    assert tree_size(both["categories"]) == 2
    assert both["skipped"] == {"duplicate": 3, "foreign": 1}


def test_a_category_is_known_by_its_path_or_by_its_name_and_parent() -> None:
    assert [it.name for it in order(category_path="Women > Shoes ").path] == ["Women", "Shoes"]
    assert [it.name for it in order(category_name="Shoes", parent_category="Women").path] == ["Women", "Shoes"]
    assert order().path == ()
