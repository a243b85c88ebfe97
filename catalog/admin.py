"""The catalog in the admin; each subject has a module of its own."""

from catalog import admin_scraping  # noqa: F401 registers its pages
from catalog.admin_imports import CatalogConnectionAdmin, FeedImportAdmin, FeedRowErrorAdmin

__all__ = ["CatalogConnectionAdmin", "FeedImportAdmin", "FeedRowErrorAdmin"]
