"""The steps that are left of a scraping job: decisions alone, no page and no database."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.scraping.contract import Order, Step, Taken, step_of, step_to_json

MAX_STEPS = 5_000


@dataclass(frozen=True, slots=True)
class Frontier:
    """The steps to take, the next one first; what was ever put among them; what was done so far."""

    steps: Sequence[Step]
    seen: Sequence[str] = ()
    taken: int = 0
    pages: int = 0
    left: int = 0  # steps that max_pages cut off

    @property
    def next_step(self) -> Step | None:
        """The step to take now; None when there is none left."""
        return self.steps[0] if self.steps else None

    @property
    def progress_pct(self) -> float:
        """How much of what is known to be done is done."""
        return 100.0 * self.taken / (self.taken + len(self.steps)) if self.taken else 0.0


def begin(step: Step) -> Frontier:
    """Return where a job begins."""
    return Frontier(steps=[step], seen=[_digest(step)])


def advance(frontier: Frontier, order: Order, taken: Taken) -> Frontier:
    """Return what is left after the next step was taken, each step once.

    Further pages of the same list come first, what else the step leads to comes last. Pages beyond max_pages are cut
    off and counted.
    """
    step, *rest = frontier.steps
    pages = frontier.pages + int(step.is_page and taken.has_read_list)
    seen = list(frontier.seen)
    known = set(seen)
    fresh: list[Step] = []
    for following in taken.following:
        digest = _digest(following)
        if digest not in known and len(seen) < MAX_STEPS:
            known.add(digest)
            seen.append(digest)
            fresh.append(following)
    rest = [it for it in fresh if _goes_on(step, it)] + rest + [it for it in fresh if not _goes_on(step, it)]
    kept: list[Step] = []
    room = order.max_pages - pages
    for following in rest:
        room -= int(following.is_page)
        if room >= 0 or not following.is_page:
            kept.append(following)
    left = frontier.left + len(rest) - len(kept)
    return Frontier(steps=kept, seen=seen, taken=frontier.taken + 1, pages=pages, left=left)


def frontier_to_json(frontier: Frontier) -> dict[str, Any]:
    """Return a frontier as JSON."""
    return {
        "steps": [step_to_json(step) for step in frontier.steps],
        "seen": list(frontier.seen),
        "taken": frontier.taken,
        "pages": frontier.pages,
        "left": frontier.left,
    }


def frontier_of(kept: Mapping[str, Any]) -> Frontier:
    """Return the frontier that frontier_to_json made JSON of."""
    return Frontier(**{**kept, "steps": [step_of(step) for step in kept["steps"]]})


def _goes_on(step: Step, following: Step) -> bool:
    """Tell whether the following step reads a further page of the list that the step has read."""
    return step.page is not None and following.page is not None and step.page.paths == following.page.paths


def _digest(step: Step) -> str:
    return hashlib.sha256(json.dumps(step.identity, sort_keys=True).encode()).hexdigest()[:16]
