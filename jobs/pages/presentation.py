"""How the admin shows what the engine knows: links, durations, JSON, attempts."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs.models import Job, JobAttempt
from jobs.sensitive import shown_text

NBSP = "\N{NO-BREAK SPACE}"


def link(url_name: str, pk: Any, text: Any) -> SafeString:
    """Link to an admin page of one object."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500 underline" href="{}">{}</a>',
        reverse(url_name, args=[pk]),
        text,
    )


def list_link(url_name: str, query: str, text: Any) -> SafeString:
    """Link to an admin list with its filters set."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500 underline" href="{}?{}">{}</a>',
        reverse(url_name),
        query,
        text,
    )


def label(text: str, variant: str | None) -> SafeString:
    """Show a status as unfold's label, in a list and on a page alike.

    Args:
        text: what it says; the colour adds nothing to it.
        variant: info, primary, success, warning, danger, or None for grey.
    """
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": variant})


def pretty_json(value: Any) -> SafeString | str:
    """Show JSON as people read it; "-" where there is none."""
    if value in (None, {}, []):
        return "-"
    return code_block(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str))


def code_block(text: str) -> SafeString:
    """Show text as it is written; it may be wide, so the keyboard can scroll it."""
    return format_html('<pre class="souk-code" tabindex="0">{}</pre>', text)


def progress_bar(pct: float, text: str) -> SafeString:
    """Show how far something is, as a bar with its words beside it."""
    return format_html(
        '<span class="souk-progress"><progress max="100" value="{}">{}</progress> {}</span>', round(pct, 1), text, text
    )


def tenant_link(tenant: str) -> SafeString | str:
    """Link to the page of the tenant, where the settings name one."""
    page = settings.JOB_SUBJECT_PAGES.get("tenant")
    if not tenant:
        return "-"
    return link(page, tenant, f"tenant {tenant}") if page and tenant.isdigit() else tenant


def subject_links(payload: dict[str, Any]) -> SafeString | str:
    """Link to the pages of what a job's payload names."""
    pages = settings.JOB_SUBJECT_PAGES
    found = [
        (link(pages[name], pk, f"{name}{NBSP}{pk}"),)
        for name, pk in payload.items()
        if name in pages and isinstance(pk, int)
    ]
    return format_html("<span>{}</span>", format_html_join(", ", "{}", found)) if found else "-"


def seconds_text(seconds: float) -> str:
    """Write a duration in the unit that fits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}{NBSP}ms"
    if seconds < 120:
        return f"{seconds:.1f}{NBSP}s"
    return str(timedelta(seconds=round(seconds)))


def shown_error(job: Job) -> str:
    """Return the message of the job's last error, as far as it may be seen."""
    return shown_text(job.error_message, task_name=job.task, payload=job.payload)


def attempts_text(job: Job) -> SafeString | str:
    """List a job's failed attempts, with their tracebacks folded."""
    attempts = list(job.attempts.all())
    return (
        format_html(
            '<ol class="souk-attempts">{}</ol>',
            format_html_join("", "{}", ((_attempt_text(attempt, job),) for attempt in attempts)),
        )
        if attempts
        else "None failed."
    )


def _attempt_text(attempt: JobAttempt, job: Job) -> SafeString:
    traceback = shown_text(attempt.traceback, task_name=job.task, payload=job.payload)
    trace = format_html("<details><summary>Traceback</summary>{}</details>", code_block(traceback)) if traceback else ""
    return format_html(
        "<li><strong>Attempt {}</strong> on {} at <time datetime='{}'>{}</time>, {}: <code>{}</code> ({})<br>{}<br>"
        "<em>then: {}</em>{}</li>",
        attempt.attempt,
        attempt.worker_name or "an unknown worker",
        attempt.started_at.isoformat(),
        attempt.started_at.strftime("%Y-%m-%d %H:%M:%S"),
        seconds_text((attempt.ended_at - attempt.started_at).total_seconds()),
        attempt.error_code,
        attempt.family,
        shown_text(attempt.error_message, task_name=job.task, payload=job.payload),
        attempt.decision,
        trace,
    )
