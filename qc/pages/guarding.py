"""Who may see the pages of the review."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

PERMISSION = "qc.review_product"
View = Callable[..., HttpResponseBase]


def reviewers_page(view: View, *methods: str) -> View:
    """Let those in who may judge products; the admin asks the others to log in."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admin.site.admin_view(require_http_methods(list(methods))(guarded))


def reviewer_of(request: HttpRequest) -> User:
    """Return who is logged in, which reviewers_page has made sure of."""
    return cast(User, request.user)


def admin_page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """Return a page of the admin."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})
