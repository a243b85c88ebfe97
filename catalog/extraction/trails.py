"""Breadcrumbs: the way from the shop's front to the product, as markup or as a list of links."""

import re

from catalog.extraction.document import Document
from catalog.extraction.layout import Layout
from catalog.extraction.page_data import Breadcrumb
from catalog.extraction.standing import Standing
from catalog.extraction.titles import similarity

MAX_STEPS = 15
MAX_TRAILS = 40
_SEPARATOR = re.compile(r"[\s›»>/|\\·•→<«‹:,.-]*")


def shown_trail(document: Document, layout: Layout) -> list[Breadcrumb]:
    """Return the steps of the page's list of breadcrumbs; empty if there is none."""
    best: list[Breadcrumb] = []
    looked_at = 0
    trails = [(index, element) for index, element in enumerate(layout.elements) if element.own & Standing.TRAIL]
    for index, element in trails:
        if not 1 <= element.end - element.start <= 60:
            continue
        looked_at += 1
        if looked_at > MAX_TRAILS:
            break
        steps = _steps(document, layout, index)
        if len(steps) > len(best) and not (best and element.standing & Standing.HIDDEN):
            best = steps
    return best


def _steps(document: Document, layout: Layout, trail: int) -> list[Breadcrumb]:
    element = layout.elements[trail]
    steps: list[Breadcrumb] = []
    for text in range(element.start, element.end):
        words = layout.texts[text].strip(" ›»>/|→·•‹«")
        if not words or _SEPARATOR.fullmatch(words) or len(words) > 120:
            continue
        address = ""
        for around in layout.ancestors(layout.owners[text], 6):
            if around == trail:
                break
            if layout.elements[around].tag == "a":
                address = document.absolute(layout.elements[around].attributes.get("href") or "")
                break
        if not steps or steps[-1].name != words:
            steps.append(Breadcrumb(words, address))
    if len(steps) > 1 and not steps[0].address and steps[1].address:
        steps = steps[1:]  # the list's heading
    return steps if len(steps) <= MAX_STEPS else []


def tidied(trail: list[Breadcrumb], title: str) -> tuple[Breadcrumb, ...]:
    """Return the trail without the product itself, which is no category."""
    steps = [step for step in trail[:MAX_STEPS] if step.name.strip()]
    while steps and title and similarity(steps[-1].name, title) >= 0.9 and (len(steps) > 1):
        steps.pop()
    return tuple(steps)
