"""Admin actions that ask for a reason, and what else they need to know, before they act."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from jobs import bulk
from jobs.models import Priority, TaskSwitch


class ReasonForm(forms.Form):
    """Why an operator does what they are about to do."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the audit log, with your name.",
    )


class PriorityForm(ReasonForm):
    """The new priority, and why."""

    priority = forms.TypedChoiceField(
        choices=Priority.choices, coerce=lambda value: Priority(int(value)), widget=UnfoldAdminSelectWidget
    )
    field_order = ["priority", "reason"]


class SwitchForm(ReasonForm):
    """The new mode of a task, and why."""

    mode = forms.TypedChoiceField(
        choices=TaskSwitch.Mode.choices, coerce=TaskSwitch.Mode, widget=UnfoldAdminSelectWidget
    )
    field_order = ["mode", "reason"]


class PaceForm(ReasonForm):
    """A pace for a gate, and why."""

    rate_per_s = forms.FloatField(
        label="Jobs a second",
        min_value=0.0001,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="0.5 is one job every two seconds.",
    )
    burst = forms.FloatField(
        min_value=1,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="How many at once after a rest; empty: as declared.",
    )
    field_order = ["key", "rate_per_s", "burst", "reason"]


class NewPaceForm(PaceForm):
    """A pace for a key that may have no gate yet, and why."""

    key = forms.RegexField(
        r"^\S+$",
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="What is limited, like domain:shop.example, gemini, task:sync-seller or tenant:7.",
    )


class BulkRetryForm(ReasonForm):
    """How fast to retry dead letters, and why."""

    canary = forms.IntegerField(
        label="First try",
        min_value=0,
        max_value=100,
        initial=bulk.CANARY,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="So many go first; the others wait until all of these have ended and none has failed again.",
    )
    rate_per_s = forms.FloatField(
        label="Then a second",
        min_value=0.01,
        max_value=bulk.MAX_RATE_PER_S,
        initial=bulk.RATE_PER_S,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )
    field_order = ["canary", "rate_per_s", "reason"]


Form = TypeVar("Form", bound=ReasonForm)


def answered(request: HttpRequest, form: type[Form]) -> Form | None:
    """Return the form that the request answers well; None while its question has to be asked."""
    filled = _filled(request, form)
    return filled if filled.is_bound and filled.is_valid() else None


def given_reason(request: HttpRequest) -> str | None:
    """Return the reason that the request gives; None while it has to be asked for."""
    form = answered(request, ReasonForm)
    return form.cleaned_data["reason"] if form else None


def ask(
    request: HttpRequest,
    site: AdminSite,
    *,
    form: type[ReasonForm],
    title: str,
    effect: str,
    button: str,
    back: str,
    initial: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
) -> TemplateResponse:
    """Show a page that says what will happen, and asks what the form asks.

    Args:
        request: the request that asked for the action.
        site: the admin.
        form: the question; answered by the same address.
        title: what will be done.
        effect: one sentence on what that means.
        button: the verb on the button.
        back: where Cancel leads.
        initial: the form's first values.
        extra: more for the template: subjects, say.
    """
    context = {
        **site.each_context(request),
        "title": title,
        "effect": effect,
        "button": button,
        "back": back,
        "form": _filled(request, form, initial),
        **(extra or {}),
    }
    return TemplateResponse(request, "jobs/ask_for_reason.html", context)


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
    form: type[ReasonForm] = ReasonForm,
    all_matching: str = "",
) -> TemplateResponse:
    """Show a page that says what will happen to which subjects, and asks why.

    Args:
        request: the request that asked for the action, by a list's form or a detail page's link.
        model_admin: whose action it is.
        subjects: what it will act on; the first of them, where it acts on all that match.
        action: the action's name, sent again with the reason.
        title: what will be done.
        effect: one sentence on what that means.
        button: the verb on the button.
        back: where Cancel leads; the address of the request, a list, by default.
        form: what else to ask.
        all_matching: says how many it is, where it acts on all that match the list's filters.
    """
    return ask(
        request,
        model_admin.admin_site,
        form=form,
        title=title,
        effect=effect,
        button=button,
        back=back or request.get_full_path(),
        extra={
            "opts": model_admin.model._meta,
            "subjects": subjects,
            "action": action,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "all_matching": all_matching,
        },
    )


def _filled(request: HttpRequest, form: type[Form], initial: dict[str, Any] | None = None) -> Form:
    # The list's own form posts too, without a reason: that is the question, not a wrong answer.
    return form(request.POST) if "reason" in request.POST else form(initial=initial)
