"""Templates: what an address says of the page behind it."""

import pytest

from catalog.site.templates import kind_by_words, learn, template_of

SITE = "https://shop.example"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/product/red-oak-lamp", "/product/<phrase>"),
        ("/product/lamp/", "/product/<word>/"),
        ("/women/shoes/red-dress-p-1234.html", "/*/*/<p-number>.html"),
        ("/de/3-clothes", "/de/<word>"),
        ("/1234.html", "/<number>.html"),
        ("/index.php?route=product/product&product_id=42", "/index.php?product_id=*&route=product/product"),
        ("/", "/"),
    ],
)
def test_an_address_has_a_template(path: str, template: str) -> None:
    assert template_of(SITE + path) == template


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/product/lamp", "product"),
        ("/products/lamp", "product"),
        ("/collections/lamps/products/oak", "product"),
        ("/collections/lamps", "list"),
        ("/products", "list"),
        ("/product-category/lamps/", "list"),
        ("/c/lamps", "list"),
        ("/dp/B00X", "product"),
        ("/oak-lamp-p-1234.html", "product"),
        ("/oak-lamp/p", "product"),
        ("/p/oak", "product"),
        ("/item/12", "product"),
        ("/produkt/lampe", "product"),
        ("/tovar/lampa", "product"),
        ("/kategorie/lampen", "list"),
        ("/index.php?route=product/category&path=20", "list"),
        ("/index.php?route=product/product&product_id=42", "product"),
        ("/index.php?route=account/login", "content"),
        ("/blog/product/x", "content"),
        ("/category/video/", "list"),
        ("/cart", "content"),
        ("/warenkorb", "content"),
        ("/mon-compte/", "content"),
        ("/impressum.html", "content"),
        ("/lamps", ""),
        ("/oak-lamp", ""),
        ("/", ""),
        ("/catalogue/oak_1/index.html", ""),
    ],
)
def test_words_in_an_address_tell_what_is_there(path: str, kind: str) -> None:
    assert kind_by_words(SITE + path, {}) == kind


def test_the_host_may_tell_that_there_are_no_products() -> None:
    assert kind_by_words("https://blog.shop.example/lamps", {}) == "content"


def test_what_was_learned_on_the_site_goes_before_words() -> None:
    learned = learn({}, [f"{SITE}/c/red-oak-lamp"], "product")
    assert kind_by_words(f"{SITE}/c/blue-elm-lamp", learned) == "product"
    mixed = learn(learned, [f"{SITE}/c/all-oak-lamps"], "list")
    assert mixed == {"/c/<phrase>": "mixed"}
    assert kind_by_words(f"{SITE}/c/blue-elm-lamp", mixed) == ""
