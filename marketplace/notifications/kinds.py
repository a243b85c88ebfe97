"""The kinds of what sellers are told. A kind's value is also the type of its webhook: dotted, and never changed."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a notification is about."""

    SYNC_FINISHED = "sync.finished"
    SYNC_FAILED = "sync.failed"
    PRODUCTS_REJECTED = "products.rejected"
    PRODUCTS_FLAGGED = "products.flagged"
    PRODUCTS_APPROVED = "products.approved"  # after a look by staff, or an appeal
    APPEAL_ANSWERED = "appeal.answered"
    WORK_GAVE_UP = "work.gave_up"  # products of which a dead letter needs the seller
    PROPOSALS_READY = "proposals.ready"
    INVENTORY_READY = "inventory.ready"
    INVENTORY_FAILED = "inventory.failed"
    WEBHOOK_SWITCHED_OFF = "webhook.switched_off"


class MailMode(StrEnum):
    """When a kind is mailed."""

    OFF = "off"
    INSTANT = "instant"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind is told: what settings call it, when it is mailed, whether a running sync's are told as one.

    Args:
        noun: what one of its subjects is.
    """

    label: str
    mail: MailMode
    waits_for_sync: bool = False
    noun: str = "product"


MANNERS: dict[Kind, Manner] = {
    Kind.SYNC_FINISHED: Manner("A sync has finished", MailMode.DIGEST),
    Kind.SYNC_FAILED: Manner("A sync has failed", MailMode.INSTANT),
    Kind.PRODUCTS_REJECTED: Manner("Products were rejected", MailMode.INSTANT, waits_for_sync=True),
    Kind.PRODUCTS_FLAGGED: Manner("Products wait for our review", MailMode.DIGEST, waits_for_sync=True),
    Kind.PRODUCTS_APPROVED: Manner("Products were approved after review", MailMode.DIGEST),
    Kind.APPEAL_ANSWERED: Manner("An appeal was answered", MailMode.INSTANT, noun="appeal"),
    Kind.WORK_GAVE_UP: Manner("Products could not be read", MailMode.INSTANT, waits_for_sync=True),
    Kind.PROPOSALS_READY: Manner("Proposals are ready", MailMode.DIGEST),
    Kind.INVENTORY_READY: Manner("An inventory is ready", MailMode.INSTANT, noun="photo sequence"),
    Kind.INVENTORY_FAILED: Manner("An inventory could not be made", MailMode.INSTANT, noun="photo sequence"),
    Kind.WEBHOOK_SWITCHED_OFF: Manner("A webhook was switched off", MailMode.INSTANT, noun="webhook"),
}
