"""Platforms: what a page shows of the shop system behind it, as weighted evidence with a reason for each piece.

The signs were taken from the platforms' own documentation and output. A sign counts only when it stands where the
platform itself puts it: a link to a platform, a picture from its servers or a buy button of another shop is no sign.
Evidence of a page never reaches certainty; a request to the platform's own interface decides.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from catalog.sources.source import Clues, Evidence

MOST_BY_PAGE = 99
ENOUGH = 30  # less than this is not worth a request
# Of a source that asks its platform's interface: more than a mere shop's looks, for one request tells, and the
# interface says more than pages do.
LEAST_OF_SOURCE = 60
MAX_HTML = 2_000_000  # characters
MAX_SCRIPT = 400_000

SHOPIFY = "shopify"
WOOCOMMERCE = "woocommerce"


@dataclass(frozen=True, slots=True)
class PlatformEvidence:
    """How much speaks for one platform, and what."""

    platform: str
    weight: int
    reasons: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        """True when it is worth a request."""
        return self.weight >= ENOUGH


@dataclass(frozen=True, slots=True)
class PageSigns:
    """The parts of a page and its reply in which platforms leave signs, all in lower case but the scripts."""

    host: str
    headers: Mapping[str, str]
    cookies: frozenset[str]
    metas: Mapping[str, str]
    assets: Sequence[str]  # addresses of scripts and style sheets
    classes: frozenset[str]  # of <html> and <body>
    scripts: str  # the text of inline scripts
    types: frozenset[str]  # of scripts


Test = Callable[[PageSigns], bool]


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that a platform leaves on a page."""

    weight: int
    reason: str
    test: Test


def recognise_platforms(clues: Clues) -> list[PlatformEvidence]:
    """Return the platforms that something speaks for, the most likely first."""
    if not clues.is_fetched:
        return []
    signs = read_signs(clues)
    found = [_weigh(platform, table, signs) for platform, table in PLATFORMS.items()]
    return sorted((evidence for evidence in found if evidence.weight), key=lambda evidence: -evidence.weight)


def evidence_of(platform: str, clues: Clues) -> PlatformEvidence:
    """Return what speaks for one platform; weight 0: nothing."""
    if not clues.is_fetched:
        return PlatformEvidence(platform, 0, ())
    return _weigh(platform, PLATFORMS[platform], read_signs(clues))


def probe_platform(platform: str, clues: Clues) -> Evidence | None:
    """Return the evidence of the source that is named for a platform; None where a request would be wasted."""
    evidence = evidence_of(platform, clues)
    if not evidence.is_enough:
        return None
    return Evidence(platform, clues.address, "; ".join(evidence.reasons), max(evidence.weight, LEAST_OF_SOURCE))


def read_signs(clues: Clues) -> PageSigns:
    """Return the parts of the page that the tables look at."""
    tree = LexborHTMLParser(clues.html[:MAX_HTML])
    metas: dict[str, str] = {}
    for node in tree.css("meta[name], meta[property]"):
        name = (node.attributes.get("name") or node.attributes.get("property") or "").lower()
        content = (node.attributes.get("content") or "").lower()
        # WordPress pages name several generators.
        metas[name] = f"{metas[name]} {content}" if name in metas else content
    headers: dict[str, str] = {}
    for name, value in clues.headers.items():  # some stand there several times
        headers[name.lower()] = f"{headers.get(name.lower(), '')} {value.lower()}".strip()
    assets = [node.attributes.get("src") or "" for node in tree.css("script[src]")]
    assets += [node.attributes.get("href") or "" for node in tree.css("link[rel=stylesheet]")]
    scripts = [node for node in tree.css("script") if not node.attributes.get("src")]
    classes = [node.attributes.get("class") or "" for node in tree.css("html, body")]
    return PageSigns(
        host=(URL(clues.address).host or "").lower(),
        headers=headers,
        cookies=frozenset(name.lower() for name in clues.cookies),
        metas=metas,
        assets=[address.lower() for address in assets],
        classes=frozenset(" ".join(classes).lower().split()),
        scripts="\n".join(node.text() for node in scripts)[:MAX_SCRIPT],
        types=frozenset((node.attributes.get("type") or "").lower() for node in scripts),
    )


def _weigh(platform: str, table: Iterable[Sign], signs: PageSigns) -> PlatformEvidence:
    met = [sign for sign in table if sign.test(signs)]
    weight = min(sum(sign.weight for sign in met), MOST_BY_PAGE)
    return PlatformEvidence(platform, weight, tuple(f"{sign.reason} ({sign.weight})" for sign in met))


def _header(name: str, value: str = "", *, weight: int) -> Sign:
    told = f"header {name}" + (f": {value}" if value else "")
    return Sign(weight, told, lambda signs: name in signs.headers and value in signs.headers[name])


def _cookie(start: str, *, weight: int) -> Sign:
    return Sign(weight, f"cookie {start}", lambda signs: any(name.startswith(start) for name in signs.cookies))


def _meta(name: str, content: str = "", *, weight: int) -> Sign:
    told = f"meta {name}" + (f" says {content}" if content else "")
    return Sign(weight, told, lambda signs: name in signs.metas and content in signs.metas[name])


def _asset(pattern: str, told: str, *, weight: int) -> Sign:
    compiled = re.compile(pattern)
    return Sign(weight, told, lambda signs: any(compiled.search(address) for address in signs.assets))


