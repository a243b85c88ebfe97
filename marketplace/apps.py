"""What Django knows of the app marketplace."""

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """The domain and the shell."""

    name = "marketplace"
    verbose_name = "Marketplace"
