"""rq-dashboard, run in this process behind the admin's login.

It is a Flask application with no notion of users. Here Django's session, CSRF check and audit log stand before it.
"""

import io
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.csrf import get_token
from django.urls import reverse
from flask import Flask
from rq.exceptions import NoSuchJobError
from rq.serializers import JSONSerializer
from rq_dashboard import default_settings, web
from werkzeug.test import run_wsgi_app

from jobs.models import Audit

# What rq-dashboard's own scripts read and send back as X-CSRFToken.
CSRF_COOKIE = "_csrf_token"
OTHER_REDIS = re.compile(r"[1-9]\d*/")
HOP_HEADERS = {"connection", "content-length", "set-cookie", "transfer-encoding"}


@lru_cache(maxsize=1)
def flask_application() -> Flask:
    """Build the Flask application, once."""
    web.config.serializer = JSONSerializer
    application = Flask(
        __name__,
        template_folder=str(settings.BASE_DIR / "templates" / "rq"),
        static_folder=str(Path(web.__file__).parent / "static"),
    )
    application.config.from_object(default_settings)
    application.config.update(
        RQ_DASHBOARD_REDIS_URL=settings.REDIS_URL,
        RQ_DASHBOARD_DISABLE_DELETE=True,
        RQ_DASHBOARD_POLL_INTERVAL=5000,
    )
    web.setup_rq_connection(application)
    application.register_blueprint(web.blueprint)
    application.register_error_handler(NoSuchJobError, _no_such_job)
    return application


def _no_such_job(error: Exception) -> tuple[str, int]:
    return "There is no such job in Redis. Permits leave it soon after they end; jobs stay on the ledger.", 404


@staff_member_required
def dashboard(request: HttpRequest, rest: str) -> HttpResponse:
    """Serve one request of rq-dashboard to staff; what changes something needs a permission and is audited."""
    if OTHER_REDIS.match(rest):
        raise Http404("there is one Redis, number 0")
    if request.method not in ("GET", "HEAD"):
        if not request.user.has_perm("jobs.change_job"):
            raise PermissionDenied
        Audit.objects.create(
            actor=request.user.get_username(), action=f"rq-dashboard {request.method}", subject=f"/{rest}"[:200]
        )
    elif rest.startswith("requeue/"):
        # rq-dashboard would requeue on GET as well: a link in a mail could do it.
        return HttpResponseNotAllowed(["POST"])
    body, status, headers = run_wsgi_app(flask_application(), wsgi_environment(request, rest), buffered=True)
    response = HttpResponse(b"".join(body), status=int(status.split(maxsplit=1)[0]))
    for name, value in headers.items():
        if name.lower() not in HOP_HEADERS:
            response[name] = value
    response.set_cookie(
        CSRF_COOKIE,
        get_token(request),
        path=reverse("rq-dashboard"),
        secure=settings.CSRF_COOKIE_SECURE,
        samesite="Strict",
    )
    return response


def wsgi_environment(request: HttpRequest, rest: str) -> dict[str, Any]:
    """Describe the request as WSGI does; under ASGI there is no such description to pass on.

    The body is left out: no page of rq-dashboard reads it.
    """
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": reverse("rq-dashboard").rstrip("/"),
        "PATH_INFO": f"/{rest}",
        "QUERY_STRING": request.META.get("QUERY_STRING", ""),
        "SERVER_NAME": request.get_host().rpartition(":")[0] or request.get_host(),
        "SERVER_PORT": request.get_port(),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": request.get_host(),
        "HTTP_ACCEPT": request.headers.get("Accept", "*/*"),
        "HTTP_IF_NONE_MATCH": request.headers.get("If-None-Match", ""),
        "HTTP_IF_MODIFIED_SINCE": request.headers.get("If-Modified-Since", ""),
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
