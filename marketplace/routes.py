"""Addresses of the API, which answer with and without their last slash."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.urls import URLPattern, path

Endpoint = tuple[str, str, str, Callable[..., Any]]


def api_paths(route: str, view: Callable[..., HttpResponseBase], *, name: str) -> list[URLPattern]:
    """Serve view at route, which ends in a slash, and at route without it; reversing gives the first."""
    return [path(route, view, name=name), path(route.rstrip("/"), view)]


def only_with_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Leave an address without the last slash out of the schema where its twin is in it."""
    paths = {endpoint[0] for endpoint in endpoints}
    return [endpoint for endpoint in endpoints if endpoint[0].endswith("/") or f"{endpoint[0]}/" not in paths]
