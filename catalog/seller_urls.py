"""The sellers' pages of the catalog, below /seller/."""

from django.urls import path

from catalog.pages.generation_form import ask_page
from catalog.pages.proposals import accept_chosen_page, decide_page, proposal_page, proposals_page, request_page

urlpatterns = [
    path("proposals/", proposals_page, name="seller-proposals"),
    path("proposals/new/", ask_page, name="seller-ask-proposals"),
    path("proposals/accept/", accept_chosen_page, name="seller-accept-proposals"),
    path("proposals/requests/<uuid:generation_id>/", request_page, name="seller-generation"),
    path("proposals/<int:proposal_id>/", proposal_page, name="seller-proposal"),
    path("proposals/texts/<int:text_id>/", decide_page, name="seller-decide-text"),
]
