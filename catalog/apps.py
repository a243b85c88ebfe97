"""What Django knows of the app catalog."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """From a catalog address to a searchable product."""

    name = "catalog"
    verbose_name = "Catalog"
