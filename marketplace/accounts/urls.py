"""The addresses of logins, below /seller/."""

from django.urls import path

from marketplace.accounts import pages

urlpatterns = [
    path("login/", pages.login_page, name="seller-login"),
    path("logout/", pages.logout_page, name="seller-logout"),
    path("first-login/", pages.ask_page, name="seller-ask"),
    path("join/<str:token>/", pages.join_page, name="seller-join"),
    path("switch/", pages.switch_page, name="seller-switch"),
    path("password/", pages.reset_page, name="seller-reset"),
    path("password/<uidb64>/<token>/", pages.reset_confirm_page, name="seller-reset-confirm"),
]
