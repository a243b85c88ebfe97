"""Names of sitemaps: where a site keeps one that nobody names, and whether its name speaks of products."""

import re

MAX_DEPTH = 3  # an index (1) that names an index (2) that names sitemaps (3)
# sitemaps.org's own example; WordPress' SEO plugins; WordPress itself since 5.5.
COMMON_PLACES = ("/sitemap.xml", "/sitemap_index.xml", "/wp-sitemap.xml")

# Words in a file's name, in the languages that shops' systems write them in.
_PRODUCTS = re.compile(
    r"produ(c|k)t(s|e|en|er|o|os|y)?|produits?|produtos?|prodott[oi]|items?|goods|tovary?|off?erte?s?|urun(ler)?|"
    r"artikel(en)?|pdp|skus?|details?"
)
_CATEGORIES = re.compile(r"cats?|[ck]ategor(y|ies|ie|ien|i|ia|ias|ija)|collections?|brands?|taxonom(y|ies|ie)")
_OTHERS = re.compile(
    r"blogs?|posts?|articles?|news|authors?|videos?|images?|pages?|cms|tags?|faq|help|stores?|locations?|reviews?"
)
_NOT_PRODUCTS = re.compile(r"tags?|images?|reviews?|videos?")


def product_rank(address: str) -> int:
    """Return how far behind others a file's name puts it: 0 products, 1 unknown, 2 categories, 3 what sells nothing."""
    words = re.findall(r"[a-z]+", address.rpartition("/")[2].partition("?")[0].lower())

    def says(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in words)

    if says(_CATEGORIES):  # product_cat is a list of categories
        return 2
    if says(_PRODUCTS):  # posts-product is a list of products, product_tag is none
        return 2 if says(_NOT_PRODUCTS) else 0
    return 3 if says(_OTHERS) else 1
