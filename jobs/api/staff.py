"""What the staff's views have in common: who may look, who may act, and what a refusal looks like."""

from collections.abc import Sequence
from typing import Any, TypeVar

from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

Form = TypeVar("Form", bound=Serializer[Any])


class Refused(exceptions.APIException):
    """It cannot be done as things are."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class StaffMay(BasePermission):
    """Staff who may look look; only those who may change act."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the caller is staff and has what the view asks for."""
        if not request.user.is_staff:
            return False
        return request.user.has_perm(view.may_look if request.method in SAFE_METHODS else view.may_act)


class StaffView(APIView):
    """A view for staff, who are logged in to the admin."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [
        *APIView.authentication_classes,
        SessionAuthentication,
    ]
    permission_classes = [StaffMay]
    may_look = "jobs.view_job"
    may_act = "jobs.change_job"


def read(form: type[Form], request: Request) -> Form:
    """Return the request's data as `form`, valid."""
    filled = form(data=request.data)
    filled.is_valid(raise_exception=True)
    return filled


def actor_of(request: Request) -> str:
    """Return the name under which the audit log knows the caller."""
    return request.user.get_username()
