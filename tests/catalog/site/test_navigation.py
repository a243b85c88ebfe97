"""Navigation: menus built as shops build theirs, written for the test."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.extraction.document import PageMalformed
from catalog.site.navigation import NavigationNode, branches_of, node_of_json, read_navigation
from catalog.site.page import parse_page

SITE = "https://shop.example"


def outline(nodes: tuple[NavigationNode, ...]) -> dict[str, Any]:
    return {f"{node.name} {node.address.removeprefix(SITE)}".strip(): outline(node.children) for node in nodes}


def read(body: str) -> dict[str, Any]:
    return outline(read_navigation(parse_page(f"<body>{body}</body>", f"{SITE}/"), templates={}))


NESTED = """<nav><ul><li><a href="/">Home</a></li><li><a href="/women">Women</a><ul><li>
<a href="/women/shoes">Shoes</a><ul>
<li><a href="/women/shoes/boots">Boots</a></li></ul></li><li><a href="/women">View all</a></li></ul></li>
<li><a href="/sale">Sale (12)</a></li><li><a href="/blog">Blog</a></li><li><a href="/account/login">Log in</a></li>
</ul></nav>"""

MEGA = """<header><ul class="mega-menu"><li class="level0"><a href="#">Men</a><div class="dropdown"><div class="col">
<h4>Clothing</h4><ul><li><a href="/men/shirts"><img src="/s.jpg">Shirts</a></li><li><a href="/men/coats">Coats</a>
</li></ul></div>
<div class="col"><h4><a href="/men/shoes">Shoes</a></h4><ul><li><a href="/men/shoes/boots">Boots</a></li></ul></div>
</div></li>
<li><a href="https://elsewhere.example/x">Elsewhere</a></li></ul></header>"""

PANELS = """<nav aria-label="Main"><ul><li><a href="/bath" aria-controls="sub-1">Bath</a></li>
<li><button aria-controls="sub-2">Garden</button></li></ul></nav>
<div id="sub-1"><ul><li><a href="/bath">All Bath</a></li><li><a href="/towels">Towels</a></li></ul></div>
<div id="sub-2"><a href="/plants">Plants</a><a href="/pots">Pots</a></div>"""

DETAILS = """<nav><details><summary>Kids</summary><ul><li><a href="/toys">Toys</a></li></ul></details>
<a href="/gifts">Gifts</a></nav>"""

ROUTES = """<nav id="menu"><ul><li class="dropdown"><a href="/index.php?route=product/category&amp;path=20">Desktops</a>
<div><ul><li><a href="/index.php?route=product/category&amp;path=20_26">PC (0)</a></li></ul>
<a href="/index.php?route=product/category&amp;path=20" class="see-all">Show All Desktops</a></div></li>
<li><a href="/index.php?route=information/contact">Write to us</a></li></ul></nav>"""

TWICE = """<nav class="desktop"><ul><li><a href="/a">Lamps</a></li></ul></nav>
<div class="mobile-menu"><ul><li><a href="/a">Lamps</a><ul><li><a href="/b">Floor lamps</a></li></ul></li></ul></div>"""

SIDE = """<div class="top"><a href="/cart">Cart</a></div><aside><div class="side_categories"><ul class="nav nav-list">
<li><a href="/category/books/index.html">Books</a><ul><li><a href="/category/books/travel_2/index.html">Travel</a>
</li></ul></li>
</ul></div></aside>"""

BARE = """<table><tr><td><ul><li><a href="/cups">Cups</a></li><li><a href="/pans">Pans</a></li><li>
<a href="/agb">AGB</a></li>
</ul></td></tr></table>"""


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (NESTED, {"Women /women": {"Shoes /women/shoes": {"Boots /women/shoes/boots": {}}}, "Sale /sale": {}}),
        (
            MEGA,
            {
                "Men": {
                    "Clothing": {"Shirts /men/shirts": {}, "Coats /men/coats": {}},
                    "Shoes /men/shoes": {"Boots /men/shoes/boots": {}},
                }
            },
        ),
        (PANELS, {"Bath /bath": {"Towels /towels": {}}, "Garden": {"Plants /plants": {}, "Pots /pots": {}}}),
        (DETAILS, {"Kids": {"Toys /toys": {}}, "Gifts /gifts": {}}),
        (
            ROUTES,
            {
                "Desktops /index.php?path=20&route=product/category": {
                    "PC /index.php?path=20_26&route=product/category": {}
                }
            },
        ),
        (TWICE, {"Lamps /a": {"Floor lamps /b": {}}}),
        (SIDE, {"Books /category/books/index.html": {"Travel /category/books/travel_2/index.html": {}}}),
        (BARE, {"Cups /cups": {}, "Pans /pans": {}}),
        ("<p>Nothing</p>", {}),
        (
            '<nav aria-label="Breadcrumb"><a href="/x">X</a></nav><nav class="pagination"><a href="/y">2</a></nav>',
            {},
        ),
    ],
)
def test_a_menu_is_read_as_a_tree(body: str, tree: dict[str, Any]) -> None:
    assert read(body) == tree


def test_counts_are_read_and_kept() -> None:
    nodes = read_navigation(parse_page(f"<body>{NESTED}</body>", f"{SITE}/"), templates={})
    assert [node.count for node in nodes] == [None, 12]
    assert tuple(node_of_json(node.as_json()) for node in nodes) == nodes


def test_an_address_in_two_places_has_both_paths() -> None:
    body = """<nav><ul><li>Women<ul><li><a href="/boots">Boots</a></li></ul></li>
    <li>Winter<ul><li><a href="/boots">Boots</a></li></ul></li></ul></nav>"""
    (branch,) = branches_of(read_navigation(parse_page(f"<body>{body}</body>", f"{SITE}/"), templates={}))
    assert [[node.name for node in path] for path in branch.paths] == [["Women", "Boots"], ["Winter", "Boots"]]


_PIECES = st.sampled_from(
    [
        "<nav>",
        "<ul>",
        "<li>",
        "</li>",
        "</ul>",
        "<a href=/x>",
        "A",
        "</a>",
        "<button aria-controls=p>",
        "<div id=p>",
        "<h3>",
        "<details>",
        "<summary>",
        "</nav>",
        "<a href='//['>",
        "(9",
        ")",
        "<ul class=menu>",
        "<base href=':'>",
    ]
)


@settings(max_examples=150)
@given(st.lists(_PIECES | st.text(max_size=10), max_size=80))
def test_no_menu_raises_anything_but_our_own_error(pieces: list[str]) -> None:
    try:
        page = parse_page("".join(pieces), f"{SITE}/")
    except PageMalformed:
        return
    read_navigation(page, templates={})


def test_a_menu_of_thousands_of_entries_or_levels_is_capped() -> None:
    wide = "".join(f'<li><a href="/c{n}">C{n}</a></li>' for n in range(5_000))
    assert len(read(f"<nav><ul>{wide}</ul></nav>")) == 2_000
    deep = "".join(f'<ul><li><a href="/d{n}">D{n}</a>' for n in range(3_000))
    assert len(str(read(f"<nav>{deep}</nav>"))) < 1_000
