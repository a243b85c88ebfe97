"""How rules may be set: checked, reduced to what differs from how they come, and compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from qc.rules.contract import Rule, Severity, Threshold
from qc.rules.ruleset import BY_CODE, Setting

Settings = Mapping[str, Setting]
AS_IT_COMES = Setting()


class BadSettings(ValueError):
    """Settings that no rule can have; `problems` says where and what, by "code" or "code field"."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{where}: {problem}" for where, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Effective:
    """How one rule is, when all is said."""

    is_on: bool
    severity: Severity
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """What was changed of one rule, in words."""

    code: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code}: {'; '.join(self.lines)}"


def number_text(value: float) -> str:
    """Write a threshold as people do: 150, 0.05, 16777216."""
    return f"{value:.10g}"


def effective(rule: Rule, settings: Settings) -> Effective:
    """Return how a rule is by these settings."""
    setting = settings.get(rule.code, AS_IT_COMES)
    given = {name: it for name, it in setting.limits.items() if name in rule.default_limits}
    return Effective(setting.is_on, setting.severity or rule.severity, rule.default_limits | given)


def reduced(settings: Settings) -> dict[str, Setting]:
    """Leave out what is as it comes, and rules and thresholds that are no more; in the rules' order."""
    kept = {code: _reduced(rule, settings) for code, rule in BY_CODE.items() if code in settings}
    return {code: it for code, it in kept.items() if it != AS_IT_COMES}


def _reduced(rule: Rule, settings: Settings) -> Setting:
    it = effective(rule, settings)
    return Setting(
        is_on=it.is_on,
        severity=None if it.severity == rule.severity else it.severity,
        limits={name: value for name, value in it.limits.items() if value != rule.default_limits[name]},
    )


def changed_codes(before: Settings, after: Settings) -> list[str]:
    """List the rules that are not as they were, in the rules' order."""
    return [code for code, rule in BY_CODE.items() if effective(rule, before) != effective(rule, after)]


def differences(before: Settings, after: Settings) -> list[Difference]:
    """Tell what was changed, rule by rule."""
    return [
        Difference(
            code, tuple(_lines(BY_CODE[code], effective(BY_CODE[code], before), effective(BY_CODE[code], after)))
        )
        for code in changed_codes(before, after)
    ]


def _lines(rule: Rule, before: Effective, after: Effective) -> Iterable[str]:
    if before.is_on != after.is_on:
        yield "switched on" if after.is_on else "switched off"
    if before.severity != after.severity:
        yield f"{before.severity} → {after.severity}"
    for it in rule.thresholds:
        if before.limits[it.name] != after.limits[it.name]:
            unit = f" {it.unit}" if it.unit else ""
            yield f"{it.name} {number_text(before.limits[it.name])} → {number_text(after.limits[it.name])}{unit}"


def checked_settings(stored: Any) -> dict[str, Setting]:
    """Return settings from JSON that people wrote: {code: {is_on, severity, limits}}, each part optional.

    Raises:
        BadSettings: it is no such JSON, or names a rule, threshold, severity or value that cannot be.
    """
    if not isinstance(stored, dict):
        raise BadSettings({"settings": "Give a JSON object: the code of each rule with its settings."})
    problems: dict[str, str] = {}
    for code, given in stored.items():
        problems |= _problems(code, given)
    if problems:
        raise BadSettings(problems)
    return reduced(settings_from(stored))


def settings_from(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Setting]:
    """Return settings by code from their JSON; whoever did not write it checks it first."""
    return {
        code: Setting(
            is_on=bool(it.get("is_on", True)),
            severity=Severity(it["severity"]) if it.get("severity") else None,
            limits={name: float(value) for name, value in (it.get("limits") or {}).items()},
        )
        for code, it in stored.items()
    }


def settings_as_json(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the JSON of settings; what settings_from returns for it is equal to them."""
    return {
        code: {"is_on": it.is_on, "severity": it.severity, "limits": dict(it.limits)} for code, it in settings.items()
    }


def _problems(code: str, given: Any) -> dict[str, str]:
    rule = BY_CODE.get(code)
    if rule is None:
        return {code: "There is no such rule; `manage.py rules list` names them."}
    if not isinstance(given, dict):
        return {code: 'Give an object like {"is_on": true, "severity": "flag", "limits": {}}.'}
    problems = {
        f"{code} {name}": "There is no such setting; there are is_on, severity and limits."
        for name in given.keys() - {"is_on", "severity", "limits"}
    }
    if not isinstance(given.get("is_on", True), bool):
        problems[f"{code} is_on"] = "Give true or false."
    if given.get("severity") not in (None, "", *Severity):
        problems[f"{code} severity"] = f"Give one of {', '.join(Severity)}."
    limits = given.get("limits") or {}
    if not isinstance(limits, dict):
        return problems | {f"{code} limits": "Give an object: the name of each threshold with its value."}
    thresholds = {it.name: it for it in rule.thresholds}
    for name, value in limits.items():
        if problem := _problem_of_limit(thresholds, name, value):
            problems[f"{code} {name}"] = problem
    return problems


def _problem_of_limit(thresholds: Mapping[str, Threshold], name: str, value: Any) -> str:
    threshold = thresholds.get(name)
    if threshold is None:
        return f"There is no such threshold; there are {', '.join(thresholds) or 'none'}."
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return "Give a number."
    if not threshold.least <= value <= threshold.most:
        return f"Give {number_text(threshold.least)} to {number_text(threshold.most)}, not {number_text(value)}."
    return ""
