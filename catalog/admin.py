"""The catalog in the admin."""

from catalog import admin_scraping  # noqa: F401 registers its pages
