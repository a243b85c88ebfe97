"""One crawl of a shop, in this process, by us or by Scrapy: from its sitemap to every product extracted.

Run as `python -m tests.benchmarks.crawlers ours|scrapy ADDRESS`; prints one JSON object. Both ask robots.txt, have
16 requests in flight to the one host, no delay, and hand each page to the very same extraction.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

CONCURRENCY = 16
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["JOB_CONCURRENCY"] = str(CONCURRENCY)
os.environ["FETCH_PRIVATE_HOSTS"] = urlsplit(sys.argv[2]).netloc if len(sys.argv) > 2 else ""

import django

django.setup()

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from catalog.fetching import FetchSession
from catalog.politeness.manners import Manners
from catalog.product_pages import PageRead, read_pages_by_http
from catalog.sources.known import source_named
from marketplace.models import Product
from tests.benchmarks.sitemap_links import addresses_of

SOURCE = "shop"
BATCH = 48  # as scrape-product claims them


def crawl_ourselves(shop: str) -> list[str]:
    """Read the pages as the workers do, batch by batch; return the titles."""
    titles: list[str] = []
    addresses = addresses_of(asyncio.run(_sitemap(shop)))
    products = [Product(pk=n + 1, external_id=f"{SOURCE}:{n}", address=address) for n, address in enumerate(addresses)]
    for start in range(0, len(products), BATCH):
        batch = products[start : start + BATCH]
        outcomes = read_pages_by_http(batch, is_stopping=lambda: False, manners=Manners())
        for outcome in outcomes.values():
            if not isinstance(outcome, PageRead) or outcome.content is None:
                raise TypeError(f"a page was not read: {outcome!r}")
            titles.append(outcome.content.title)
    return titles


async def _sitemap(shop: str) -> bytes:
    async with FetchSession() as session:
        return (await session.get(f"{shop}/sitemap.xml")).body


def crawl_by_scrapy(shop: str) -> list[str]:
    """Let Scrapy do the same; return the titles."""
    titles: list[str] = []
    source = source_named(SOURCE)

    class Spider(scrapy.Spider):
        name = "shop"

        async def start(self) -> Any:
            yield scrapy.Request(f"{shop}/sitemap.xml", callback=self.parse)

        def parse(self, response: Response, **kwargs: Any) -> Iterator[scrapy.Request]:
            for address in addresses_of(response.body):
                yield scrapy.Request(address, callback=self.parse_product)

        def parse_product(self, response: Response, **kwargs: Any) -> None:
            titles.append(source.extract(response.text, response.url).title)

    process = CrawlerProcess(
        {
            "ROBOTSTXT_OBEY": True,
            "CONCURRENT_REQUESTS": CONCURRENCY,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
            "DOWNLOAD_DELAY": 0,
            "AUTOTHROTTLE_ENABLED": False,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_ENABLED": False,
            "RETRY_ENABLED": False,
        }
    )
    process.crawl(Spider)
    process.start()
    return titles


def main() -> None:
    """Crawl once and tell how long it took, after everything was imported."""
    crawl = {"ours": crawl_ourselves, "scrapy": crawl_by_scrapy}[sys.argv[1]]
    started, used = time.perf_counter(), time.process_time()
    titles = crawl(sys.argv[2])
    took, used = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"pages": len(set(titles)), "seconds": round(took, 3), "cpu_s": round(used, 3)}))


if __name__ == "__main__":
    main()
