"""People's data does not show where it need not."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from jobs.logs import JsonFormatter, TextFormatter
from jobs.privacy import MASK, is_personal, redact_text, redacted


@pytest.mark.parametrize(
    "name",
    [
        "email", "customer_email", "customerEmail", "E-Mail", "Email Address", "emails", "email2", "email_2",
        "phone", "phoneNumber", "billing-phone", "password", "passwords", "api_key", "apiKey", "APIKEY", "x-api-key",
        "Authorization", "accessToken", "client_secret", "street", "address_line_1", "addressLine2", "postal_code",
        "first_name", "iban", "date_of_birth", "billingAddress",
    ],
)  # fmt: skip
def test_a_field_is_personal_by_its_last_words(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize(
    "name", ["name", "title", "catalog_address", "product", "seller", "tokens_used", "emailed_at", "hotel", "secretary"]
)
def test_a_field_that_names_nobody_is_not(name: str) -> None:
    assert not is_personal(name)


def test_redacting_masks_by_name_however_deep_and_changes_nothing() -> None:
    payload = {
        "product": 7,
        "buyer": {"email": "a@b.example", "shipping_address": {"street": "1 Elm", "city": "X"}, "age": 40},
        "contacts": [{"phone": 15551234, "kind": "home"}],
        "has_token": True,
        "token": None,
        "password": "",
    }
    before = json.dumps(payload)
    assert redacted(payload) == {
        "product": 7,
        "buyer": {"email": MASK, "shipping_address": MASK, "age": 40},
        "contacts": [{"phone": MASK, "kind": "home"}],
        "has_token": True,
        "token": None,
        "password": "",
    }
    assert json.dumps(payload) == before


def test_a_task_names_fields_of_its_own() -> None:
    payload = {"guest": "Ada", "room": 12, "bookings": [{"mainGuest": "Grace"}]}
    assert redacted(payload, pii=("guest",)) == {"guest": MASK, "room": 12, "bookings": [{"mainGuest": MASK}]}
    assert redacted(payload) == payload


def test_an_email_address_in_a_note_is_masked_too() -> None:
    assert redacted({"note": "ask ada@example.com first"}) == {"note": f"ask {MASK} first"}


PAYLOAD = {"phone": "+1 555 0100", "password": "O'Brien\\n", "guest": "Zoë Straße", "pin": {"secret": 42}, "n": 1234}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no route to +1 555 0100 today", f"no route to {MASK} today"),
        (f"ValueError: {PAYLOAD['password']!r} is too short", f'ValueError: "{MASK}" is too short'),
        ("GET /?q=Zo%C3%AB%20Stra%C3%9Fe failed", f"GET /?q={MASK} failed"),
        ('{"guest": "Zo\\u00eb Stra\\u00dfe"}', f'{{"guest": "{MASK}"}}'),
        ("user zoë straße is unknown", f"user {MASK} is unknown"),
        ("code 42 is not 1423 or x42", f"code {MASK} is not 1423 or x42"),
        ("1234 items", "1234 items"),
        ("mail to ada.l+x@mail.example.com bounced", f"mail to {MASK} bounced"),
        ("redis://user:pass@db.example:6379/0 is away", f"redis://{MASK}@db.example:6379/0 is away"),
        ("Authorization: Bearer souk_abcd1234_x-Y", f"Authorization: Bearer {MASK}"),
        ("Bearer of bad news", "Bearer of bad news"),
        ("", ""),
    ],
)
def test_an_error_does_not_repeat_what_the_payload_hides(text: str, shown: str) -> None:
    assert redact_text(text, payload=PAYLOAD, pii=("guest",)) == shown


def test_redacting_a_long_text_for_many_values_ends() -> None:
    payload = {"emails": [f"user{number}@example.com" for number in range(1_000)]}
    text = "a" * 20_000 + " user77@example.com " + "a.b" * 5_000
    assert redact_text(text, payload=payload) == "a" * 20_000 + f" {MASK} " + "a.b" * 5_000


@pytest.fixture(params=[JsonFormatter, TextFormatter])
def line(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Format one record in either way."""

    def formatted(message: str, *arguments: Any, error: BaseException | None = None, **extra: Any) -> str:
        info = (type(error), error, None) if error else None
        record = logging.LogRecord("jobs", logging.INFO, __file__, 1, message, arguments, info)
        vars(record).update(extra)
        shown: str = request.param().format(record)
        return shown

    return formatted


def test_a_log_line_keeps_its_fields_and_hides_personal_ones(line: Callable[..., str]) -> None:
    shown = line("told %s", "ada@example.com", job=7, buyer_phone="555 0100", tried={"api_key": "k-1", "n": 3})
    for secret in ("ada@example.com", "555 0100", "k-1"):
        assert secret not in shown
    assert shown.count(MASK) == 3
    assert "7" in shown


def test_a_logged_traceback_hides_addresses(line: Callable[..., str]) -> None:
    shown = line("it broke", error=ValueError("no mailbox for ada@example.com"))
    assert f"ValueError: no mailbox for {MASK}" in shown
