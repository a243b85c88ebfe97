"""What the names of elements say: the words that developers put into class, id and data attributes, in their languages.

Each word, and each pair of neighbours ("price-old"), is looked up by itself; the words' standings are kept, since pages
repeat them. A standing is a set of bits as a plain integer: they are joined a million times a page.
"""

import re
from functools import lru_cache

MAX_WORDS = 40
_CAMEL = re.compile(r"([a-z])([A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")


class Standing:
    """What the elements around a text say of it: bits, as plain integers."""

    NONE = 0
    STRUCK = 1  # crossed out, or named old
    HIDDEN = 2
    ASIDE = 4  # navigation, footer, other products, baskets, reviews
    LINK = 8
    PRICE = 16  # named a price
    CURRENT = 32  # named the price of now
    REGULAR = 64  # named the regular price: the one of now unless a lower one stands beside it
    OTHER_AMOUNT = 128  # named an amount that is no price of the product: shipping, savings, instalments
    STOCK = 256
    CODE = 512
    BRAND = 1024
    BUY = 2048
    CHOICE = 4096  # one of several to choose from
    TRAIL = 8192  # breadcrumbs
    CAROUSEL = 16384  # pictures of the product, or other products
    BUTTON = 32768  # can be pressed, by its tag or role


def _pattern(words: str, parts: str = "") -> re.Pattern[str]:
    """Compile the words, which must stand whole, and the parts, which may stand anywhere in a word or a pair."""
    whole = "|".join(words.split())
    anywhere = "|".join(parts.split())
    return re.compile("|".join(filter(None, (rf"(?:^|[^a-z])(?:{whole})(?:[^a-z]|$)" if whole else "", anywhere))))


_NAMES: tuple[tuple[int, re.Pattern[str]], ...] = (
    (Standing.CAROUSEL, _pattern("slider", "carousel swiper slick owl-")),
    (
        Standing.STRUCK,
        _pattern(
            r"old was before strike strikethrough striked crossed compare compareat rrp msrp uvp statt antigo "
            r"anterior antes ancien barre barré stara staraya prev previous cut przekreslona puvodni eski del "
            r"through linethrough",
            r" "
            r"(?:^|[^a-z])(?:old|was|list|strike|cross|original|base|full|retail|before|prev)-?(?:price|preis|"
            r"prix|prc) "
            r"(?:price|pr|preis|prix|precio|prezzo|cena|fiyat)-?(?:old|was|before|strike|disc$|cross|compare|"
            r"through|prev)",
        ),
    ),
    (
        Standing.ASIDE,
        _pattern(
            r"nav navbar navigation menu submenu footer breadcrumbs? related similar "
            r"recommend(?:ation|ations|ed|s)? recommender recos? upsells? cross-?sells? crosssell(?:ing)? also "
            r"minicart mini-?cart mini-?basket basket-?(?:top|preview|mini) cart-?(?:drawer|preview|popup) "
            r"recent recently viewed last-?seen reviews? comments? testimonials? newsletter cookie wishlist "
            r"favorites compare-?(?:list|products|table|bar) bestsellers? accessories sponsored ads? advert "
            r"banner promo-?bar top-?bar announcement sitemap bundles? merch(?:andising)? modal popup dialog "
            r"lightbox overlay offcanvas frequently suggest(?:ion|ions|ed)? other-?products more-?products "
            r"similars? polecane podobne verwandt zubehoer ahnlich aehnlich relacionados? similaires? correlati "
            r"benzer",
            r"(?:header|top)-?(?:cart|basket)",
        ),
    ),
    (
        Standing.PRICE,
        _pattern(
            "",
            r"price prc(?:$|[^a-z]) prec preis prix prezzo preco cena cen[ay] fiyat (?:^|[^a-z])pris hinta kaina "
            r"tsena amount cost(?!ume|co) (?:^|[^a-z])pr(?:$|[^a-z]) deal money harga valor",
        ),
    ),
    (
        Standing.CURRENT,
        _pattern(
            r"current sale final now actual new special promo offer selling today our main product-?price "
            r"buy-?price discounted promotional big sales por live",
            r"price-?(?:new|now|sale|current|final) (?:sale|new|final|main|current)-?price",
        ),
    ),
    (
        Standing.REGULAR,
        _pattern(
            r"regular normal list standard original catalog full retail",
        ),
    ),
    (
        Standing.OTHER_AMOUNT,
        _pattern(
            r"shipping delivery postage versand livraison envio dostawa doprava install?ments? financing finance "
            r"credit kredit loan leasing monthly savings? saved? discount unit-?price base-?price grundpreis "
            r"per-?unit ppu points? loyalty bonus cashback estimate bids? tax fee deposit warranty insurance "
            r"coupon voucher gift rating stars? qty quantity count counter timer filter facet raty rata "
            r"parcelas? omnibus lowest-?price conv(?:erted)?(?:-?price)? convprice weight dimensions?",
            r"ship(?:ping)?-?cost conv[a-z]*price",
        ),
    ),
    (
        Standing.CHOICE,
        _pattern(
            r"sizes? swatch(?:es)? colou?r-?(?:list|picker|options?) size-?(?:list|select|options?)",
        ),
    ),
    (
        Standing.TRAIL,
        _pattern(
            r"crumbs? trail topic-?path pankuzu you-?are path-?way okruszki brotkrumen drobeckova navigation-?path",
            r"bread-?crumbs?",
        ),
    ),
    (
        Standing.STOCK,
        _pattern(
            "",
            r"stock availab inventory verfueg verfugbar lager disponib dostepn sklad nalich stok saldo "
            r"delivery-?status",
        ),
    ),
    (
        Standing.CODE,
        _pattern(
            "",
            r" "
            r"(?:^|[^a-z])(?:sku|mpn|art(?:icle|ikel|icul)?-?(?:nr|no|num(?:mer|ber)?|id|code)|(?:product|"
            r"prd|item|prod|model|part|style|goods)-?(?:code|sku|num(?:ber)?|no|ref(?:erence)?|id)|ref(?:erence|"
            r"erencia)?-?(?:num(?:ber|mer)?|no|code)?|artikul|articul|artnr|vendor-?code|catalog-?(?:no|number)|"
            r"kod|codigo|codice)(?:[^a-z]|$)",
        ),
    ),
    (
        Standing.BRAND,
        _pattern(
            r"brand brands?-?name brandname manufacturer vendor marke marca marque hersteller producer maker "
            r"producent vyrobce vyrobca fabricante designer",
        ),
    ),
    (
        Standing.BUY,
        _pattern(
            "",
            r"(?:add|to)-?(?:cart|bag|basket) "
            r"(?:^|[^a-z])(?:buy|addcart|cart-?add|atc|purchase|order)-?(?:now|btn|button|box)?(?:[^a-z]|$) "
            r"warenkorb btn-?(?:buy|cart) kupit comprar acheter kaufen koszyk kosik",
        ),
    ),
)


@lru_cache(maxsize=20_000)
def standing_of_names(names: str) -> int:
    """Look the names up word by word and pair by pair: pages repeat their words, and the words' standings are kept."""
    words = _LETTERS.findall(names if names.islower() else _CAMEL.sub(r"\1-\2", names).lower())
    standing = Standing.NONE
    before = ""
    for word in words[:MAX_WORDS]:
        standing |= _standing_of_word(f"{before}-{word}" if before else word)
        before = word
    return standing


@lru_cache(maxsize=50_000)
def _standing_of_word(word: str) -> int:
    standing = Standing.NONE
    for one, pattern in _NAMES:
        if pattern.search(word):
            standing |= one
    return standing
