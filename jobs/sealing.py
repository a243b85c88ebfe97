"""Encryption at rest of what sensitive tasks carry: Fernet tokens in JSON columns and in texts.

A value is sealed where the ledger writes it and opened where it is used; whatever is not sealed passes through.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from jobs.errors import PermanentError

SEALED = "$sealed"
TEXT_PREFIX = "sealed:"
# Fernet's version byte and the high bytes of its time, in base64. Source: github.com/fernet/spec.
_TOKEN_START = "gAAAA"  # noqa: S105 how each token starts is no secret
_TEXT_START = TEXT_PREFIX + _TOKEN_START


class UnknownEncryptionKey(PermanentError):
    """It is encrypted under a key that JOB_ENCRYPTION_KEYS does not hold, or it was altered."""

    code = "jobs.unknown_encryption_key"


class NoEncryptionKey(PermanentError):
    """JOB_ENCRYPTION_KEYS holds no key to encrypt with."""

    code = "jobs.no_encryption_key"


def seal(value: Any) -> dict[str, str]:
    """Return the JSON value encrypted under the first key: `{"$sealed": "<token>"}`.

    A value that was sealed under one of the keys is returned as it is, so that a payload copied from a row
    is not sealed twice.

    Raises:
        NoEncryptionKey: there is no key (permanent).
    """
    if is_sealed(value) and _bytes_of(value[SEALED]) is not None:
        return value  # type: ignore[no-any-return]
    return {SEALED: _token_of(json.dumps(value, cls=DjangoJSONEncoder))}


def seal_text(text: str) -> str:
    """Return the text encrypted under the first key: `sealed:<token>`; an empty one as it is.

    Raises:
        NoEncryptionKey: there is no key (permanent).
    """
    if not text or (is_sealed_text(text) and _bytes_of(text.removeprefix(TEXT_PREFIX)) is not None):
        return text
    return TEXT_PREFIX + _token_of(text)


def opened(value: Any) -> Any:
    """Return the JSON value that was sealed; any other as it is.

    Raises:
        UnknownEncryptionKey: none of the keys opens it (permanent).
    """
    if not isinstance(value, dict) or SEALED not in value or not is_sealed(value):
        return value
    return json.loads(_opened_bytes(value[SEALED]))


def opened_or_sealed(value: Any) -> Any:
    """Return what `opened` returns; a value that no key opens as it is."""
    try:
        return opened(value)
    except UnknownEncryptionKey:
        return value


def opened_text(text: str) -> str:
    """Return the text that was sealed; any other as it is.

    Raises:
        UnknownEncryptionKey: none of the keys opens it (permanent).
    """
    if not text.startswith(_TEXT_START):
        return text
    return _opened_bytes(text.removeprefix(TEXT_PREFIX)).decode()


def is_sealed(value: Any) -> bool:
    """Tell whether a JSON value has the shape of a sealed one."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    token = value.get(SEALED)
    return isinstance(token, str) and token.startswith(_TOKEN_START)


def is_sealed_text(text: str) -> bool:
    """Tell whether a text has the shape of a sealed one."""
    return text.startswith(_TEXT_START)


def resealed(value: dict[str, str]) -> dict[str, str] | None:
    """Return a sealed JSON value encrypted under the first key; None when it is already.

    Raises:
        UnknownEncryptionKey: none of the keys opens it.
    """
    token = _resealed_token(value[SEALED])
    return None if token is None else {SEALED: token}


def resealed_text(text: str) -> str | None:
    """Return a sealed text encrypted under the first key; None when it is already.

    Raises:
        UnknownEncryptionKey: none of the keys opens it.
    """
    token = _resealed_token(text.removeprefix(TEXT_PREFIX))
    return None if token is None else TEXT_PREFIX + token


@dataclass(frozen=True, slots=True)
class _Keyring:
    first: Fernet
    all: MultiFernet


@lru_cache(maxsize=4)
def _keyring_of(keys: tuple[str, ...]) -> _Keyring | None:
    fernets = [Fernet(key) for key in keys]
    return _Keyring(first=fernets[0], all=MultiFernet(fernets)) if fernets else None


def _keyring() -> _Keyring | None:
    return _keyring_of(tuple(settings.JOB_ENCRYPTION_KEYS))


def _token_of(text: str) -> str:
    keyring = _keyring()
    if keyring is None:
        raise NoEncryptionKey
    return keyring.first.encrypt(text.encode(errors="backslashreplace")).decode()


def _opened_bytes(token: str) -> bytes:
    found = _bytes_of(token)
    if found is None:
        raise UnknownEncryptionKey
    return found


def _bytes_of(token: str) -> bytes | None:
    """Return what a token holds; None when no key opens it."""
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        return keyring.all.decrypt(token)
    except InvalidToken:
        return None


def _resealed_token(token: str) -> str | None:
    keyring = _keyring()
    if keyring is None:
        raise UnknownEncryptionKey
    try:
        keyring.first.decrypt(token)
    except InvalidToken:
        pass
    else:
        return None
    try:
        return keyring.all.rotate(token).decode()
    except InvalidToken:
        raise UnknownEncryptionKey from None
