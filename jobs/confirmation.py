"""Admin actions that ask for a reason before they act."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextareaWidget


class ReasonForm(forms.Form):
    """Why an operator does what they are about to do."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the audit log, with your name.",
    )


def given_reason(request: HttpRequest) -> str | None:
    """Return the reason that the request gives; None while it has to be asked for."""
    form = _form(request)
    return form.cleaned_data["reason"] if form.is_bound and form.is_valid() else None


def ask_for_reason(
    request: HttpRequest,
    model_admin: Any,
    subjects: Sequence[Model],
    *,
    action: str,
    title: str,
    effect: str,
    button: str,
    back: str = "",
) -> TemplateResponse:
    """Show a page that says what will happen to which subjects, and asks why.

    Args:
        request: the request that asked for the action, by a list's form or a detail page's link.
        model_admin: whose action it is.
        subjects: what it will act on.
        action: the action's name, sent again with the reason.
        title: what will be done.
        effect: one sentence on what that means.
        button: the verb on the button.
        back: where Cancel leads; the address of the request, a list, by default.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": title,
        "effect": effect,
        "button": button,
        "back": back or request.get_full_path(),
        "subjects": subjects,
        "action": action,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "form": _form(request),
    }
    return TemplateResponse(request, "jobs/ask_for_reason.html", context)


def _form(request: HttpRequest) -> ReasonForm:
    # The list's own form posts too, without a reason: that is the question, not a wrong answer.
    return ReasonForm(request.POST) if "reason" in request.POST else ReasonForm()
