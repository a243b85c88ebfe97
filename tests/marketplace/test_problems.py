"""Every error of the API is a problem."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework import exceptions
from rest_framework.test import APIClient

from marketplace import api, problems
from marketplace.models import Seller


def assert_problem(answer: Any, *, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert body.keys() == {"type", "title", "status", "detail", "code", "errors"}
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:souk:problem:{code}")
    assert body["title"]
    assert body["detail"]
    return body


def test_an_address_of_nobody_is_a_problem_under_api_only(db: None) -> None:
    assert_problem(APIClient().get("/api/nothing/"), status=404, code="resource.not_found")
    assert Client().get("/nothing/")["Content-Type"].startswith("text/html")


def test_a_method_that_is_not_there(api: APIClient) -> None:
    answer = api.delete("/api/products/")
    assert_problem(answer, status=405, code="request.method_not_allowed")
    assert "GET" in answer["Allow"]


def test_a_body_that_cannot_be_read(api: APIClient) -> None:
    answer = api.patch("/api/sellers/me/", data="{broken", content_type="application/json")
    assert_problem(answer, status=400, code="request.malformed")
    answer = api.patch("/api/sellers/me/", data="<a/>", content_type="application/xml")
    assert_problem(answer, status=415, code="request.unsupported_media_type")
    answer = api.patch("/api/sellers/me/", data="[1]", content_type="application/json")
    assert_problem(answer, status=400, code="request.invalid")


def test_an_answer_in_a_form_that_nobody_writes(api: APIClient) -> None:
    assert_problem(api.get("/api/products/", headers={"accept": "text/csv"}), status=406, code="request.not_acceptable")


def test_a_bug_is_a_problem_that_tells_nothing(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("marketplace.syncs.start_sync", fail)
    answer = api.post("/api/sellers/me/syncs/")
    assert_problem(answer, status=500, code="server.error")
    assert "swordfish" not in answer.content.decode()


def test_a_host_that_is_not_ours_is_a_problem(db: None) -> None:
    answer = APIClient().get("/api/products/", headers={"host": "evil.example"})
    assert_problem(answer, status=400, code="request.malformed")
    assert Client().get("/", headers={"host": "evil.example"}).status_code == 400


def test_nested_errors_are_flattened_with_their_place() -> None:
    error = exceptions.ValidationError(
        {"items": [{}, {"name": ["Too long."]}], "non_field_errors": ["Both or none."], "code": ["Bad."]}
    )
    assert problems.field_errors(error.get_full_details()) == [
        {"pointer": "/items/1/name", "field": "items.1.name", "code": "invalid", "detail": "Too long."},
        {"pointer": "", "field": "", "code": "invalid", "detail": "Both or none."},
        {"pointer": "/code", "field": "code", "code": "invalid", "detail": "Bad."},
    ]


def test_a_problem_of_ours_has_its_docstring_for_a_detail() -> None:
    body = problems.problem_body(api_problem := api.NoCatalogAddress())
    assert body["detail"] == str(api_problem.detail) == api.NoCatalogAddress.__doc__
    assert (body["code"], body["title"]) == ("seller.no_catalog_address", "There is no catalog to read")


def test_forbidden_by_django_is_a_problem_under_api(rf: Any, db: None) -> None:
    assert_problem(_json(problems.forbidden(rf.get("/api/x/"), PermissionError())), status=403, code="auth.forbidden")
    assert problems.forbidden(rf.get("/x/"), PermissionError()).status_code == 403
    assert problems.server_error(rf.get("/x/")).status_code == 500


def _json(response: Any) -> Any:
    response.json = lambda: json.loads(response.content)
    return response


def test_sellers_view_rejects_get_without_touching_anything(db: None) -> None:
    assert_problem(APIClient().get("/api/sellers/"), status=405, code="request.method_not_allowed")
    assert not Seller.objects.exists()
