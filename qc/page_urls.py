"""The sellers' pages of quality control, below /seller/."""

from django.urls import path

from qc.pages.appeals import appeal_page, appeals_page, withdraw_page
from qc.pages.home import home_page
from qc.pages.product import check_page, product_page
from qc.pages.products import products_page

urlpatterns = [
    path("", home_page, name="seller-home"),
    path("products/", products_page, name="seller-products"),
    path("products/<int:product_id>/", product_page, name="seller-product"),
    path("products/<int:product_id>/check/", check_page, name="seller-check"),
    path("products/<int:product_id>/appeal/", appeal_page, name="seller-appeal"),
    path("appeals/", appeals_page, name="seller-appeals"),
    path("appeals/<int:appeal_id>/withdraw/", withdraw_page, name="seller-withdraw"),
]
