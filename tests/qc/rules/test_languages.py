"""The language of texts: little words tell it without the model."""

import pytest

from qc.rules import languages
from qc.rules.contract import ProductFacts


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A lamp of brass and linen, with a switch that you find on the cord."),
        ("de", "Eine Lampe aus Messing und Leinen, mit einem Schalter, der sich auf dem Kabel findet."),
        ("fr", "Une lampe en laiton et lin, avec un interrupteur sur le fil, pour les soirs où vous lisez."),
    ],
)
def test_little_words_tell_the_language(monkeypatch: pytest.MonkeyPatch, language: str, text: str) -> None:
    monkeypatch.setattr(languages, "_identifier", _no_model)

    assert languages.language_of(text) == language
    facts = ProductFacts(title="Lamp", description=text, shop_language=language)
    assert languages.language_is_not_the_shops.check(facts, {"sureness": 0.9}) is None


def _no_model() -> None:
    raise AssertionError("the model was asked")
