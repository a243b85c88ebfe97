"""Records come one by one; what breaks is named, and nothing that a document holds can hurt."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.streams.xml_records import XmlBreak, XmlLimits, XmlRecord, XmlRecordReader

NAMES = frozenset({"url", "item", "entry"})


def read(data: bytes, *, chunk: int = 1_000, limits: XmlLimits | None = None) -> list[XmlRecord | XmlBreak]:
    reader = XmlRecordReader(NAMES, limits=limits)
    found: list[XmlRecord | XmlBreak] = []
    for at in range(0, len(data), chunk):
        found += reader.feed(data[at : at + chunk])
    return found + reader.close()


def texts(found: list[XmlRecord | XmlBreak]) -> list[str]:
    return [item.code if isinstance(item, XmlBreak) else item.fields[0].text for item in found]


@pytest.mark.parametrize("chunk", [1, 5, 64, 10_000])
def test_fields_have_paths_texts_and_namespaces(chunk: int) -> None:
    data = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
        b'<item n="1"><g:id> 7 </g:id><a:b><c x="y"/><c>&lt;</c></a:b></item></channel></rss>'
    )
    (record,) = read(data, chunk=chunk)
    assert isinstance(record, XmlRecord)
    assert (record.name, record.line, record.attributes, record.is_cut) == ("item", 3, {"n": "1"}, False)
    assert [(item.path, item.space, item.text, item.attributes) for item in record.fields] == [
        (("id",), "http://base.google.com/ns/1.0", "7", {}),
        (("b", "c"), "", "", {"x": "y"}),
        (("b", "c"), "", "<", {}),
        (("b",), "a", "", {}),
    ]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_told_by_its_bytes(codec: str) -> None:
    data = '<?xml version="1.0" encoding="utf-16"?><u><url><l>größe</l></url></u>'.encode(codec)
    assert texts(read(data, chunk=3)) == ["größe"]


def test_other_charsets_are_told_by_the_declaration() -> None:
    data = '<?xml version="1.0" encoding="windows-1251"?><u><url><l>стол</l></url></u>'.encode("cp1251")
    assert texts(read(data)) == ["стол"]
    data = b'<?xml version="1.0" encoding="rot13"?><u><url><l>a</l></url></u>'
    assert texts(read(data)) == ["a"]


@pytest.mark.parametrize("chunk", [1, 9, 10_000])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<url><l>1</l></url><url><l>2</l></ur><url><l>3</l></url>", ["1", "xml.broken", "3"]),
        ("<url><l>1</l></url><url><l>2</l><url><l>3</l></url>", ["1", "xml.unclosed", "3"]),
        ("<url><l>1</l></url><url a=b><l>2</l></url><url><l>3</l></url>", ["1", "xml.broken", "3"]),
        ("<url><l>1</l></url>< <url><l>2</l></url>", ["1", "xml.broken", "2"]),
        ("<url><l>1</l></url><url><l>2</l", ["1", "xml.broken"]),
    ],
)
def test_a_break_costs_one_record(body: str, expected: list[str], chunk: int) -> None:
    end = "" if body.endswith("</l") else "</urlset>"
    found = texts(read(f"<urlset>{body}{end}".encode(), chunk=chunk))
    assert [code.replace("cut_short", "broken") for code in found] == expected


def test_a_break_has_its_line() -> None:
    found = read(b"<u>\n<url><l>1</l></url>\n<url>\n</ur>\n\n<url><l>2</l></url>\n<url></x></u>")
    assert [item.line for item in found] == [2, 4, 6, 7]


def test_a_second_document_behind_the_first_is_read() -> None:
    assert texts(read(b"<u><url><l>1</l></url></u><u><url><l>2</l></url></u>")) == ["1", "2"]


def test_a_document_that_stops_gives_nothing_half() -> None:
    found = read(b"<u><url><l>1</l></url><url><l>https://shop.example/tru")
    assert texts(found) == ["1", "xml.cut_short"]
    assert isinstance(found[-1], XmlBreak)
    assert found[-1].is_final


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY lol "lol">]>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>',
        "<!DOCTYPE x [<!ATTLIST url a CDATA 'b'>]>",
    ],
)
def test_a_grammar_of_its_own_is_refused(doctype: str) -> None:
    found = read(f"{doctype}<u><url><l>&lol;&f;</l></url></u>".encode())
    assert texts(found) == ["xml.own_grammar"]


def test_a_grammar_that_is_only_named_is_not_fetched() -> None:
    found = read(b'<!DOCTYPE u SYSTEM "http://127.0.0.1:1/x.dtd"><u><url><l>&x;</l></url></u>')
    assert texts(found) == ["&x;"]


def test_a_page_is_no_document() -> None:
    assert texts(read(b"\n<!doctype html><html><url>")) == ["xml.is_html"]
    assert texts(read(b"")) == ["xml.no_xml"]
    assert texts(read(b"plain text")) == ["xml.broken"]


HOSTILE = {
    "a deep nest": [b"<u>"] + [b"<a>" * 20_000] * 30,
    "many names": [b"<u>"] + [b"".join(b"<a%d/>" % (n * 5_000 + i) for i in range(5_000)) for n in range(30)],
    "an endless tag": [b"<u><url "] + [b"a" * 65_536] * 60,
    "an endless attribute": [b"<u><url a='"] + [b">" * 65_536] * 60,
    "an endless text": [b"<u><url><l>"] + [b"a" * 65_536] * 60,
    "an endless comment": [b"<u><!--"] + [b"a> -- " * 10_000] * 60,
    "an endless instruction": [b"<u><?a "] + [b"> ? " * 16_000] * 60,
    "an endless CDATA": [b"<u><url><l><![CDATA["] + [b"]>" * 32_000] * 60,
    "endless fields": [b"<u><url>"] + [b"<b></b>" * 1_000] * 20,
    "endless ampersands": [b"<u><url><l>"] + [b"&" * 65_536] * 2,
    "endless breaks": [b"<u>"] + [b"<url></a>" * 5_000] * 60,
    "endless unclosed records": [b"<u>"] + [b"<url><l>1</l>" * 5_000] * 60,
    "endless brackets": [b"<u>"] + [b"<" * 65_536] * 8,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_document_takes_more_memory_than_a_few_chunks(name: str) -> None:
    tracemalloc.start()
    reader = XmlRecordReader(NAMES, limits=XmlLimits(mended=100_000))
    found: list[XmlRecord | XmlBreak] = []
    for chunk in HOSTILE[name]:
        found += reader.feed(chunk)
    found += reader.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000
    assert found
    assert isinstance(found[-1], XmlBreak)


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    read(data, chunk=17)
    read(b"<urlset><url>" + data, chunk=17)


PARTS = [
    "<urlset>",
    "</urlset>",
    "<url>",
    "</url>",
    "<l>",
    "</l>",
    "x",
    "&",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<",
    "'",
]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.integers(1, 30))
def test_the_cut_makes_no_difference_to_records(parts: list[str], chunk: int) -> None:
    data = "".join(parts).encode()

    def records(found: list[XmlRecord | XmlBreak]) -> list[XmlRecord]:
        return [item for item in found if isinstance(item, XmlRecord)]

    assert records(read(data, chunk=chunk)) == records(read(data, chunk=10_000))
