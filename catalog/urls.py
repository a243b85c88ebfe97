"""The addresses of search, of scraping, and of products given otherwise than by an address, below /api/."""

from catalog.api.directory import DirectorySearchView
from catalog.api.generations import (
    AcceptGenerationView,
    AcceptTextView,
    GenerationRequestView,
    GenerationsView,
    ProposalsView,
    RefuseTextView,
    UndoTextView,
)
from catalog.api.imports import ConnectionView, FeedErrorsView, FeedsView, FeedView, LinksView
from catalog.api.photo_sets import (
    AcceptPhotoSetView,
    PhotoItemsView,
    PhotoSetsView,
    PhotoSetView,
    PhotosView,
    PhotoUploadView,
    StartPhotoSetView,
    StopPhotoSetView,
)
from catalog.api.scraping import PreviewsView, PreviewView, ScrapingJobsView, ScrapingJobView
from catalog.api.search import SearchByPictureView, SearchView, SimilarView, SuggestView
from marketplace.routes import api_paths

urlpatterns = [
    *api_paths("directory/search/", DirectorySearchView.as_view(), name="directory-search"),
    *api_paths("search/", SearchView.as_view(), name="search"),
    *api_paths("search/suggest/", SuggestView.as_view(), name="search-suggest"),
    *api_paths("search/similar/<int:product_id>/", SimilarView.as_view(), name="search-similar"),
    *api_paths("search/image/", SearchByPictureView.as_view(), name="search-image"),
    *api_paths("sellers/me/connection/", ConnectionView.as_view(), name="my-connection"),
    *api_paths("sellers/me/feeds/", FeedsView.as_view(), name="my-feeds"),
    *api_paths("sellers/me/feeds/<int:feed_id>/", FeedView.as_view(), name="my-feed"),
    *api_paths("sellers/me/feeds/<int:feed_id>/errors/", FeedErrorsView.as_view(), name="my-feed-errors"),
    *api_paths("sellers/me/product-links/", LinksView.as_view(), name="my-product-links"),
    *api_paths("generations/", GenerationsView.as_view(), name="generations"),
    *api_paths("generations/<uuid:generation_id>/", GenerationRequestView.as_view(), name="generation"),
    *api_paths("generations/<uuid:generation_id>/proposals/", ProposalsView.as_view(), name="generation-proposals"),
    *api_paths("generations/<uuid:generation_id>/accept/", AcceptGenerationView.as_view(), name="accept-generation"),
    *api_paths("proposed-texts/<int:text_id>/accept/", AcceptTextView.as_view(), name="accept-text"),
    *api_paths("proposed-texts/<int:text_id>/refuse/", RefuseTextView.as_view(), name="refuse-text"),
    *api_paths("proposed-texts/<int:text_id>/undo/", UndoTextView.as_view(), name="undo-text"),
    *api_paths("photo-sets/", PhotoSetsView.as_view(), name="photo-sets"),
    *api_paths("photo-sets/<uuid:set_id>/", PhotoSetView.as_view(), name="photo-set"),
    *api_paths("photo-sets/<uuid:set_id>/photos/", PhotosView.as_view(), name="photo-uploads"),
    *api_paths("photo-sets/<uuid:set_id>/photos/<uuid:photo_id>/", PhotoUploadView.as_view(), name="photo-upload"),
    *api_paths("photo-sets/<uuid:set_id>/start/", StartPhotoSetView.as_view(), name="start-photo-set"),
    *api_paths("photo-sets/<uuid:set_id>/stop/", StopPhotoSetView.as_view(), name="stop-photo-set"),
    *api_paths("photo-sets/<uuid:set_id>/items/", PhotoItemsView.as_view(), name="photo-items"),
    *api_paths("photo-sets/<uuid:set_id>/accept/", AcceptPhotoSetView.as_view(), name="accept-photo-set"),
    *api_paths("scraping/jobs/", ScrapingJobsView.as_view(), name="scraping-jobs"),
    *api_paths("scraping/jobs/<uuid:job_id>/", ScrapingJobView.as_view(), name="scraping-job"),
    *api_paths("scraping/preview/", PreviewsView.as_view(), name="previews"),
    *api_paths("scraping/preview/<int:preview_id>/", PreviewView.as_view(), name="preview"),
]
