"""XML as sites write it becomes XML as parsers read it, however it is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.streams.xml_mending import XmlMender

CASES = [
    ("<a>x</a>", "<a>x</a>", 0),
    ("?a=1&b=2", "?a=1&amp;b=2", 1),
    ("a & b", "a &amp; b", 1),
    ("&amp;&lt;&gt;&quot;&apos;", "&amp;&lt;&gt;&quot;&apos;", 0),
    ("&nbsp;&eacute;", "&#160;&#233;", 2),
    ("&AMP;", "&#38;", 1),
    ("&lol9;", "&amp;lol9;", 1),
    ("&#65;&#x41;&#X41;", "&#65;&#65;&#65;", 0),
    ("&#0;&#xFFFF;&#55296;&#1114112;", "", 4),
    ("&#xZ;", "&amp;#xZ;", 1),
    ("a\x00b\x0bc\ufffe", "abc", 3),
    ("<![CDATA[a&b&nbsp;]]>&c", "<![CDATA[a&b&nbsp;]]>&amp;c", 1),
    ("<![CDATA[]]><![CDATA[&]]>", "<![CDATA[]]><![CDATA[&]]>", 0),
    ("<a><!-- & <b> --></a>", "<a></a>", 0),
    ("<?xml version='1.0'?><a/>", "<a/>", 0),
    ("<!-- never closed", "", 0),
    ("&", "&amp;", 1),
    ("]]", "]]", 0),
    ("a < b", "a < b", 0),
]


@pytest.mark.parametrize(("text", "mended", "count"), CASES)
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_text_is_mended_however_it_is_cut(text: str, mended: str, count: int, chunk: int) -> None:
    mender = XmlMender()
    parts = [mender.feed(text[at : at + chunk]) for at in range(0, len(text), chunk)]
    parts.append(mender.feed("", is_last=True))
    assert ("".join(parts), mender.mended) == (mended, count)


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["&", "<", ">", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "&amp;", "&x;", "a", ";"]))
)
def test_the_cut_makes_no_difference(pieces: list[str]) -> None:
    whole = XmlMender()
    expected = whole.feed("".join(pieces), is_last=True)
    cut = XmlMender()
    got = "".join(cut.feed(piece) for piece in pieces) + cut.feed("", is_last=True)
    assert got == expected
