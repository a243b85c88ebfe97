"""Who may act for a seller on its pages, and who has been asked to."""

from django.conf import settings
from django.db import models

from marketplace.models import Seller


class SellerMember(models.Model):
    """A person who may act for a seller; one may act for several."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="seller_memberships")
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["seller", "user"], name="member_once_a_seller")]

    def __str__(self) -> str:
        return f"{self.user} for {self.seller}"


class Invitation(models.Model):
    """A link that was mailed: who uses it may act for the seller. Of the link itself only the SHA-256 is kept."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.email} for {self.seller}"
