"""JSON as pages write it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.extraction.json_text import Number, literals, read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": "1"}),
        ('{"a": 19.90}', {"a": "19.90"}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": [1, 2,],}', {"a": ["1", "2"]}),
        ('<!-- {"a": 1} -->', {"a": "1"}),
        ('//<![CDATA[\n{"a": 1}\n//]]>', {"a": "1"}),
        ('/* one */ {"a": 1 // two\n}', {"a": "1"}),
        ('{"a": "http://b.example/*c*/"}', {"a": "http://b.example/*c*/"}),
        ("{a: 'it\\'s', b: undefined, c: !0}", {"a": "it's", "b": None, "c": True}),
        ("{'a': 'say \"b\"'}", {"a": 'say "b"'}),
        ("{&quot;a&quot;: 1}", {"a": "1"}),
        ('{"a": NaN}', {"a": None}),
        ('{"a": 1};', {"a": "1"}),
        ("{1: 2}", {"1": "2"}),
        ("", None),
        ("none", None),
        ("{", None),
        ('{"a": 1}}', None),
    ],
)
def test_json_is_read_as_tolerantly_as_pages_write_it(text: str, value: Any) -> None:
    assert read_json(text) == value


def test_a_number_keeps_its_digits_and_differs_from_a_text() -> None:
    said = read_json('{"a": 34.000, "b": "34.000", "c": 123456789012345678901234567890}')

    assert (said["a"], type(said["a"]), type(said["b"])) == ("34.000", Number, str)
    assert said["c"] == "123456789012345678901234567890"


def test_the_literals_of_a_script_are_those_that_a_name_is_given() -> None:
    script = 'var x = {"a": 1}; window.dataLayer.push({event: "view", b: [1, 2]}); f(["c"]); y["key"] = {d: `e`};'

    assert list(literals(script)) == [
        {"a": "1"},
        {"event": "view", "b": ["1", "2"]},
        ["c"],
        {"d": "e"},
    ]


@given(st.text(max_size=80))
def test_any_text_is_json_or_nothing(text: str) -> None:
    read_json(text)
    list(literals(text))
