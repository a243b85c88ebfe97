"""Mail: composed of notifications when it is sent, by Django's backend."""

import smtplib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from marketplace.links import absolute
from marketplace.notifications.errors import MailRefused, MailServerUnavailable, RecipientRefused
from marketplace.notifications.models import Mail, Notification
from marketplace.notifications.unsubscribing import unsubscribe_path
from marketplace.notifications.wording import Words, label_of, words_of


def waiting_mail(mail_id: int) -> Mail | None:
    """Return the mail with its seller and notifications; None when it was sent, or is gone."""
    mails = Mail.objects.filter(pk=mail_id).exclude(state=Mail.State.SENT)
    return mails.select_related("seller").prefetch_related("notifications").first()


def compose(mail: Mail) -> EmailMultiAlternatives:
    """Write the mail as text and HTML.

    Its Message-ID names the row: a mail that is sent again after a crash is the same one to those who receive it.
    List-Unsubscribe and One-Click are those of RFC 8058; Auto-Submitted is RFC 3834's.
    """
    said = [(notification, words_of(notification)) for notification in mail.notifications.all()]
    kind = "" if mail.digest_on else _kind(mail)
    unsubscribe = absolute(unsubscribe_path(mail.seller_id, kind))
    subject = _subject(mail, [words for _, words in said])
    context = {
        "mail": mail,
        "subject": subject,
        "items": [_item(notification, words) for notification, words in said],
        "unsubscribe": unsubscribe,
        "about": label_of(kind) if kind else "",
        "preferences": absolute(reverse("seller-notification-preferences")),
    }
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("notifications/mail.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.to],
        headers={
            "Message-ID": f"<mail-{mail.pk}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(render_to_string("notifications/mail.html", context), "text/html")
    return message


def _kind(mail: Mail) -> str:
    return next((notification.kind for notification in mail.notifications.all()), "")


def _subject(mail: Mail, words: Collection[Words]) -> str:
    titles = [" ".join(it.title.split()) for it in words]
    if mail.digest_on is None:
        return titles[0] if titles else "Souk"
    return titles[0] if len(titles) == 1 else f"{len(titles)} things happened on Souk"


def _item(notification: Notification, words: Words) -> Mapping[str, Any]:
    examples = [example for example in notification.examples if example.get("title")]
    return {
        "notification": notification,
        "words": words,
        "link": absolute(words.path),
        "examples": examples,
        "more": max(0, notification.count - len(examples)) if examples else 0,
    }


def send(message: EmailMessage) -> None:
    """Hand the mail to the mail server.

    Raises:
        MailServerUnavailable: retryable.
        RecipientRefused, MailRefused: permanent.
    """
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        status, text = max(error.recipients.values())
        raise _refusal(status, text, RecipientRefused) from error
    except smtplib.SMTPAuthenticationError as error:  # ours to mend: what waits is sent then
        raise MailServerUnavailable(f"The mail server refuses our password: {error.smtp_code}") from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error, MailRefused) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailServerUnavailable(f"The mail server: {type(error).__name__}: {error}") from error


def _refusal(
    status: int, text: bytes | str, permanent: type[RecipientRefused | MailRefused]
) -> RecipientRefused | MailRefused | MailServerUnavailable:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    kind = permanent if status >= 500 else MailServerUnavailable
    return kind(f"The mail server answers {status} {said}"[:500], status_code=status)


def record_sent(mail_ids: Collection[int], *, now: datetime) -> None:
    """Note that mails were handed over."""
    Mail.objects.filter(pk__in=mail_ids).exclude(state=Mail.State.SENT).update(
        state=Mail.State.SENT, sent_at=now, error_code="", error_message=""
    )
