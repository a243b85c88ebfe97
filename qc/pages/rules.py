"""The rules in the admin: what each does now, and a draft that sets them otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from qc.models import RulesetRevision
from qc.pages.guarding import CHANGE_RULES, admin_page, reviewer_of
from qc.pages.rejudging import outdated_context
from qc.review_figures import Overturned, overturned_by_code
from qc.rule_drafts import Draft, base_of, changes_in, draft_from, is_outdated, taken_over
from qc.rule_figures import products_by_code
from qc.rule_settings import AS_IT_COMES, Difference, Effective, effective, number_text
from qc.rule_trials import begin_trial, latest_trial
from qc.rules.contract import Rule, Severity, Threshold
from qc.rules.ruleset import BY_CODE, CODE_VERSION, RULES, Setting
from qc.rulesets import CannotSave, latest_revision, settings_of
from qc.wording import field_title, issue_title

DRAFT = "qc_rules_draft"
SUBJECTS = {"text": "Text", "price": "Price", "picture": "Pictures", "catalog": "Catalog data"}
SEVERITIES = (
    (Severity.REJECT, "Reject: not shown until the seller mends it"),
    (Severity.FLAG, "Flag: not shown until staff has looked at it"),
    (Severity.ADVISE, "Advise: shown; the seller is told how to do better"),
)


@dataclass(frozen=True, slots=True)
class ShownLimit:
    """A threshold in words: its name, its value with the unit, and what it comes as where that differs."""

    name: str
    value: str
    default: str


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A row of the list."""

    rule: Rule
    title: str
    now: Effective
    looks_at: str
    limits: Sequence[ShownLimit]
    is_changed: bool
    in_draft: Difference | None
    products: int
    overturned: Overturned | None


class RuleForm(forms.Form):
    """How one rule is set; a field for each of its thresholds."""

    is_on = forms.BooleanField(label="The rule is on", required=False, widget=UnfoldBooleanSwitchWidget)
    severity = forms.ChoiceField(label="What it does to a product", choices=SEVERITIES, widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any = None, *, rule: Rule, now: Effective) -> None:
        limits = {f"limit_{name}": number_text(value) for name, value in now.limits.items()}
        super().__init__(data, initial={"is_on": now.is_on, "severity": now.severity, **limits})
        self.rule = rule
        for it in rule.thresholds:
            self.fields[f"limit_{it.name}"] = forms.FloatField(
                label=_threshold_title(it),
                min_value=it.least,
                max_value=it.most,
                help_text=_threshold_help(it),
                widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "inputmode": "decimal"}),
            )

    def setting(self) -> Setting:
        """Return what was asked for, once it is valid."""
        return Setting(
            is_on=self.cleaned_data["is_on"],
            severity=Severity(self.cleaned_data["severity"]),
            limits={it.name: self.cleaned_data[f"limit_{it.name}"] for it in self.rule.thresholds},
        )


def list_page(request: HttpRequest) -> HttpResponse:
    """List the rules by what they look at."""
    latest, draft = latest_revision(), _draft_of(request)
    changes = {it.code: it for it in changes_in(draft)} if draft else {}
    rows = _rows(latest, changes)
    subjects = [(title, [it for it in rows if it.rule.code.startswith(f"{area}.")]) for area, title in SUBJECTS.items()]
    return admin_page(
        request,
        "qc/rules.html",
        "Rules",
        subjects=[it for it in subjects if it[1]],
        rule_count=len(RULES),
        code_version=CODE_VERSION,
        latest=latest,
        draft_changes=list(changes.values()),
        may_change=request.user.has_perm(CHANGE_RULES),
        **outdated_context(request),
    )


