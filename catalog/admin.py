"""The catalog in the admin; each subject has a module of its own."""

from catalog.pages.domains import DomainAdmin
from catalog.pages.generations import GenerationRequestAdmin, ProposalAdmin
from catalog.pages.imports import CatalogConnectionAdmin, FeedImportAdmin, FeedRowErrorAdmin
from catalog.pages.photo_sets import PhotoSetAdmin
from catalog.pages.scraping import ScrapingJobAdmin, SiteAdmin
from catalog.pages.search_indexes import SearchIndexAdmin
from catalog.pages.search_queries import SearchQueryAdmin
from catalog.pages.synonyms import SynonymAdmin

__all__ = [
    "CatalogConnectionAdmin",
    "DomainAdmin",
    "FeedImportAdmin",
    "FeedRowErrorAdmin",
    "GenerationRequestAdmin",
    "PhotoSetAdmin",
    "ProposalAdmin",
    "ScrapingJobAdmin",
    "SearchIndexAdmin",
    "SearchQueryAdmin",
    "SiteAdmin",
    "SynonymAdmin",
]
