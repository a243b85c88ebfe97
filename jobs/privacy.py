"""People's data in what jobs carry: masked wherever somebody looks, in logs, the admin and error messages.

This module needs neither database nor settings: logging uses it before there are any.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"

# Fields by the last words of their names: `email` stands for customer_email, customerEmail and E-Mail too.
PII = frozenset(
    """
    email mail email_address phone phone_number telephone tel mobile mobile_number msisdn fax whatsapp whatsapp_number
    password passwd pwd passphrase token secret api_key apikey private_key secret_key access_key encryption_key
    authorization cookie credentials
    address_line street street_address home_address billing_address shipping_address delivery_address postal_address
    postal_code postcode zip zip_code ip_address remote_addr
    first_name last_name full_name surname family_name given_name maiden_name
    date_of_birth birth_date birthday dob ssn social_security_number tax_id passport passport_number national_id
    card_number credit_card cvv cvc iban account_number
    """.split()  # noqa: SIM905 sixty lines of a name each would be read by nobody
)
# Shorter values are replaced as whole words only, or "a" would take every a.
MIN_LENGTH = 4
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_AUTHORIZATION = re.compile(r"(\bbearer\s+|\bauthorization\W{1,5}\w+\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def redacted(payload: Any, *, pii: Collection[str] = ()) -> Any:
    """Return a JSON value with people's data masked, however deep: fields by name, and e-mail addresses in texts.

    Names are compared by their last words, whatever their spelling: `email` masks customer_email and customerEmail.

    Args:
        payload: any JSON value; it is not changed.
        pii: the task's own fields, beside PII.
    """
    return _redacted(payload, frozenset(pii))


def redact_text(text: str, *, payload: Any = None, pii: Collection[str] = ()) -> str:
    """Return an error message or a traceback without the people's data that the payload carries.

    The values of its masked fields go wherever they occur, as do e-mail addresses and credentials in addresses.
    """
    if not text:
        return text
    folded = text.casefold()
    spellings = {
        spelling
        for value in set(_personal_values(payload, frozenset(pii)))
        for spelling in _spellings(value)
        if spelling.casefold() in folded  # so that a thousand values do not make a pattern of a thousand branches
    }
    if spellings:
        branches = map(_whole_word, sorted(spellings, key=len, reverse=True))
        text = re.sub("|".join(branches), MASK, text, flags=re.IGNORECASE)
    return scrubbed(text)


def scrubbed(text: str) -> str:
    """Return a text without e-mail addresses, passwords in addresses and Authorization values."""
    if "@" in text:
        text = _EMAIL.sub(MASK, _CREDENTIALS.sub(MASK, text))
    lowered = text.lower()
    if "bearer" in lowered or "authorization" in lowered:  # a tenth of what the pattern costs (measured, log lines)
        text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
    return text


def is_personal(name: str, *, pii: Collection[str] = ()) -> bool:
    """Tell whether a field of that name is masked."""
    return _is_personal(name, frozenset(pii))


@lru_cache(maxsize=4096)
def _is_personal(name: str, pii: frozenset[str]) -> bool:
    return _pattern(pii).search(_snake(name)) is not None


@lru_cache(maxsize=256)
def _pattern(pii: frozenset[str]) -> re.Pattern[str]:
    names = sorted({_snake(name) for name in PII | pii})
    return re.compile(rf"(?:^|_)(?:{'|'.join(map(re.escape, names))})(?:e?s)?(?:_?\d+)?$")


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _WORD_START.sub("_", name).lower()).strip("_")


def _redacted(value: Any, pii: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _masked(item) if _is_personal(str(name), pii) else _redacted(item, pii)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redacted(item, pii) for item in value]
    return scrubbed(value) if isinstance(value, str) else value


def _masked(value: Any) -> Any:
    """Mask a value; that there is none, or whether it is set, tells nothing of a person."""
    return value if value is None or isinstance(value, bool) or value in ("", [], {}) else MASK


def _personal_values(value: Any, pii: frozenset[str], *, is_inside: bool = False) -> Iterator[str]:
    """Yield the texts and numbers of masked fields."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            inside = is_inside or _is_personal(str(name), pii)
            yield from _personal_values(item, pii, is_inside=inside)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _personal_values(item, pii, is_inside=is_inside)
    elif is_inside and value is not None and not isinstance(value, bool):
        text = str(value).strip()
        if text:
            yield text


def _spellings(value: str) -> set[str]:
    """Return a value as it is, and as JSON, Python and URLs write it."""
    return {value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value), quote(value, safe="")}


def _whole_word(spelling: str) -> str:
    pattern = re.escape(spelling)
    return rf"(?<!\w){pattern}(?!\w)" if len(spelling) < MIN_LENGTH or spelling.isdigit() else pattern
