"""Members of sellers: an e-mail address gives access once the link that was mailed to it has been used, and not before.

A member's account is a Django user whose name is the e-mail address in small letters: so there is one for each
address, also when two people are first at the same instant.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.http import urlsafe_base64_encode

from jobs import audit
from jobs.errors import JobError
from marketplace.accounts.models import Invitation, SellerMember
from marketplace.links import absolute
from marketplace.models import Seller
from marketplace.notifications import mailing

HOLDS_FOR = timedelta(days=3)
MAX_SHOPS_A_MAIL = 10
SALT = "marketplace.accounts.members.invitation"
MAX_EMAIL_LENGTH = 150  # what the name of a Django user holds
NO_MAIL = "This marketplace sends no mail. Ask those who run it for a login or a new password."
TAKEN_BACK = "No mail was sent: the seller or the member was removed at this moment."


class BadEmail(ValueError):
    """This is no e-mail address that a login can have."""


class MailNotSent(Exception):
    """The mail server did not take the mail. Try again in some minutes."""


class AccountExists(Exception):
    """The e-mail address has a login already: log in with it first."""


class NotYours(Exception):
    """The invitation is for another e-mail address than the one that you are logged in with."""


def clean_email(email: str) -> str:
    """Return the address as accounts are named after it.

    Raises:
        BadEmail: it is none, or too long.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise BadEmail("Write a whole e-mail address, like name@shop.example.") from error
    if len(email) > MAX_EMAIL_LENGTH:
        raise BadEmail(f"An e-mail address for a login has at most {MAX_EMAIL_LENGTH} characters.")
    return email


def memberships_of(user: User) -> QuerySet[SellerMember]:
    """Find whom a person may act for, suspended sellers too, in the order of joining."""
    return SellerMember.objects.filter(user=user).select_related("seller")


def account_of(email: str) -> User | None:
    """Find the account of a clean address."""
    return User.objects.filter(username=email).first()


def invite(seller: Seller, *, email: str, invited_by: str, now: datetime | None = None) -> Invitation:
    """Mail a link to an address; who uses it within HOLDS_FOR may act for the seller.

    Args:
        seller: whom it is about.
        email: where the link goes; nobody else sees it.
        invited_by: who asked for it, for the record.
        now: the time; the present by default.

    Raises:
        BadEmail, MailNotSent: nothing is kept.
    """
    if not settings.SENDS_MAIL:
        raise MailNotSent(NO_MAIL)
    token = secrets.token_urlsafe(32)
    email = clean_email(email)
    try:
        mailed = _mail([seller], [token], email=email, invited_by=invited_by, now=now)
    except JobError as error:
        Invitation.objects.filter(token_sha256=_token_hash(token)).delete()
        raise MailNotSent((MailNotSent.__doc__ or "").strip()) from error
    if not mailed:
        raise MailNotSent(TAKEN_BACK)
    return mailed[0]


def invite_for_staff(seller: Seller, *, actor: str, reason: str) -> Invitation:
    """Mail a link to the seller's own address on behalf of staff, and leave an audit row.

    Call it outside a transaction: the row is there before the mail goes, which cannot be taken back, and nothing is
    locked while a mail server thinks.

    Raises:
        BadEmail, jobs.audit.ReasonMissing: nothing is kept.
        MailNotSent: the audit row is kept, of a try; no invitation is.
    """
    email = clean_email(seller.email)
    audit.record(actor=actor, action="invite seller", subject=f"seller {seller.pk}", reason=reason)
    return invite(seller, email=email, invited_by=f"staff {actor}")


def invite_registered(email: str, *, occasion: str) -> int:
    """Mail an address the links of the active sellers that are registered with it; return how many were mailed.

    Who asks must not learn whether there are any: a task calls it. For the same occasion it mails the same links.

    Raises:
        MailServerUnavailable, RecipientRefused, MailRefused: what was not mailed is of no use to anybody.
    """
    named = Seller.objects.filter(email__iexact=email, status=Seller.Status.ACTIVE).order_by("pk")
    sellers = list(named[:MAX_SHOPS_A_MAIL])
    if not sellers:
        return 0
    tokens = [_token_of(f"{occasion}:{seller.pk}:{email}") for seller in sellers]
    return len(_mail(sellers, tokens, email=email, invited_by="the address itself", now=None))


