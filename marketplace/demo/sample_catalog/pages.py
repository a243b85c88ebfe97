"""The sample's pages. No address in them names a host or a port, so that a page is the same on each run."""

import json
from collections.abc import Sequence
from html import escape

from marketplace.demo.sample_catalog.products import SampleProduct
from marketplace.demo.sample_catalog.words import CROSS_COLLECTIONS, CURRENCY, KINDS, SHOP_DIGITS, SHOP_NAME

NOTICE = "Sample catalog for Souk's demo"
PAGE_SIZE = 24
COLLECTIONS = {name.lower().replace(" ", "-"): name for name in (*(kind.name for kind in KINDS), *CROSS_COLLECTIONS)}

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f4ef;color:#222}
header,main,footer{max-width:44rem;margin:0 auto;padding:1rem}
.notice{background:#fff3cd;color:#4d3c00;padding:.4rem 1rem;text-align:center;font-size:.9rem}
a{color:#075e54}ul{list-style:none;padding:0}
li,article{background:#fff;border-radius:.6rem;margin:.5rem 0;padding:.7rem 1rem}
article{display:flex;gap:1rem;align-items:center;min-height:96px}
article img{width:96px;height:96px;object-fit:cover;border-radius:.4rem}
.product img{width:100%;border-radius:.8rem}.price{font-weight:600}.muted{color:#5f5f5f}
"""
_SCRIPT = """
const feed = document.getElementById("feed"), end = document.getElementById("end");
let loading = false, next = 0;
function add(item) {
  const article = document.createElement("article");
  article.setAttribute("role", "article");
  article.setAttribute("aria-posinset", item.position);
  article.setAttribute("aria-setsize", item.of);
  article.tabIndex = 0;
  const image = document.createElement("img");
  image.loading = "lazy"; image.alt = ""; image.src = item.picture;
  const text = document.createElement("div");
  const link = document.createElement("a");
  link.href = item.address; link.textContent = item.title;
  const price = document.createElement("div");
  price.className = "price"; price.textContent = item.price;
  text.append(link, price); article.append(image, text); feed.append(article);
}
async function load() {
  if (loading || next === null) return;
  loading = true; feed.setAttribute("aria-busy", "true");
  const reply = await fetch(location.pathname + "/products.json?from=" + next);
  const page = await reply.json();
  page.items.forEach(add);
  next = page.next; loading = false;
  feed.setAttribute("aria-busy", "false");
  if (next === null) { watcher.disconnect(); end.textContent = "That is all."; }
  else { watcher.unobserve(end); watcher.observe(end); }
}
const isSeen = entries => entries.some(entry => entry.isIntersecting);
const watcher = new IntersectionObserver(entries => { if (isSeen(entries)) load(); }, {rootMargin: "400px"});
watcher.observe(end);
"""


def start_page(counts: dict[str, int]) -> str:
    """Return the shop's page with its collections and how many products each has."""
    links = "".join(
        f'<li><a href="/c/{SHOP_DIGITS}/{slug}">{escape(COLLECTIONS[slug])}</a> '
        f'<span class="muted">{count} products</span></li>'
        for slug, count in counts.items()
    )
    return _page(SHOP_NAME, f"<main><h1>{SHOP_NAME}</h1><h2>Collections</h2><ul>{links}</ul></main>")


def collection_page(slug: str) -> str:
    """Return a collection's page, which loads its products as one scrolls."""
    name = escape(COLLECTIONS[slug])
    body = (
        f'<main><p><a href="/c/{SHOP_DIGITS}">{SHOP_NAME}</a></p><h1>{name}</h1>'
        f'<div id="feed" role="feed" aria-label="{name}" aria-busy="true"></div>'
        '<p id="end" class="muted">Loading…</p></main>'
        f"<script>{_SCRIPT}</script>"
    )
    return _page(f"{COLLECTIONS[slug]} · {SHOP_NAME}", body)


def collection_items(products: Sequence[SampleProduct], start: int) -> str:
    """Return one page of a collection as JSON: items, and where the next page starts."""
    items = [
        {
            "address": product_path(product),
            "title": product.title,
            "price": "" if product.defect == "no_price" else f"{product.price} {CURRENCY}",
            "picture": f"/media/{product.picture}",
            "position": position,
            "of": len(products),
        }
        for position, product in enumerate(products[start : start + PAGE_SIZE], start=start + 1)
    ]
    following = start + PAGE_SIZE
    return json.dumps({"items": items, "next": following if following < len(products) else None})


def product_path(product: SampleProduct) -> str:
    """Return the path of a product's page."""
    return f"/p/{product.id}/{SHOP_DIGITS}"


def product_page(product: SampleProduct) -> str:
    """Return a product's page with its Open Graph data, as far as its defect leaves it."""
    if product.defect == "malformed":
        return _page("Error", "<main><h1>Error</h1><p>{{ product.title }} could not be rendered.</p></main>")
    price = "" if product.defect == "no_price" else f'<p class="price">{product.price} {CURRENCY}</p>'
    properties = {
        "og:site_name": SHOP_NAME,
        "og:type": "product",
        "og:title": product.title,
        "og:description": product.description,
        "og:url": product_path(product),
        "og:image": f"/media/{product.picture}",
        "product:brand": product.brand,
        "product:retailer_item_id": product.sku,
        "product:availability": product.availability,
        "product:condition": "new",
    }
    if product.defect != "no_price":
        properties |= {"product:price:amount": str(product.price), "product:price:currency": CURRENCY}
    head = "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items())
    body = (
        f'<main class="product"><p><a href="/c/{SHOP_DIGITS}">{SHOP_NAME}</a></p>'
        f'<img src="/media/{product.picture}" alt="{escape(product.title)}" width="1000" height="1000">'
        f"<h1>{escape(product.title)}</h1>{price}<p>{escape(product.description)}</p>"
        f'<p class="muted">{escape(product.brand)} · {product.sku} · {product.availability}</p></main>'
    )
    return _page(product.title, body, head)


def _page(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title>{head}<style>{_STYLE}</style></head>"
        f'<body><p class="notice">{NOTICE}</p>{body}'
        f'<footer class="muted">{NOTICE}. Nothing here is for sale.</footer></body></html>'
    )
