"""Mails with a way in, for whoever names an address: a task writes them, so that all get one answer, equally fast."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import Priority
from marketplace.links import absolute
from marketplace.notifications import mailing

# An address gets one mail of a kind in each, also while Redis, which counts who asks, is away: three a minute at most.
SLOT = timedelta(seconds=20)
SALT = "marketplace.accounts.asking"


def ask_for_login(email: str, *, now: datetime | None = None) -> None:
    """Have the links to a first login mailed to a clean address, if a seller is registered with it; once in a SLOT."""
    _ask("mail-login", email, now=now)


def ask_for_password(email: str, *, now: datetime | None = None) -> None:
    """Have a link to a new password mailed to a clean address, if a member logs in with it; once in a SLOT."""
    _ask("mail-new-password", email, now=now)


def _ask(task: str, email: str, *, now: datetime | None) -> None:
    slot = int((now or timezone.now()).timestamp() / SLOT.total_seconds())
    address = salted_hmac(SALT, email, algorithm="sha256").hexdigest()[:32]
    enqueue(NewJob(task, {"email": email}, priority=Priority.HIGH, key=f"{address}:{slot}"))


def mail_new_password(email: str) -> bool:
    """Mail the member whose login the address is a link to a new password; False when there is none.

    Staff reset theirs in the admin; who has no password yet gets one by an invitation.

    Raises:
        MailServerUnavailable, RecipientRefused, MailRefused: nothing was mailed.
    """
    user = User.objects.filter(username=email, is_active=True, is_staff=False).first()
    if user is None or not user.has_usable_password():
        return False
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    expires_at = timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    link = absolute(reverse("seller-reset-confirm", kwargs={"uidb64": uid, "token": token}))
    body = render_to_string("accounts/reset.txt", {"user": user, "link": link, "expires_at": expires_at})
    mailing.send(EmailMessage("A new password for Souk", body, to=[user.email]))
    return True
