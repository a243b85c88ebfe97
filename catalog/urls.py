"""The addresses of search and of scraping, below /api/."""

from django.urls import re_path

from catalog.api import SearchView
from catalog.api_scraping import PreviewsView, PreviewView, ScrapingJobsView, ScrapingJobView
from marketplace.routes import api_paths

urlpatterns = [
    re_path(r"^search/?$", SearchView.as_view(), name="search"),
    *api_paths("scraping/jobs/", ScrapingJobsView.as_view(), name="scraping-jobs"),
    *api_paths("scraping/jobs/<uuid:job_id>/", ScrapingJobView.as_view(), name="scraping-job"),
    *api_paths("scraping/preview/", PreviewsView.as_view(), name="previews"),
    *api_paths("scraping/preview/<int:preview_id>/", PreviewView.as_view(), name="preview"),
]
