"""The rules together, as they are set: which are on, how grave each is, and its thresholds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qc.rules import (
    addresses,
    catalog_data,
    gtins,
    hidden_text,
    languages,
    markup,
    messengers,
    payments,
    phone_numbers,
    picture_quality,
    pictures,
    placeholders,
    prices,
    prohibited_goods,
    promotion,
    replicas,
    reviewers,
    siblings,
    titles,
)
from qc.rules.contract import Limits, ProductFacts, Reason, Rule, Severity

# Grows with each change of a rule: verdicts made by another version are not reused.
CODE_VERSION = 13

RULES: tuple[Rule, ...] = (
    *prohibited_goods.RULES,
    *siblings.RULES,
    *prices.RULES,
    *pictures.RULES,
    *titles.RULES,
    *placeholders.RULES,
    *markup.RULES,
    *hidden_text.RULES,
    *phone_numbers.RULES,
    *addresses.RULES,
    *messengers.RULES,
    *payments.RULES,
    *replicas.RULES,
    *reviewers.RULES,
    *promotion.RULES,
    *languages.RULES,
    *picture_quality.RULES,
    *gtins.RULES,
    *catalog_data.RULES,
)
BY_CODE: Mapping[str, Rule] = {it.code: it for it in RULES}


@dataclass(frozen=True, slots=True)
class Setting:
    """How one rule is set, where that differs from how it comes.

    Args:
        is_on: whether it is asked at all.
        severity: instead of the rule's own.
        limits: instead of the rule's own, by name; the others stay.
    """

    is_on: bool = True
    severity: Severity | None = None
    limits: Limits = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule that is on, with all that its settings say."""

    rule: Rule
    severity: Severity
    limits: Limits
    remedy: str

    def reason_against(self, facts: ProductFacts) -> Reason | None:
        """Return what the rule has against a product."""
        finding = self.rule.check(facts, self.limits)
        if finding is None:
            return None
        return Reason(
            code=self.rule.code,
            severity=self.severity,
            field=finding.field,
            message=finding.message,
            remedy=self.remedy,
        )


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules that are on, under the version that verdicts name."""

    version: str
    active: tuple[ActiveRule, ...]

    def reasons_against(self, facts: ProductFacts) -> list[Reason]:
        """List what the rules have against a product, in their order."""
        return [reason for it in self.active if (reason := it.reason_against(facts)) is not None]


def make_ruleset(settings: Mapping[str, Setting], *, revision: int = 0, rules: Iterable[Rule] = RULES) -> Ruleset:
    """Put the rules together as they are set.

    Args:
        settings: by code; a rule that is not named is as it comes.
        revision: the number of these settings; 0: as they come.
        rules: instead of all.
    """
    active = tuple(_active(it, settings.get(it.code, Setting())) for it in rules)
    return Ruleset(version=f"{CODE_VERSION}.{revision}", active=tuple(it for it in active if it is not None))


def _active(rule: Rule, setting: Setting) -> ActiveRule | None:
    if not setting.is_on:
        return None
    limits = rule.default_limits | {name: it for name, it in setting.limits.items() if name in rule.default_limits}
    return ActiveRule(rule, setting.severity or rule.severity, limits, rule.remedy.format(**limits))


STANDARD = make_ruleset({})
