"""The sellers' page of rechecks, below /seller/."""

from django.urls import path

from marketplace.rechecks.pages import recheck_page

urlpatterns = [path("products/<int:product_id>/recheck/", recheck_page, name="seller-recheck")]
