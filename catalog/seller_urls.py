"""The sellers' pages of the catalog, below /seller/."""

from django.urls import path

from catalog.pages.generation_form import ask_page
from catalog.pages.photos import (
    add_photos_page,
    inventory_page,
    photo_file_page,
    photo_set_act_page,
    photo_set_page,
    photos_page,
    remove_photo_page,
    upload_page,
)
from catalog.pages.proposals import accept_chosen_page, decide_page, proposal_page, proposals_page, request_page

urlpatterns = [
    path("photos/", photos_page, name="seller-photos"),
    path("photos/<uuid:set_id>/", photo_set_page, name="seller-photo-set"),
    path("photos/<uuid:set_id>/add/", add_photos_page, name="seller-add-photos"),
    path("photos/<uuid:set_id>/uploads/", upload_page, name="seller-photo-uploads"),
    path("photos/<uuid:set_id>/uploads/<uuid:photo_id>/", upload_page, name="seller-photo-upload"),
    path("photos/<uuid:set_id>/inventory/", inventory_page, name="seller-inventory"),
    path("photos/<uuid:set_id>/act/<slug:act>/", photo_set_act_page, name="seller-photo-set-act"),
    path("photos/<uuid:set_id>/<uuid:photo_id>/remove/", remove_photo_page, name="seller-remove-photo"),
    path("photos/<uuid:set_id>/<uuid:photo_id>/<slug:size>/", photo_file_page, name="seller-photo-file"),
    path("proposals/", proposals_page, name="seller-proposals"),
    path("proposals/new/", ask_page, name="seller-ask-proposals"),
    path("proposals/accept/", accept_chosen_page, name="seller-accept-proposals"),
    path("proposals/requests/<uuid:generation_id>/", request_page, name="seller-generation"),
    path("proposals/<int:proposal_id>/", proposal_page, name="seller-proposal"),
    path("proposals/texts/<int:text_id>/", decide_page, name="seller-decide-text"),
]
