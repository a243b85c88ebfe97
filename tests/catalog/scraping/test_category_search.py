"""Which lists, and which products of them, are of the category at an address."""

import pytest

from catalog.scraping.category_search import OTHER_CATEGORY, lists_at, within
from catalog.sources.source import CategoryStep, ListedProduct, Listing, ListPage

SITE = "https://shop.example"
WOMEN = CategoryStep("Women", f"{SITE}/c/women")
SHOES = CategoryStep("Shoes", f"{SITE}/c/women/shoes/")
HOME = CategoryStep("Home", f"{SITE}/c/home")
LISTS = (
    ListPage("shop", f"{SITE}/api/1.json", paths=((WOMEN,),)),
    ListPage("shop", f"{SITE}/api/2.json", paths=((WOMEN, SHOES),)),
    ListPage("shop", f"{SITE}/c/home?page=1", paths=((HOME,),)),
    ListPage("shop", f"{SITE}/c/home-and-garden"),
)


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("/c/women", [0, 1]),
        ("/c/women/", [0, 1]),
        ("/c/women/shoes?sort=price", [1]),
        ("/c/home", [2]),
        ("/c/home-and-garden", [3]),
        ("/", [0, 1, 2, 3]),
        ("", [0, 1, 2, 3]),
        ("/c/toys", [0, 1, 2, 3]),
    ],
)
def test_the_lists_at_an_address_are_those_that_stand_or_lead_there(path: str, chosen: list[int]) -> None:
    assert list(lists_at(LISTS, f"{SITE}{path}")) == [LISTS[place] for place in chosen]


def listing(*steps: CategoryStep | None) -> Listing:
    products = [
        ListedProduct(f"shop:{number}", f"{SITE}/p/{number}", paths=((step,),) if step else ())
        for number, step in enumerate(steps)
    ]
    return Listing(f"{SITE}/api/all.json", products, total=9, skipped={"hidden": 1})


WHOLE = ListPage("shop", f"{SITE}/api/all.json")


def test_of_the_whole_site_s_list_only_the_category_s_products_are_taken() -> None:
    found = within(listing(HOME, SHOES, WOMEN, None, CategoryStep("Odd", "http://[")), WHOLE, f"{SITE}/c/women")
    assert [it.external_id for it in found.products] == ["shop:1", "shop:2"]
    assert (found.total, found.skipped) == (None, {"hidden": 1, OTHER_CATEGORY: 3})


@pytest.mark.parametrize(
    ("page", "address", "steps"),
    [
        (WHOLE, f"{SITE}/", (HOME, SHOES)),
        (LISTS[0], f"{SITE}/c/women", (HOME, SHOES)),
        (WHOLE, f"{SITE}/c/women", (None, CategoryStep("Home"))),
    ],
)
def test_all_is_taken_where_nothing_tells_what_belongs_elsewhere(
    page: ListPage, address: str, steps: tuple[CategoryStep | None, ...]
) -> None:
    every = listing(*steps)
    assert within(every, page, address) is every
