"""The addresses of the public pages: the front page, search, and one product."""

from django.urls import path

from catalog.pages.home import home_page
from catalog.pages.product import product_page
from catalog.pages.search import image_page, search_page, similar_page

urlpatterns = [
    path("", home_page, name="home"),
    path("search/", search_page, name="search-page"),
    path("search/image/", image_page, name="image-page"),
    path("search/similar/<int:product_id>/", similar_page, name="similar-page"),
    path("p/<int:product_id>/", product_page, name="product-page"),
]
