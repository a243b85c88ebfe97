"""The catalog in the admin; each subject has a module of its own."""

from catalog.admin_imports import CatalogConnectionAdmin, FeedImportAdmin, FeedRowErrorAdmin

__all__ = ["CatalogConnectionAdmin", "FeedImportAdmin", "FeedRowErrorAdmin"]
