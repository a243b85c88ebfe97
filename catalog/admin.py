"""The catalog in the admin; each subject has a module of its own."""

from catalog.admin_domains import DomainAdmin
from catalog.admin_imports import CatalogConnectionAdmin, FeedImportAdmin, FeedRowErrorAdmin
from catalog.admin_scraping import ScrapingJobAdmin, SiteAdmin

__all__ = [
    "CatalogConnectionAdmin",
    "DomainAdmin",
    "FeedImportAdmin",
    "FeedRowErrorAdmin",
    "ScrapingJobAdmin",
    "SiteAdmin",
]