def _script(pattern: str, told: str, *, weight: int) -> Sign:
    compiled = re.compile(pattern)
    return Sign(weight, told, lambda signs: compiled.search(signs.scripts) is not None)


def _class(name: str, *, weight: int) -> Sign:
    return Sign(weight, f"class {name} on the page", lambda signs: name in signs.classes)


def _host(end: str, *, weight: int) -> Sign:
    return Sign(weight, f"the host ends in {end}", lambda signs: signs.host.endswith(end))


PLATFORMS: Mapping[str, tuple[Sign, ...]] = {
    SHOPIFY: (
        _host(".myshopify.com", weight=90),
        _header("x-shopid", weight=60),
        _header("x-shopify-stage", weight=60),
        _header("x-sorting-hat-shopid", weight=60),
        _header("powered-by", "shopify", weight=60),
        _header("link", "cdn.shopify.com", weight=20),
        _cookie("_shopify_", weight=50),
        _meta("shopify-digital-wallet", weight=60),
        _meta("shopify-checkout-api-token", weight=50),
        _script(r"\bShopify\.shop\s*=\s*[\"']", "script sets Shopify.shop", weight=50),
        _script(r"\bShopify\.theme\s*=\s*\{", "script sets Shopify.theme", weight=40),
        _asset(r"^(?:https?:)?//cdn\.shopify\.com/s/files/[^?]*/t/\d+/assets/", "theme files from Shopify", weight=40),
        _asset(r"^(?:(?:https?:)?//[^/]+)?/cdn/shop/t/\d+/assets/", "theme files below /cdn/shop", weight=40),
    ),
    WOOCOMMERCE: (
        _meta("generator", "woocommerce", weight=90),
        _script(r"\bwc_add_to_cart_params\b", "script sets wc_add_to_cart_params", weight=50),
        _script(r"\bwoocommerce_params\b", "script sets woocommerce_params", weight=50),
        _class("woocommerce", weight=40),
        _class("woocommerce-page", weight=40),
        _class("woocommerce-no-js", weight=40),
        _class("woocommerce-js", weight=40),
        _asset(r"/plugins/woocommerce/", "files of the plugin woocommerce", weight=50),
        _cookie("woocommerce_", weight=40),
        _cookie("wp_woocommerce_session_", weight=60),
    ),
    "bigcommerce": (
        _meta("platform", "bigcommerce", weight=90),
        _script(r"\b(?:window\.)?bigcommerce_config\b|\bBCData\s*=", "script sets BCData", weight=40),
        _asset(r"//cdn\d+\.bigcommerce\.com/s-[a-z0-9]+/", "theme files from BigCommerce", weight=50),
        _host(".mybigcommerce.com", weight=90),
    ),
    "magento": (
        Sign(70, "scripts of type text/x-magento-init", lambda signs: "text/x-magento-init" in signs.types),
        _cookie("mage-", weight=50),
        _header("x-magento-vary", weight=60),
        _header("x-magento-tags", weight=60),
        _header("x-magento-cache-debug", weight=60),
        _cookie("x-magento-vary", weight=60),
        _asset(r"/static/(?:version\d+/)?frontend/", "files below /static/frontend", weight=50),
        _asset(r"/skin/frontend/", "files below /skin/frontend", weight=50),
    ),
    "prestashop": (
        _meta("generator", "prestashop", weight=90),
        _header("powered-by", "prestashop", weight=80),
        _cookie("prestashop-", weight=70),
        _script(r"\bvar prestashop\s*=", "script sets prestashop", weight=60),
        _asset(r"/modules/(?:ps_|block)[a-z_]+/", "files of PrestaShop's modules", weight=40),
    ),
    "wix": (
        _meta("generator", "wix.com website builder", weight=90),
        _header("x-wix-request-id", weight=80),
        _asset(r"^(?:https?:)?//static\.parastorage\.com/", "files from Wix", weight=40),
    ),
    "squarespace": (
        _header("server", "squarespace", weight=80),
        _meta("generator", "squarespace", weight=80),
        _script(r"\bStatic\.SQUARESPACE_CONTEXT\s*=", "script sets Static.SQUARESPACE_CONTEXT", weight=80),
    ),
    "opencart": (
        _cookie("ocsessid", weight=90),
        _asset(r"/catalog/view/(?:theme|javascript)/", "files below /catalog/view", weight=60),
    ),
    "shopware": (
        _header("sw-version-id", weight=80),
        _header("sw-context-token", weight=80),
        _header("sw-invalidation-states", weight=70),
        _cookie("sw-states", weight=60),
        _script(
            r"\bwindow\.(?:storeApiProxyToken|salesChannelId|themeJsPublicPath)\b", "Shopware's scripts", weight=50
        ),
        _asset(r"/bundles/storefront/|/theme/[0-9a-f]{32}/", "files of Shopware's storefront", weight=40),
    ),
    "vtex": (
        _header("powered", "vtex", weight=90),
        _header("x-vtex-router-version", weight=80),
        _header("x-vtex-io-cluster-id", weight=80),
        _asset(r"\.vteximg\.com\.br/|\.vtexassets\.com/", "files from VTEX", weight=50),
    ),
    "sfcc": (
        _header("server", "demandware", weight=90),
        _cookie("dwsid", weight=60),
        _cookie("dwanonymous_", weight=60),
        _asset(r"/on/demandware\.(?:static|store)/", "files below /on/demandware.static", weight=70),
    ),
}
