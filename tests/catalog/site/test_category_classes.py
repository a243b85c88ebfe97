"""Classes of categories, in twelve languages."""

import pytest

from catalog.site.category_classes import kind_of, kind_of_name, select_categories
from catalog.site.navigation import NavigationNode

PRODUCT = """Shoes|Women's Shoes|Handbags|Jewelry|Clothing|Accessories|Sofas|Coffee & Tea|Laptops|Pet food|
Damenschuhe|Möbel|Küche & Haushalt|Spielzeug|Chaussures femme|Bijoux|Vêtements|Luminaires|Zapatos|
Bolsos|Joyería|Muebles|Scarpe|Borse|Gioielli|Calçados|Móveis|Schoenen|Sieraden|Buty|Biżuteria|Meble|
Обувь|Одежда|Сумки и рюкзаки|Мебель|أحذية|ملابس|حقائب|Ayakkabı|Çanta|Mobilya|Elektronik"""
DEMOGRAPHIC = """Men|Women|Unisex|Mens|Kids|Boys|Herren|Damen|Kinder|Homme|Femme|Enfants|Hombre|Mujer|Niños|Uomo|
Donna|Bambini|Homem|Feminino|Crianças|Heren|Dames|Męskie|Damskie|Dzieci|Мужчинам|Женщинам|Детям|
رجال|نساء|أطفال|Erkek|Kadın|Çocuk"""
FEATURED = """New|Sale|Featured|Trending|Clearance|Best sellers|New arrivals|Neuheiten|Angebote|Nouveautés|Soldes|
Novedades|Rebajas|Novità|Saldi|Novidades|Promoções|Nieuw|Uitverkoop|Nowości|Wyprzedaż|Новинки|
Распродажа|جديد|تخفيضات|Yeni|İndirim"""
BRAND = "Northwind|Acme Corp|Lumen|Zara"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name.strip(), kind)
        for kind, names in (
            ("product", PRODUCT),
            ("demographic", DEMOGRAPHIC),
            ("featured", FEATURED),
            ("brand", BRAND),
            ("", "misc|other things|متنوع"),
        )
        for name in names.replace("\n", "").split("|")
    ],
)
def test_a_name_tells_its_class(name: str, kind: str) -> None:
    assert kind_of_name(name) == kind


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("Shoes", "Chelsea"), "product"),
        (("Women", "Evening"), "product"),
        (("Brands", "Shoe Republic"), "brand"),
        (("Sale", "Shoes"), "product"),
        (("Women",), "demographic"),
        ((), ""),
    ],
)
def test_a_name_that_tells_nothing_is_told_by_what_is_above(names: tuple[str, ...], kind: str) -> None:
    assert kind_of(names) == kind


def test_product_categories_are_read_before_demographic_featured_and_brands() -> None:
    names = ("Acme", "Sale", "Women", "Shoes", "misc")
    tree = [NavigationNode(name, f"https://shop.example/{name}") for name in names]
    chosen, left_out = select_categories(tree, most=4)
    assert ([branch.paths[0][-1].name for branch in chosen], left_out) == (["Shoes", "Women", "Sale", "Acme"], 1)
    only, _ = select_categories(tree, most=4, kinds=["featured"])
    assert [branch.paths[0][-1].name for branch in only] == ["Sale"]
