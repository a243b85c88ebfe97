"""Errors of the API as RFC 9457 problems (`application/problem+json`)."""

import json
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.settings import api_settings

from jobs.admission import TooManyJobs

CONTENT_TYPE = "application/problem+json"

# The codes of DRF's own exceptions; those of Souk's carry theirs.
CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ValidationError: "request.invalid",
    exceptions.ParseError: "request.malformed",
    exceptions.NotAuthenticated: "auth.missing",
    exceptions.AuthenticationFailed: "auth.invalid_key",
    exceptions.PermissionDenied: "auth.forbidden",
    exceptions.NotFound: "resource.not_found",
    exceptions.MethodNotAllowed: "request.method_not_allowed",
    exceptions.NotAcceptable: "request.not_acceptable",
    exceptions.UnsupportedMediaType: "request.unsupported_media_type",
    exceptions.Throttled: "rate.limited",
}
TITLES = {
    "request.invalid": "The request has fields that need your attention",
    "request.malformed": "The request cannot be read",
    "auth.missing": "No API key was given",
    "auth.invalid_key": "The API key is not known",
    "auth.forbidden": "This is not for you",
    "resource.not_found": "There is nothing here",
    "rate.limited": "Too many requests",
    "server.error": "Something went wrong on our side",
}


class Problem(exceptions.APIException):
    """An error with a status, a stable code and a title of its own."""

    status_code: int = status.HTTP_400_BAD_REQUEST
    code = "request.refused"
    title = "The request was refused"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail=detail or (self.__doc__ or "").partition("\n")[0], code=self.code)


class Refused(Problem):
    """More work is not accepted now."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    title = "Too much work waits"

    def __init__(self, refusal: TooManyJobs) -> None:
        self.code = refusal.code
        self.wait = refusal.retry_after_s
        super().__init__(str(refusal))


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; None leaves it to Django, which logs it and answers with 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    headers: dict[str, str] = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return Response(problem_body(error), status=error.status_code, headers=headers, content_type=CONTENT_TYPE)


def problem_body(error: exceptions.APIException) -> dict[str, Any]:
    """Describe an error as RFC 9457 asks, with our code and the errors of each field."""
    code = _code(error)
    body = _body(status_code=error.status_code, code=code, title=getattr(error, "title", ""))
    if isinstance(error, exceptions.ValidationError):
        body["errors"] = field_errors(error.get_full_details())
        count = len(body["errors"])
        body["detail"] = body["errors"][0]["detail"] if count == 1 else f"{count} fields need your attention."
    else:
        body["detail"] = str(error.detail)
    return body


def field_errors(details: Any, *, path: str = "") -> list[dict[str, str]]:
    """Flatten DRF's nested error details to [{pointer, field, code, detail}]."""
    if isinstance(details, list):
        return [
            found
            for position, item in enumerate(details)
            for found in field_errors(item, path=path if _is_leaf(item) else f"{path}/{position}")
        ]
    if not _is_leaf(details):
        return [
            found
            for name, item in details.items()
            for found in field_errors(
                item, path=path if name == api_settings.NON_FIELD_ERRORS_KEY else f"{path}/{name}"
            )
        ]
    field = path.strip("/").replace("/", ".")
    return [{"pointer": path, "field": field, "code": str(details["code"]), "detail": str(details["message"])}]


def _is_leaf(details: Any) -> bool:
    return isinstance(details, dict) and details.keys() == {"message", "code"} and isinstance(details["code"], str)


def _code(error: exceptions.APIException) -> str:
    if isinstance(error, Problem):
        return error.code
    for family, code in CODES.items():
        if isinstance(error, family):
            return code
    return "server.error" if error.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR else "request.refused"


def _body(*, status_code: int, code: str, title: str = "", detail: str = "") -> dict[str, Any]:
    return {
        "type": f"urn:souk:problem:{code}",
        "title": title or TITLES.get(code, HTTPStatus(status_code).phrase),
        "status": status_code,
        "detail": detail,
        "code": code,
        "errors": [],
    }


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _answer(status_code: int, code: str, detail: str) -> HttpResponse:
    body = _body(status_code=status_code, code=code, detail=detail)
    return HttpResponse(json.dumps(body), status=status_code, content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself found malformed."""
    if _is_api(request):
        return _answer(400, "request.malformed", "The request cannot be read.")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself forbade."""
    if _is_api(request):
        return _answer(403, "auth.forbidden", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that nobody serves."""
    if _is_api(request):
        return _answer(404, "resource.not_found", "No resource has this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a bug, without telling what it is; Django has logged it."""
    if _is_api(request):
        return _answer(500, "server.error", "The error was logged; try again later.")
    return defaults.server_error(request)
