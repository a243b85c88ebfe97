"""The app of quality control."""

from django.apps import AppConfig


class QualityControlConfig(AppConfig):
    """Is this product fit to be shown."""

    name = "qc"
    verbose_name = "Quality control"
