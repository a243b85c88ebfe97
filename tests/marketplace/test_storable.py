"""What PostgreSQL can keep of what others say."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.storable import storable_json, storable_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a lamp", "a lamp"), ("a\x00 lamp", "a lamp"), ("\ud83dé", "\ufffdé"), ("👍", "👍"), ("\x01", "\x01")],
)
def test_a_text_loses_what_cannot_be_kept(text: str, kept: str) -> None:
    assert storable_text(text) == kept


def test_names_are_texts_too_and_all_else_stays() -> None:
    assert storable_json({"a\x00": ["\x00b", {"c": "\udc00"}], "d": [1, 1.5, None, True]}) == {
        "a": ["b", {"c": "\ufffd"}],
        "d": [1, 1.5, None, True],
    }


@pytest.mark.django_db
@given(JSON)
@settings(max_examples=50)
def test_postgresql_keeps_what_it_is_given_then(value: Any) -> None:
    told = json.dumps(storable_json(value))
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [told])
        assert json.loads(cursor.fetchone()[0]) == json.loads(told)
