"""The addresses of search, below /api/."""

from django.urls import re_path

from catalog.api import SearchView

urlpatterns = [re_path(r"^search/?$", SearchView.as_view(), name="search")]
