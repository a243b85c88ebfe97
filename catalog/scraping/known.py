"""The scraping types that Souk knows."""

from catalog.models import ScrapingJob
from catalog.scraping.category_search import CategorySearchScraper
from catalog.scraping.contract import Scraper
from catalog.scraping.full_site import FullSiteScraper
from catalog.scraping.product import ProductScraper
from catalog.scraping.search import SearchScraper

SCRAPERS: dict[str, Scraper] = {
    ScrapingJob.Type.FULL_SITE: FullSiteScraper(),
    ScrapingJob.Type.CATEGORY_SEARCH: CategorySearchScraper(),
    ScrapingJob.Type.PRODUCT: ProductScraper(),
    ScrapingJob.Type.SEARCH: SearchScraper(),
}
