"""Which bytes are which text."""

import codecs

import pytest

from catalog.streams.charsets import codec_of_mark, codec_of_zeros, guess_codec, text_codec


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("latin1", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("windows-1251", "cp1251"),
        ("Shift_JIS", "shift_jis"),
        ("GB18030", "gb18030"),
        ("KOI8-R", "koi8-r"),
        ("utf-16", "utf-16"),
        ("rot13", ""),
        ("zip", ""),
        ("idna", ""),
        ("punycode", ""),
        ("unicode_escape", ""),
        ("utf-7", ""),
        ("nonsense", ""),
        ("", ""),
        ("ü", ""),
        ("x" * 1000, ""),
        ("utf\x008", ""),
    ],
)
def test_only_charsets_are_codecs(name: str, codec: str) -> None:
    assert text_codec(name) == codec


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_a_mark_names_the_codec(codec: str) -> None:
    mark = "\ufeff".encode(codec)
    assert codec_of_mark(mark + "a".encode(codec)) == (codec, len(mark))
    assert codec_of_mark(b"plain") == ("", 0)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_zeros_tell_utf_16_without_a_mark(codec: str) -> None:
    assert codec_of_zeros("id;title\nGröße".encode(codec)) == codec
    assert codec_of_zeros(b"id;title\n1;a") == ""
    assert codec_of_zeros(bytes(100)) == ""


def test_letters_tell_the_charset() -> None:
    russian = "Название товара: кухонный стол из массива дуба, цвет белый\n" * 5
    assert codecs.lookup(guess_codec(russian.encode("cp1251"))).name == "cp1251"
    german = "Größe;Preis\nTür;12\nMädchen größer;3\n"
    assert german.encode("cp1252").decode(guess_codec(german.encode("cp1252"))) == german
    assert guess_codec(german.encode("cp1252")) == "cp1252"
