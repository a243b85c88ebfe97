"""Logins to a seller's pages, over the API."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.members import BadEmail, MailNotSent, clean_email, invite
from marketplace.accounts.models import Invitation
from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.problems import Problem
from marketplace.serializers import StrictSerializer
from marketplace.throttling import take_token

MAILS_PER_MIN = 3  # of one seller


class MailAway(Problem):
    """The mail server did not take the mail. Try again in some minutes."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "login.mail_not_sent"
    title = "No mail was sent"
    wait = 60


class LoginSerializer(StrictSerializer):
    """Who is to get a login."""

    email = serializers.CharField(
        required=False, max_length=254, help_text="Where the link is mailed; by default to the seller's own address."
    )

    def validate_email(self, value: str) -> str:
        """Return the address in small letters."""
        try:
            return clean_email(value)
        except BadEmail as error:
            raise serializers.ValidationError(str(error), code="invalid_email") from error


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation that was mailed; the link stands in the mail alone."""

    class Meta:
        model = Invitation
        fields = ["email", "created_at", "expires_at"]


class LoginView(APIView):
    """Logins to the pages under /seller/."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="invite_member",
        request=LoginSerializer,
        responses={
            202: InvitationSerializer,
            503: OpenApiResponse(OpenApiTypes.OBJECT, "The mail server did not take the mail."),
        },
        tags=["sellers"],
    )
    def post(self, request: Request) -> Response:
        """Mail a link: who uses it may act for you on your pages. Nobody else is shown the link."""
        seller = calling_seller(request)
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        email = form.validated_data.get("email", seller.email)
        if not email:
            raise serializers.ValidationError({"email": "You gave no address when you registered: give one here."})
        taken = take_token(policy="invitations", subject=seller.tenant, per_minute=MAILS_PER_MIN)
        if taken is not None and not taken.is_allowed:
            raise Throttled(wait=taken.retry_after_s)
        try:
            invitation = invite(seller, email=email, invited_by="API key")
        except BadEmail as error:
            raise serializers.ValidationError({"email": str(error)}) from error
        except MailNotSent as error:
            raise MailAway(str(error)) from error
        return Response(InvitationSerializer(invitation).data, status=status.HTTP_202_ACCEPTED)
