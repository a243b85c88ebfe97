"""The history of the rules: every revision with who, why and what, and the way back."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from qc.models import RulesetRevision, RuleTrial
from qc.pages.asked import int_of
from qc.pages.guarding import CHANGE_RULES, admin_page
from qc.pages.rules import keep_draft
from qc.rule_comparing import sum_up
from qc.rule_drafts import changes_in, draft_back_to
from qc.rule_settings import Difference, differences
from qc.rulesets import settings_of

SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownRevision:
    """One revision, what it changed of the one before, and its trial, where it is still kept."""

    revision: RulesetRevision
    changes: list[Difference]
    trial: RuleTrial | None
    summary: str


def history_page(request: HttpRequest) -> HttpResponse:
    """List the revisions, the latest first."""
    revisions = list(RulesetRevision.objects.select_related("made_by", "trial")[: SHOWN + 1])
    before = [*revisions[1:], None] if len(revisions) <= SHOWN else revisions[1:]
    shown = [_shown(it, earlier) for it, earlier in zip(revisions, before, strict=False)]
    return admin_page(
        request,
        "qc/rules_history.html",
        "History of the rules",
        revisions=shown,
        is_cut=len(revisions) > SHOWN,
        may_change=request.user.has_perm(CHANGE_RULES),
    )


def go_back(request: HttpRequest) -> HttpResponse:
    """Begin a draft that sets the rules as an earlier revision did, or as they come."""
    wanted = int_of(request.POST.get("revision"))
    draft = draft_back_to(get_object_or_404(RulesetRevision, pk=wanted) if wanted else None)
    if not changes_in(draft):
        messages.info(request, "The rules already are so.")
        return HttpResponseRedirect(reverse("admin-rules-history"))
    keep_draft(request, draft)
    messages.success(request, f"{draft.note}: this is the draft now. Nothing holds until you have tried and saved it.")
    return HttpResponseRedirect(reverse("admin-rules-draft"))


def _shown(revision: RulesetRevision, earlier: RulesetRevision | None) -> ShownRevision:
    trial: RuleTrial | None = getattr(revision, "trial", None)
    return ShownRevision(
        revision=revision,
        changes=differences(settings_of(earlier), settings_of(revision)),
        trial=trial,
        summary=sum_up(trial.figures) if trial else "",
    )
