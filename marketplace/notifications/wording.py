"""The words of notifications: a title, a sentence that says what follows from it, and where to go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from marketplace.notifications.kinds import MANNERS, Kind
from marketplace.notifications.models import Notification


@dataclass(frozen=True, slots=True)
class Words:
    """What a notification says, and the path of the page where the seller acts on it."""

    title: str
    sentence: str
    path: str


def words_of(notification: Notification) -> Words:
    """Word a notification; one of a kind that this version does not know keeps its name."""
    try:
        kind = Kind(notification.kind)
    except ValueError:
        return Words(notification.kind, "", reverse("seller-notifications"))
    title, sentence = _WORDINGS[kind](notification.count, notification.facts)
    return Words(title, sentence, _path(kind, notification))


def label_of(kind: str) -> str:
    """Name a kind in settings and lists."""
    try:
        return MANNERS[Kind(kind)].label
    except ValueError:  # of another version
        return kind


def noun_of(kind: str) -> str:
    """Name what one subject of a kind is."""
    try:
        return MANNERS[Kind(kind)].noun
    except ValueError:  # of another version
        return "subject"


def products_text(count: int) -> str:
    """Count products."""
    return "1 product" if count == 1 else f"{count:,} products"


def _were(count: int) -> str:
    return f"{products_text(count)} {'was' if count == 1 else 'were'}"


Wording = Callable[[int, dict[str, Any]], tuple[str, str]]


def _sync_finished(_: int, facts: dict[str, Any]) -> tuple[str, str]:
    found, live = facts.get("found", 0), facts.get("live", 0)
    others = [
        f"{facts[name]:,} {word}"
        for name, word in (
            ("rejected", "rejected"),
            ("flagged", "in review"),
            ("dead", "unreadable"),
            ("gone", "no longer in the catalog"),
        )
        if facts.get(name)
    ]
    rest = f" Of the others: {', '.join(others)}." if others else ""
    return "Your catalog was read", f"{products_text(found)} found, {live:,} shown to buyers.{rest}"


def _sync_failed(_: int, facts: dict[str, Any]) -> tuple[str, str]:
    message = str(facts.get("error_message") or "We could not read its lists.")
    return (
        "Your catalog could not be read",
        f"{_sentence(message)} What buyers see of your products stays as it was. See that your catalog's address opens "
        "in a browser that is not logged in, then start a sync again.",
    )


def _rejected(count: int, _: dict[str, Any]) -> tuple[str, str]:
    return (
        f"{_were(count)} rejected",
        f"Buyers do not see {_them(count)}. Change what the reasons name, then have {_them(count)} checked again; or "
        "appeal.",
    )


def _flagged(count: int, _: dict[str, Any]) -> tuple[str, str]:
    return (
        f"{products_text(count)} {'waits' if count == 1 else 'wait'} for our review",
        f"Our staff will look at {_them(count)}; there is nothing to do for you. Until then buyers do not see "
        f"{_them(count)}.",
    )


def _approved(count: int, _: dict[str, Any]) -> tuple[str, str]:
    return f"{_were(count)} approved", f"Our staff has looked at {_them(count)}; buyers see {_them(count)} in a moment."


def _appeal_answered(count: int, facts: dict[str, Any]) -> tuple[str, str]:
    if count > 1:
        return f"{count:,} of your appeals were answered", "The answers stand with the products' verdicts."
    outcome = {
        "upheld": "Our staff has looked again, and the verdict holds.",
        "overturned": "Our staff has looked again, and changed the verdict.",
    }.get(str(facts.get("outcome")), "The answer stands with the product's verdict.")
    answer = str(facts.get("answer") or "").strip()
    return "Your appeal was answered", f"{outcome} {_sentence(answer)}" if answer else outcome


def _gave_up(count: int, _: dict[str, Any]) -> tuple[str, str]:
    return (
        f"{products_text(count)} could not be read",
        "We have tried several times. See that the pages open in a browser that is not logged in; the next sync tries "
        "again.",
    )


def _proposals(count: int, _: dict[str, Any]) -> tuple[str, str]:
    texts = "A proposal is" if count <= 1 else f"{count:,} proposals are"
    return f"{texts} ready", "Nothing is published before you accept it."


def _inventory(count: int, _: dict[str, Any]) -> tuple[str, str]:
    if count > 1:
        return (
            f"{count:,} inventories are ready",
            "They were made of your photos. Nothing is published before you accept.",
        )
    return "An inventory is ready", "It was made of your photos. Nothing is published before you accept it."


def _inventory_failed(count: int, _: dict[str, Any]) -> tuple[str, str]:
    title = "An inventory" if count <= 1 else f"{count:,} inventories"
    return (
        f"{title} could not be made",
        "Your photos are kept. Open the sequence, see what is wrong, take out or add photos, and have it made again.",
    )


def _switched_off(count: int, facts: dict[str, Any]) -> tuple[str, str]:
    if count > 1:
        return (
            f"{count:,} webhooks were switched off",
            "They get no messages any more. Mend each, switch it on again, and have what it missed delivered.",
        )
    why = {
        "gone": "It answered 410, which says that it is gone for good.",
        "failing": "It has not taken a message for three days.",
    }.get(str(facts.get("why")), "")
    return (
        "A webhook was switched off",
        f"{why} {facts.get('url', '')} gets no messages any more. Mend it, switch it on again, and have what it missed "
        "delivered.".strip(),
    )


_WORDINGS: dict[Kind, Wording] = {
    Kind.SYNC_FINISHED: _sync_finished,
    Kind.SYNC_FAILED: _sync_failed,
    Kind.PRODUCTS_REJECTED: _rejected,
    Kind.PRODUCTS_FLAGGED: _flagged,
    Kind.PRODUCTS_APPROVED: _approved,
    Kind.APPEAL_ANSWERED: _appeal_answered,
    Kind.WORK_GAVE_UP: _gave_up,
    Kind.PROPOSALS_READY: _proposals,
    Kind.INVENTORY_READY: _inventory,
    Kind.INVENTORY_FAILED: _inventory_failed,
    Kind.WEBHOOK_SWITCHED_OFF: _switched_off,
}


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


# The pages where a seller acts, by their names; a deployment without one shows the notification itself.
_PAGES = {
    Kind.PRODUCTS_REJECTED: ("seller-products", "?tab=changes"),
    Kind.PRODUCTS_FLAGGED: ("seller-products", "?tab=review"),
    Kind.PRODUCTS_APPROVED: ("seller-products", "?tab=live"),
    Kind.WORK_GAVE_UP: ("seller-products", "?tab=changes"),
    Kind.APPEAL_ANSWERED: ("seller-appeals", ""),
    Kind.PROPOSALS_READY: ("seller-proposals", ""),
    Kind.INVENTORY_READY: ("seller-photos", ""),
    Kind.INVENTORY_FAILED: ("seller-photos", ""),
    Kind.WEBHOOK_SWITCHED_OFF: ("seller-webhooks", ""),
}


def _path(kind: Kind, notification: Notification) -> str:
    """Return the path that what was told names, else that of its kind's page."""
    given = str(notification.facts.get("path", ""))
    if given.startswith("/") and not given.startswith("//"):
        return given
    name, query = _PAGES.get(kind, ("", ""))
    try:
        return f"{reverse(name)}{query}"
    except NoReverseMatch:
        return reverse("seller-notification", args=[notification.pk])
