"""Unsubscribing by the link of a mail, without a login."""

from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.urls import reverse

from marketplace.notifications.kinds import MANNERS, Kind, MailMode
from marketplace.notifications.models import MailPreference, Notification

SALT = "marketplace.notifications.unsubscribe"


class BadLink(Exception):
    """The link was cut short or altered."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a mail's link stands for: a kind of a seller's mail, or the digest of all that is not mailed at once."""

    seller_id: int
    kind: Kind | None


def unsubscribe_path(seller_id: int, kind: str) -> str:
    """Return the path that ends the mailing of a kind to a seller; an empty kind stands for the digest.

    The link is signed and never expires: a mail may be read much later.
    """
    token = signing.dumps([seller_id, kind], salt=SALT)
    return reverse("unsubscribe", args=[token])


def opened_link(token: str) -> Subscription:
    """Return what a link's token stands for.

    Raises:
        BadLink: it is none of ours.
    """
    try:
        seller_id, kind = signing.loads(token, salt=SALT)
        return Subscription(int(seller_id), Kind(kind) if kind else None)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadLink from error


@transaction.atomic
def unsubscribe(subscription: Subscription) -> None:
    """Stop mailing what the subscription stands for; twice is as good as once."""
    for kind in [subscription.kind] if subscription.kind else _digested_kinds(subscription.seller_id):
        set_mail_mode(subscription.seller_id, kind, MailMode.OFF)


def set_mail_mode(seller_id: int, kind: Kind, mode: MailMode) -> None:
    """Mail a kind to a seller at once, by the day, or not at all; what waits for the day's mail follows."""
    MailPreference.objects.update_or_create(seller_id=seller_id, kind=kind, defaults={"mode": mode})
    if mode is MailMode.OFF:
        waiting = Notification.objects.filter(seller=seller_id, kind=kind, mail=None, mail_mode=MailMode.DIGEST)
        waiting.update(mail_mode=mode)


def mail_modes(seller_id: int) -> dict[Kind, MailMode]:
    """Return when each kind is mailed to a seller."""
    chosen = dict(MailPreference.objects.filter(seller=seller_id).values_list("kind", "mode"))
    return {kind: MailMode(chosen.get(kind, MANNERS[kind].mail)) for kind in Kind}


def _digested_kinds(seller_id: int) -> list[Kind]:
    return [kind for kind, mode in mail_modes(seller_id).items() if mode is MailMode.DIGEST]
