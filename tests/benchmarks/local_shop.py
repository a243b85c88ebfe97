"""A shop of many pages on loopback, so light that it never is what holds a crawler up."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

HOST = "127.0.0.1"
WORDS = (
    "oak", "linen", "brass", "lamp", "chair", "table", "vase", "rug",
    "clock", "shelf", "mirror", "basket", "stool", "frame", "bowl", "candle",
)  # fmt: skip


def page_of(number: int, *, products: int, host: str) -> str:
    """Return a product's page as shops have them: some 40 kB, most of it around the product."""
    title = f"{WORDS[number % 16].title()} {WORDS[number // 16 % 16]} no. {number}"
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "sku": f"SKU-{number:05}",
        "brand": {"@type": "Brand", "name": WORDS[number % 7].title()},
        "image": [f"{host}/media/{number}-{view}.jpg" for view in range(4)],
        "description": f"{title}. " + "Made by hand, in small numbers, to be used every day. " * 8,
        "offers": {
            "@type": "Offer",
            "price": f"{number % 300 + 9}.90",
            "priceCurrency": "EUR",
            "availability": "https://schema.org/InStock" if number % 9 else "https://schema.org/OutOfStock",
            "url": f"{host}/product/{number}",
        },
    }
    links = "".join(
        f'<li><a href="/category/{kind}-{word}">{kind} {word}</a></li>' for kind in WORDS[:8] for word in WORDS
    )
    related = "".join(
        f'<div class="card"><a href="/product/{(number + step) % products}"><img src="/media/{step}.jpg" alt="">'
        f"<h3>Another thing no. {step}</h3></a><span class=price>{step}.50 €</span></div>"
        for step in range(1, 25)
    )
    filler = "".join(f"<p>{' '.join(WORDS[line % 5 :])} {' '.join(WORDS)} {line}</p>" for line in range(120))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | Benchmark shop</title>'
        f'<link rel="canonical" href="{host}/product/{number}"><meta property="og:title" content="{title}">'
        f'<script type="application/ld+json">{json.dumps(data)}</script></head><body><nav><ul>{links}</ul></nav>'
        f'<main><h1>{title}</h1><div class="product-price">{number % 300 + 9}.90 €</div>'
        f'<button>Add to basket</button><div class="description">{filler}</div></main>'
        f"<aside><h2>You may also like</h2>{related}</aside><footer>{filler[:4000]}</footer></body></html>"
    )


async def serve(products: int) -> None:
    """Serve until the process is ended; prints the shop's address first."""
    bodies: dict[str, tuple[bytes, bytes]] = {}

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, media_type = bodies.get(scope["path"], (b"", b"text/plain"))
        headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server = uvicorn.Server(
        uvicorn.Config(answer, host=HOST, port=0, lifespan="off", log_level="error", access_log=False)
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    host = f"http://{HOST}:{server.servers[0].sockets[0].getsockname()[1]}"
    addresses = [f"{host}/product/{number}" for number in range(products)]
    entries = "".join(f"<url><loc>{address}</loc></url>" for address in addresses)
    bodies["/robots.txt"] = f"User-agent: *\nDisallow: /cart\nSitemap: {host}/sitemap.xml\n".encode(), b"text/plain"
    bodies["/sitemap.xml"] = (
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode(),
        b"application/xml",
    )
    for number in range(products):
        page = page_of(number, products=products, host=host)
        bodies[f"/product/{number}"] = page.encode(), b"text/html; charset=utf-8"
    print(host, flush=True)
    await server.main_loop()


@contextmanager
def local_shop(products: int) -> Iterator[str]:
    """Serve the shop from a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.benchmarks.local_shop", str(products)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
