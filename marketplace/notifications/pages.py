"""The sellers' pages of what they are told, and the page of a mail's link to unsubscribe."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.notifications.kinds import MANNERS, Kind, MailMode
from marketplace.notifications.models import Mail
from marketplace.notifications.reading import mark_read, notifications_of, subjects_told, unread_count
from marketplace.notifications.unsubscribing import (
    BadLink,
    mail_modes,
    opened_link,
    set_mail_mode,
    unsubscribe,
)
from marketplace.notifications.wording import label_of, noun_of, words_of
from marketplace.public_pages import public_page

PER_PAGE = 30
SUBJECTS_SHOWN = 200
MODE_LABELS = [(MailMode.INSTANT, "At once"), (MailMode.DIGEST, "In a daily mail"), (MailMode.OFF, "Not by mail")]


class MailModesForm(forms.Form):
    """When each kind is mailed."""

    def __init__(self, *args: object, modes: dict[Kind, MailMode], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for kind, mode in modes.items():
            self.fields[str(kind)] = forms.ChoiceField(
                label=MANNERS[kind].label, choices=MODE_LABELS, initial=mode, required=True
            )


@require_safe
@seller_page
def notifications_page(request: SellerRequest) -> HttpResponse:
    """List what the seller was told, newest first."""
    found = Paginator(notifications_of(request.seller.pk), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": found,
        "items": [(notification, words_of(notification)) for notification in found],
        "unread": unread_count(request.seller.pk),
        "newest": found[0].pk if found.number == 1 and len(found) else 0,
    }
    return render(request, "notifications/list.html", context)


@require_safe
@seller_page
def notification_page(request: SellerRequest, notification_id: int) -> HttpResponse:
    """Show one notification with what it is about; who has opened it has read it."""
    notification = get_object_or_404(notifications_of(request.seller.pk), pk=notification_id)
    mark_read(request.seller.pk, ids=[notification.pk])
    words = words_of(notification)
    subjects = subjects_told(notification, limit=SUBJECTS_SHOWN)
    context = {
        "notification": notification,
        "words": words,
        "subjects": [subject for subject in subjects if subject.get("title")],
        "more": max(0, notification.count - SUBJECTS_SHOWN),
        "noun": noun_of(notification.kind),
        "leads_on": words.path != request.path,
    }
    return render(request, "notifications/one.html", context)


@require_POST
@seller_page
def read_page(request: SellerRequest) -> HttpResponse:
    """Mark all as read that the list showed: what came since then stays unread."""
    up_to = request.POST.get("up_to", "")
    if up_to.isdigit() and len(up_to) < 19:
        mark_read(request.seller.pk, up_to=int(up_to))
        messages.success(request, "All of them are marked as read.")
    return redirect("seller-notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@seller_page
def mail_page(request: SellerRequest) -> HttpResponse:
    """Choose when each kind is mailed."""
    modes = mail_modes(request.seller.pk)
    form = MailModesForm(request.POST or None, modes=modes)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            for kind in Kind:
                set_mail_mode(request.seller.pk, kind, MailMode(form.cleaned_data[str(kind)]))
        messages.success(request, "Your choice is kept.")
        return redirect("seller-notification-preferences")
    latest = Mail.objects.filter(seller=request.seller).exclude(state=Mail.State.WAITING).first()
    context = {
        "form": form,
        "sends_mail": settings.SENDS_MAIL,
        "refused": latest if latest is not None and latest.state == Mail.State.GIVEN_UP else None,
    }
    return render(request, "notifications/mail_page.html", context)


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed token is what lets them
@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether a kind is to be mailed no more, and heed it; a GET, which programs make unasked, changes nothing."""
    try:
        subscription = opened_link(token)
    except BadLink:
        return render(request, "notifications/unsubscribe_bad.html", status=404)
    is_done = request.method == "POST"
    if is_done:
        unsubscribe(subscription)
    about = label_of(subscription.kind) if subscription.kind else ""
    context = {"about": about, "is_done": is_done, "preferences": reverse("seller-notification-preferences")}
    return render(request, "notifications/unsubscribe.html", context)
