"""Who may see the pages of the review, and those of the rules."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

PERMISSION = "qc.review_product"
SEE_RULES = "qc.view_rulesetrevision"
CHANGE_RULES = "qc.change_rules"
View = Callable[..., HttpResponseBase]


def reviewers_page(view: View, *methods: str) -> View:
    """Let those in who may judge products; the admin asks the others to log in."""
    return _page_for((PERMISSION,), view, methods)


def rules_page(view: View, *methods: str) -> View:
    """Let those in who may see how the rules are set."""
    return _page_for((SEE_RULES, CHANGE_RULES), view, methods)


def rule_makers_page(view: View, *methods: str) -> View:
    """Let those in who may set the rules otherwise."""
    return _page_for((CHANGE_RULES,), view, methods)


def _page_for(permissions: Sequence[str], view: View, methods: Sequence[str]) -> View:
    """Let those in who have one of the permissions."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not any(request.user.has_perm(it) for it in permissions):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admin.site.admin_view(require_http_methods(list(methods))(guarded))


def reviewer_of(request: HttpRequest) -> User:
    """Return who is logged in, which reviewers_page has made sure of."""
    return cast(User, request.user)


def admin_page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """Return a page of the admin."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})
