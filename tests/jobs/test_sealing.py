"""What is sealed can be read with a key and not without one."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from jobs.checks import check_encryption_keys
from jobs.errors import PermanentError
from jobs.sealing import (
    NoEncryptionKey,
    UnknownEncryptionKey,
    is_sealed,
    is_sealed_text,
    opened,
    opened_text,
    resealed,
    resealed_text,
    seal,
    seal_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def keys(settings: Any) -> list[str]:
    """Three keys, the newest first; the settings know the first two."""
    made = [Fernet.generate_key().decode() for _ in range(3)]
    settings.JOB_ENCRYPTION_KEYS = made[:2]
    return made


@given(value=JSON)
def test_what_was_sealed_opens_as_it_was(value: Any) -> None:
    sealed = seal(value)
    assert is_sealed(sealed)
    assert opened(sealed) == value


@given(text=st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_text_that_was_sealed_opens_as_it_was(text: str) -> None:
    sealed = seal_text(text)
    assert is_sealed_text(sealed)
    assert opened_text(sealed) == text


def test_nothing_of_a_sealed_value_can_be_read() -> None:
    assert "4111" not in str(seal({"card": "4111 1111"}))
    assert "4111" not in seal_text("card 4111 1111 was declined")


def test_equal_values_are_sealed_differently() -> None:
    assert seal({"a": 1}) != seal({"a": 1})


@pytest.mark.parametrize(
    "value", [None, 1, "text", [], {}, {"a": 1}, {"$sealed": 1}, {"$sealed": "mine"}, {"$sealed": "gAAAA", "a": 1}]
)
def test_a_plain_value_passes_through(value: Any) -> None:
    assert opened(value) is value


@pytest.mark.parametrize("text", ["", "It broke.", "sealed: by whom?", "sealed:"])
def test_a_plain_text_passes_through(text: str) -> None:
    assert opened_text(text) is text


def test_what_is_sealed_already_is_not_sealed_twice() -> None:
    sealed, text = seal({"a": 1}), seal_text("It broke.")
    assert seal(sealed) is sealed
    assert seal_text(text) is text


def test_what_only_looks_sealed_is_sealed_like_anything_else() -> None:
    pretended = {"$sealed": "gAAAAABsomething"}
    assert opened(seal(pretended)) == pretended
    assert opened_text(seal_text("sealed:gAAAAABsomething")) == "sealed:gAAAAABsomething"


def test_an_empty_text_stays_empty() -> None:
    assert seal_text("") == ""


def test_the_first_key_encrypts_and_all_decrypt(keys: list[str], settings: Any) -> None:
    settings.JOB_ENCRYPTION_KEYS = [keys[1]]
    old = seal({"a": 1})
    settings.JOB_ENCRYPTION_KEYS = keys[:2]
    new = seal({"a": 2})
    assert (opened(old), opened(new)) == ({"a": 1}, {"a": 2})
    settings.JOB_ENCRYPTION_KEYS = [keys[0]]
    assert opened(new) == {"a": 2}
    with pytest.raises(UnknownEncryptionKey):
        opened(old)


def test_resealing_moves_to_the_first_key_what_is_not_there_yet(keys: list[str], settings: Any) -> None:
    settings.JOB_ENCRYPTION_KEYS = [keys[1]]
    value, text = seal({"a": 1}), seal_text("It broke.")
    settings.JOB_ENCRYPTION_KEYS = keys[:2]
    new_value, new_text = resealed(value), resealed_text(text)
    assert new_value
    assert new_text
    assert (resealed(new_value), resealed_text(new_text)) == (None, None)
    settings.JOB_ENCRYPTION_KEYS = [keys[0]]
    assert (opened(new_value), opened_text(new_text)) == ({"a": 1}, "It broke.")


def test_a_key_that_is_not_there_is_a_permanent_error_with_a_code(keys: list[str], settings: Any) -> None:
    settings.JOB_ENCRYPTION_KEYS = [keys[2]]
    value, text = seal({"a": 1}), seal_text("It broke.")
    for known in (keys[:2], []):
        settings.JOB_ENCRYPTION_KEYS = known
        for attempt in (lambda: opened(value), lambda: opened_text(text), lambda: resealed(value)):
            with pytest.raises(PermanentError) as raised:
                attempt()
            assert raised.value.code == "jobs.unknown_encryption_key"


def test_an_altered_token_does_not_open() -> None:
    token = seal({"a": 1})["$sealed"]
    altered = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    with pytest.raises(UnknownEncryptionKey):
        opened({"$sealed": altered})


def test_without_a_key_nothing_can_be_sealed(settings: Any) -> None:
    settings.JOB_ENCRYPTION_KEYS = []
    for attempt in (lambda: seal({"a": 1}), lambda: seal_text("It broke.")):
        with pytest.raises(NoEncryptionKey) as raised:
            attempt()
        assert raised.value.code == "jobs.no_encryption_key"


def test_a_sensitive_task_without_a_key_fails_the_check_by_name(settings: Any) -> None:
    assert check_encryption_keys() == []
    settings.JOB_ENCRYPTION_KEYS = []
    found = check_encryption_keys()
    assert [error.id for error in found] == ["jobs.E002"]
    assert "'keep-secret'" in found[0].msg
    assert "JOB_ENCRYPTION_KEYS" in found[0].msg
