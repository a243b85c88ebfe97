"""Which bytes are which text."""

import codecs
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.streams.charsets import codec_of_mark, codec_of_zeros, guess_codec, page_text, text_codec


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
        ("iso-2022-jp", "iso2022_jp"),
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


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"caf\xc3\xa9", "", "café"),
        (b"caf\xe9", "text/html; charset=iso-8859-1", "café"),
        (b"100 \x80", "text/html; charset=latin1", "100 €"),
        (b'<meta charset="windows-1252">caf\xe9', "text/html", '<meta charset="windows-1252">café'),
        (b'<meta charset="windows-1252">caf\xc3\xa9', "text/html;charset=utf-8", '<meta charset="windows-1252">café'),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "text/html; charset=latin1", "café"),
        ("\ufeffcafé".encode("utf-16-le"), "", "café"),
        (b"caf\xe9", "", "caf\ufffd"),
        (b"caf\xc3\xa9", "text/html; charset=base64", "café"),
        (b"caf\xc3\xa9", "text/html; charset=idna", "café"),
        (b"+ADw-script+AD4-", "text/html; charset=utf-7", "+ADw-script+AD4-"),
        (b'<meta charset="unicode_escape">\\x3c', "", '<meta charset="unicode_escape">\\x3c'),
    ],
)
def test_a_page_is_decoded_by_its_mark_its_header_or_itself(body: bytes, content_type: str, text: str) -> None:
    assert page_text(body, content_type) == text


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["", *sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values(), "idna", "undefined"})]
    ),
)
def test_no_charset_makes_a_page_raise(body: bytes, charset: str) -> None:
    page_text(body, f"text/html; charset={charset}")
    page_text(f"<meta charset={charset}>".encode() + body)
