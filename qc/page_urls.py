"""The sellers' pages of quality control, below /seller/."""

from django.urls import path

from qc.pages.home import home_page

urlpatterns = [
    path("", home_page, name="seller-home"),
]