def _mail(
    sellers: Sequence[Seller], tokens: Sequence[str], *, email: str, invited_by: str, now: datetime | None
) -> list[Invitation]:
    """Keep the invitations that are not there yet, then mail their links: what arrives holds, killed in between too.

    Returns those whose links were mailed. Where a seller or a member is removed in between, their invitations are
    gone, and their links are not mailed; no mail goes without any.
    """
    expires_at = (now or timezone.now()) + HOLDS_FOR
    hashes = [_token_hash(token) for token in tokens]
    wanted = [
        Invitation(
            seller=seller, email=email, token_sha256=token_hash, invited_by=invited_by[:150], expires_at=expires_at
        )
        for seller, token_hash in zip(sellers, hashes, strict=True)
    ]
    Invitation.objects.bulk_create(wanted, ignore_conflicts=True)
    invitations = list(Invitation.objects.filter(token_sha256__in=hashes).order_by("seller_id"))
    if not invitations:
        return []
    kept = {it.token_sha256 for it in invitations}
    shops = [
        (seller.name, absolute(reverse("seller-join", args=[token])))
        for seller, token, token_hash in zip(sellers, tokens, hashes, strict=True)
        if token_hash in kept
    ]
    context = {"shops": shops, "expires_at": min(it.expires_at for it in invitations)}
    mailing.send(EmailMessage("Your login to Souk", render_to_string("accounts/invitation.txt", context), to=[email]))
    return invitations


def open_invitation(token: str, *, now: datetime | None = None) -> Invitation | None:
    """Find the invitation of a link that still holds: not used, not expired, its seller not suspended."""
    found = Invitation.objects.filter(
        token_sha256=_token_hash(token),
        accepted_at=None,
        expires_at__gt=now or timezone.now(),
        seller__status=Seller.Status.ACTIVE,
    )
    return found.select_related("seller").first()


@transaction.atomic
def join(invitation: Invitation, *, user: User, now: datetime | None = None) -> SellerMember:
    """Make the account of the invited address a member; a second time it is one already.

    Raises:
        NotYours: the account is another address's.
    """
    if user.username != invitation.email:
        raise NotYours
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now or timezone.now())
    member, _ = SellerMember.objects.get_or_create(seller=invitation.seller, user=user)
    return member


def join_as_new(invitation: Invitation, *, user: User) -> SellerMember:
    """Create the account of the invited address, whose password is set, and make it a member.

    Raises:
        AccountExists: somebody was first; nothing is changed.
    """
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            return join(invitation, user=user)
    except IntegrityError as error:
        raise AccountExists from error


@transaction.atomic
def add_member(seller: Seller, *, email: str, password: str, actor: str) -> SellerMember:
    """Let an address act for a seller without a mail, on behalf of who runs Souk, and leave an audit row.

    An address without an account gets one with this password; one that has an account keeps its own.

    Raises:
        BadEmail: no account can have the address.
        ValidationError: the password is too weak.
    """
    email = clean_email(email)
    user = account_of(email)
    if user is None:
        user = User(username=email, email=email)
        validate_password(password, user)
        user.set_password(password)
        user.save(force_insert=True)
    audit.record(actor=actor, action="add member", subject=f"seller {seller.pk}, {email}", reason="by command")
    return SellerMember.objects.get_or_create(seller=seller, user=user)[0]


@transaction.atomic
def remove_member(member: SellerMember, *, actor: str, reason: str) -> None:
    """Let a person act for a seller no more, on behalf of staff, and leave an audit row; open links go too.

    Raises:
        ReasonMissing: the reason is empty.
    """
    who, seller = member.user.get_username(), member.seller_id
    Invitation.objects.filter(seller=seller, email=who, accepted_at=None).delete()
    member.delete()
    audit.record(actor=actor, action="remove member", subject=f"seller {seller}, {who}", reason=reason)


def new_account(invitation: Invitation) -> User:
    """Return the account that the invited address will have, not stored yet."""
    return User(username=invitation.email, email=invitation.email)


def _token_of(occasion: str) -> str:
    """Return the token of an occasion, which nobody can know without SECRET_KEY."""
    return urlsafe_base64_encode(salted_hmac(SALT, occasion, algorithm="sha256").digest())


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
