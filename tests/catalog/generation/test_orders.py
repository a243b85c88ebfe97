"""What may be asked for."""

from typing import Any

import pytest

from catalog.generation.orders import BadOrder, Kind, make_order


def test_all_is_each_kind_and_translations_where_languages_are_given() -> None:
    assert make_order(["all"], {}).kinds == (Kind.TITLE, Kind.DESCRIPTION, Kind.ATTRIBUTES)
    assert make_order(["all"], {"languages": ["de", "de"]}).kinds == tuple(Kind)
    assert make_order(["all"], {"languages": ["de", "de"]}).languages == ("de",)


@pytest.mark.parametrize(
    ("kinds", "parameters", "field"),
    [
        ([], {}, "kinds"),
        (["translation"], {}, "languages"),
        (["title"], {"languages": ["de"]}, "languages"),
        (["translation"], {"languages": ["xx"]}, "languages"),
        (["translation"], {"languages": ["de", "fr", "es", "it", "nl", "pt"]}, "languages"),
        (["title"], {"language": "tlh"}, "language"),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_field(
    kinds: list[str], parameters: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadOrder) as caught:
        make_order(kinds, parameters)
    assert caught.value.field == field


def test_an_order_comes_back_from_its_parameters() -> None:
    order = make_order(["translation", "title"], {"languages": ["fr"], "tone": "friendly", "language": "en"})
    assert make_order([str(kind) for kind in order.kinds], order.parameters) == order
