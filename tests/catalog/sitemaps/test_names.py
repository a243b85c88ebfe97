"""What the names of sitemaps tell."""

import pytest

from catalog.sitemaps.names import product_rank


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("sitemap_products_1.xml?from=1&to=2", 0),
        ("wp-sitemap-posts-product-1.xml", 0),
        ("product-sitemap2.xml.gz", 0),
        ("sitemap-produkte.xml", 0),
        ("sitemap_items_3.xml", 0),
        ("sitemap.xml", 1),
        ("map-7.xml", 1),
        ("product_cat-sitemap.xml", 2),
        ("sitemap_collections_1.xml", 2),
        ("wp-sitemap-taxonomies-product_tag-1.xml", 2),
        ("sitemap-brands.xml", 2),
        ("product-images.xml", 2),
        ("post-sitemap.xml", 3),
        ("sitemap_blogs_1.xml", 3),
        ("sitemap_pages_1.xml", 3),
    ],
)
def test_names_speak_of_products(name: str, rank: int) -> None:
    assert product_rank(f"https://shop.example/products/{name}") == rank
