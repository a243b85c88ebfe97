"""Products that rules of an earlier version judged, on the page of the rules: how many, and judging them again."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from jobs.pages.confirmation import ReasonForm, answered, ask
from qc.pages.guarding import CHANGE_RULES, admin_page, reviewer_of
from qc.rejudging import CannotJudgeAgain, begin_judging_again, latest_run, outdated_count

EFFECT = (
    "They are judged by the rules as they are now, at low priority. What staff decided holds. Gemini is asked only "
    "about what it has not seen as it is, and sellers hear of those alone whose verdict changes."
)


def outdated_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page of the rules says of such products."""
    run = latest_run()
    outdated = outdated_count()
    return {
        "outdated": outdated,
        "run": run,
        "judged": run.judged(outdated) if run else 0,
        "may_judge_again": request.user.has_perm(CHANGE_RULES),
    }


def outdated_page(request: HttpRequest) -> HttpResponse:
    """Show how far judging again is, by itself for the page of the rules."""
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(reverse("admin-rules"))
    return admin_page(request, "qc/rules_outdated.html", "Rules", **outdated_context(request))


def judge_again(request: HttpRequest) -> HttpResponse:
    """Ask why, and have the products judged again."""
    back = reverse("admin-rules")
    form = answered(request, ReasonForm)
    if form is None:
        count = outdated_count()
        return ask(
            request,
            admin.site,
            form=ReasonForm,
            title=f"Judge {count:,} product{'' if count == 1 else 's'} again",
            effect=EFFECT,
            button="Judge again",
            back=back,
        )
    try:
        count = begin_judging_again(actor=reviewer_of(request).get_username(), reason=form.cleaned_data["reason"])
    except CannotJudgeAgain as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count:,} product{' is' if count == 1 else 's are'} being judged again.")
    return HttpResponseRedirect(back)
