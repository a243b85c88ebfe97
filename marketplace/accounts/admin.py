"""Logins of sellers in the admin: who has one, who was asked, and the way to ask."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label
from marketplace.accounts.members import BadEmail, MailNotSent, invite_for_staff, remove_member
from marketplace.accounts.models import Invitation, SellerMember
from marketplace.models import Seller


class InvitesMembers:
    """What the admin of sellers knows of their logins."""

    @action(description="Mail a login…", permissions=["change"], url_path="invite", icon="mail")
    def invite_member(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason and mail a link to the seller's own address."""
        seller = Seller.objects.get(pk=object_id)
        back = reverse("admin:marketplace_seller_change", args=[seller.pk])
        reason = given_reason(request)
        if reason is None:
            effect = f"A link goes to {seller.email or '(no address yet)'}: who uses it may act for the seller."
            return ask_for_reason(
                request, self, [seller], action="seller", title="Mail a login", effect=effect, button="Mail", back=back
            )
        try:
            invite_for_staff(seller, actor=request.user.get_username(), reason=reason)
        except (BadEmail, MailNotSent) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"A link is on its way to {seller.email}.")
        return HttpResponseRedirect(back)


@admin.register(SellerMember)
class SellerMemberAdmin(ReadOnlyAdmin):
    """Who may act for sellers, and the way to end that."""

    list_display = ["user", "seller", "joined_at"]
    list_select_related = ["user", "seller"]
    search_fields = ["user__username", "seller__name"]
    actions = ["remove_selected"]

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Let those end it who may change memberships, although nobody edits one."""
        return request.user.has_perm("marketplace.change_sellermember")

    @admin.action(description="Remove…", permissions=["remove"])
    def remove_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Ask for a reason, and let the selected act for their sellers no more."""
        members = list(queryset)
        reason = given_reason(request)
        if reason is None:
            effect = "They see and do nothing for the seller any more; they may be invited again."
            return ask_for_reason(
                request, self, members, action="remove_selected", title="Remove logins", effect=effect, button="Remove"
            )
        for member in members:
            remove_member(member, actor=request.user.get_username(), reason=reason)
        messages.success(request, f"{len(members)} removed.")
        return None


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Links that were mailed."""

    list_display = ["email", "seller", "state_label", "invited_by", "created_at", "expires_at"]
    list_select_related = ["seller"]
    search_fields = ["email", "seller__name"]
    fields = ["email", "seller", "state_label", "invited_by", "created_at", "expires_at", "accepted_at"]
    readonly_fields = ["state_label"]

    @display(description="state")
    def state_label(self, invitation: Invitation) -> SafeString:
        """Show whether the link was used, or still can be."""
        if invitation.accepted_at is not None:
            return label("used", "success")
        return label("open", "info") if invitation.expires_at > timezone.now() else label("expired", None)