def rule_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show one rule, and take what shall be otherwise into the draft."""
    rule = BY_CODE.get(code)
    if rule is None:
        raise Http404(f"there is no rule {code!r}")
    draft = _draft_of(request) or draft_from(None)
    if request.method == "POST" and request.POST.get("act") == "reset":
        return _drafted(request, draft.with_rule(code, AS_IT_COMES), code)
    form = RuleForm(request.POST or None, rule=rule, now=effective(rule, draft.settings))
    if form.is_valid():
        return _drafted(request, draft.with_rule(code, form.setting()), code)
    return admin_page(
        request,
        "qc/rule.html",
        f"Rule: {issue_title(code)}",
        rule=rule,
        form=form,
        looks_at=_fields_text(rule),
        remedy=rule.remedy.format(**effective(rule, draft.settings).limits),
        is_changed=code in draft.settings,
        severity=rule.severity,
    )


def draft_page(request: HttpRequest) -> HttpResponse:
    """Show what the draft changes, and try it, throw it away, or take it over to the rules of now."""
    draft = _draft_of(request)
    if draft is None:
        messages.info(request, "There is no draft. Change a rule to begin one.")
        return HttpResponseRedirect(reverse("admin-rules"))
    if request.method == "POST":
        return _act(request, draft)
    return admin_page(
        request,
        "qc/rules_draft.html",
        "Draft of the rules",
        changes=changes_in(draft),
        newer=latest_revision() if is_outdated(draft) else None,
        trial=latest_trial(draft.settings, base=base_of(draft), user=reviewer_of(request)),
    )


def keep_draft(request: HttpRequest, draft: Draft | None) -> None:
    """Keep the draft for whoever is logged in; None throws it away."""
    if draft is None:
        request.session.pop(DRAFT, None)
    else:
        request.session[DRAFT] = draft.as_json()


def draft_note(request: HttpRequest) -> str:
    """Return what to begin the note with."""
    draft = _draft_of(request)
    return draft.note if draft else ""


def _draft_of(request: HttpRequest) -> Draft | None:
    stored = request.session.get(DRAFT)
    return draft_from(stored) if stored else None


def _drafted(request: HttpRequest, draft: Draft, code: str) -> HttpResponse:
    changes = changes_in(draft)
    if not changes and not is_outdated(draft):
        keep_draft(request, None)
        messages.info(request, f"{issue_title(code)} is as it was; the draft is empty.")
        return HttpResponseRedirect(reverse("admin-rules"))
    keep_draft(request, draft)
    messages.success(request, f"{issue_title(code)} is in the draft. Nothing holds until you have tried and saved it.")
    return HttpResponseRedirect(reverse("admin-rules-draft"))


def _act(request: HttpRequest, draft: Draft) -> HttpResponse:
    match request.POST.get("act"):
        case "discard":
            keep_draft(request, None)
            messages.success(request, "The draft was thrown away.")
            return HttpResponseRedirect(reverse("admin-rules"))
        case "take-over":
            keep_draft(request, taken_over(draft))
            messages.success(request, "Your changes are now changes of the rules that hold.")
        case "try" if not is_outdated(draft):
            try:
                trial = begin_trial(draft.settings, base=base_of(draft), user=reviewer_of(request))
            except CannotSave as refusal:
                messages.error(request, str(refusal))
            else:
                return HttpResponseRedirect(reverse("admin-rule-trial", args=[trial.pk]))
    return HttpResponseRedirect(reverse("admin-rules-draft"))


# --- in words -------------------------------------------------------------------------------------


def _rows(latest: RulesetRevision | None, changes: Mapping[str, Difference]) -> list[ShownRule]:
    settings, counts = settings_of(latest), products_by_code()
    overturned = {it.code: it for it in overturned_by_code()}
    return [
        ShownRule(
            rule=rule,
            title=issue_title(rule.code),
            now=(now := effective(rule, settings)),
            looks_at=_fields_text(rule),
            limits=[_shown(it, now) for it in rule.thresholds],
            is_changed=rule.code in settings,
            in_draft=changes.get(rule.code),
            products=counts.get(rule.code, 0),
            overturned=overturned.get(rule.code),
        )
        for rule in RULES
    ]


def _shown(threshold: Threshold, now: Effective) -> ShownLimit:
    value = now.limits[threshold.name]
    return ShownLimit(
        name=threshold.name.replace("_", " "),
        value=" ".join(filter(None, [number_text(value), threshold.unit])),
        default=number_text(threshold.default) if value != threshold.default else "",
    )


def _threshold_title(threshold: Threshold) -> str:
    name = threshold.name.replace("_", " ").capitalize()
    return f"{name} ({threshold.unit})" if threshold.unit else name


def _threshold_help(threshold: Threshold) -> str:
    span = f"{number_text(threshold.least)} to {number_text(threshold.most)}"
    return f"{span}; comes as {number_text(threshold.default)}. {threshold.calibration}".strip()


def _fields_text(rule: Rule) -> str:
    return ", ".join(field_title(it).lower() if it != "gtin" else "GTIN" for it in rule.looks_at)
