"""A trial of rules in the admin: how far it is, whose verdict would change, and saving it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from qc.models import RuleTrial, RuleTrialChange
from qc.pages.guarding import CHANGE_RULES, admin_page, reviewer_of
from qc.pages.rules import draft_note, keep_draft
from qc.rule_comparing import sum_up
from qc.rule_settings import differences, settings_from
from qc.rule_trials import judged_again, save_trial
from qc.rulesets import CannotSave, latest_revision, settings_of

PAGE = 50
Kind = RuleTrialChange.Kind
KINDS = {
    Kind.REASONS.value: "other reasons",
    Kind.ADVICE.value: "other advice",
    Kind.WORDS.value: "other words",
}


class SaveForm(forms.Form):
    """Why the rules shall be so, and whether what they concern is judged again."""

    note = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For the history and the audit log, with your name.",
    )
    judges_again = forms.BooleanField(
        label="Judge these products again",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Just those whose verdict changes, after all other work; what staff decided holds. "
        "Otherwise each is judged by the new rules when it comes from its catalog again, changed.",
    )


def trial_page(request: HttpRequest, trial_id: int) -> HttpResponse:
    """Show a trial: how far it is, and what it found."""
    return _page(request, _trial(trial_id), SaveForm(initial={"note": draft_note(request)}))


def save(request: HttpRequest, trial_id: int) -> HttpResponse:
    """Make the tried settings hold."""
    trial, form = _trial(trial_id), SaveForm(request.POST)
    if not form.is_valid():
        return _page(request, trial, form)
    user, is_judging = reviewer_of(request), form.cleaned_data["judges_again"]
    try:
        revision = save_trial(
            trial.pk, actor=user.get_username(), user=user, note=form.cleaned_data["note"], judges_again=is_judging
        )
    except CannotSave as refusal:
        form.add_error(None, str(refusal))
        return _page(request, trial, form)
    keep_draft(request, None)
    told = " The products that it concerns are being judged again." if is_judging else ""
    messages.success(request, f"The rules hold as revision {revision.pk}.{told}")
    return HttpResponseRedirect(reverse("admin-rule-trial", args=[trial.pk]))


def _trial(trial_id: int) -> RuleTrial:
    return get_object_or_404(RuleTrial.objects.select_related("base", "made_by", "revision"), pk=trial_id)


def _page(request: HttpRequest, trial: RuleTrial, form: SaveForm) -> HttpResponse:
    is_running = trial.state == RuleTrial.State.RUNNING
    latest = latest_revision()
    is_judging = trial.revision is not None and trial.judges_again
    context: dict[str, Any] = {
        "trial": trial,
        "is_running": is_running,
        "summary": sum_up(trial.figures),
        "shown": request.GET.get("show", ""),
        "filters": _filters(trial),
        "judged_again": judged_again(trial) if is_judging else 0,
        "concerned": trial.found.count(),
        "changes": Paginator(_found(trial, request.GET.get("show", "")), PAGE).get_page(request.GET.get("page")),
    }
    if request.headers.get("HX-Request"):
        return admin_page(request, "qc/rule_trial_found.html", "Trial", **context)
    return admin_page(
        request,
        "qc/rule_trial.html",
        f"Trial {trial.pk} of the rules",
        tried=differences(settings_of(trial.base), settings_from(trial.changes)),
        form=form,
        newer=latest if trial.revision is None and (latest.pk if latest else None) != trial.base_id else None,
        may_change=request.user.has_perm(CHANGE_RULES),
        **context,
    )


def _filters(trial: RuleTrial) -> list[tuple[str, str, int]]:
    """List what the changes can be narrowed to: the query's value, words, and how many there are."""
    decided = [(key, f"{key.partition('>')[0]} → {key.partition('>')[2]}") for key in trial.figures if ">" in key]
    kinds = [(key, words) for key, words in KINDS.items() if key in trial.figures]
    return [(key, words, trial.figures[key]) for key, words in [*sorted(decided), *kinds]]


def _found(trial: RuleTrial, shown: str) -> QuerySet[RuleTrialChange]:
    rows = trial.found.select_related("product__seller").order_by("pk")
    before, _, after = shown.partition(">")
    if after:
        return rows.filter(kind=Kind.DECISION, before=before, after=after)
    return rows.filter(kind=shown) if shown in KINDS else rows
