"""Addresses: all spellings of one page have one form, and nothing else has it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from w3lib.url import canonicalize_url

from catalog.addresses import MAX_LENGTH, canonical_address, same_site, site_of
from marketplace.egress import AddressRefused

# RFC 3986, 5.4: references resolved against this base. Fragments go, a host's path is never empty, and http:g is read
# as 5.4.2 allows for the sake of old pages.
RFC_BASE = "http://a/b/c/d;p?q"
RFC_REFERENCES = [
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q"),
    ("g#s", "http://a/b/c/g"), ("g?y#s", "http://a/b/c/g?y"), (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
    ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"),
    ("../../", "http://a/"), ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"),
    ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"),
    ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"), ("g?y/./x", "http://a/b/c/g?y/./x"), ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("g#s/./x", "http://a/b/c/g"), ("g#s/../x", "http://a/b/c/g"), ("http:g", "http://a/b/c/g"),
    ("http:/g", "http://a/g"), ("http://g", "http://g/"), ("HTTPS://G/x", "https://g/x"),
]  # fmt: skip

OTHER_REFERENCES = [
    ("p/1", "https://shop.example", "https://shop.example/p/1"),
    ("p/1", "https://shop.example/c", "https://shop.example/p/1"),
    ("p/1", "https://shop.example/c/", "https://shop.example/c/p/1"),
    ("/p/1", "https://shop.example/c/?page=2#top", "https://shop.example/p/1"),
    ("?page=3", "https://shop.example/c?page=2", "https://shop.example/c?page=3"),
    ("?page=3", "https://shop.example/c/", "https://shop.example/c/?page=3"),
    ("#!/p/1", "https://shop.example/c", "https://shop.example/c#!/p/1"),
    ("  /p/1\n", "https://shop.example/", "https://shop.example/p/1"),
    ("/p\n/1", "https://shop.example/", "https://shop.example/p/1"),
    ("\\p\\1", "https://shop.example/", "https://shop.example/p/1"),
    ("//cdn.example/a", "https://shop.example/", "https://cdn.example/a"),
    ("\\\\cdn.example\\a", "https://shop.example/", "https://cdn.example/a"),
    ("///cdn.example/a", "https://shop.example/", "https://cdn.example/a"),
    ("https://other.example/x", "https://shop.example/", "https://other.example/x"),
    ("/käse", "https://shop.example/", "https://shop.example/k%C3%A4se"),
    ("/a b", "https://shop.example/", "https://shop.example/a%20b"),
    ("a:b/c", "https://shop.example/", None),
    ("./a:b/c", "https://shop.example/", "https://shop.example/a:b/c"),
    ("/a:b", "https://shop.example/", "https://shop.example/a:b"),
    ("?next=http://x/", "https://shop.example/c", "https://shop.example/c?next=http://x/"),
    ("..\\x", "https://shop.example/a/b/", "https://shop.example/a/x"),
    ("javascript:void(0)", "https://shop.example/", None),
    ("mailto:info@shop.example", "https://shop.example/", None),
    ("tel:+4912345", "https://shop.example/", None),
    ("data:text/html,x", "https://shop.example/", None),
    ("whatsapp://send?text=x", "https://shop.example/", None),
    ("g", "ftp://shop.example/", None),
    ("g", "not an address", None),
]

SPELLINGS = [
    # RFC 3986, 6.2.2.1 case
    ("HTTP://EXAMPLE.com/", "http://example.com/"),
    ("hTTpS://ShOp.ExAmPlE/A", "https://shop.example/A"),
    ("http://a/%c3%bc", "http://a/%C3%BC"),
    ("http://a/%3a", "http://a/%3A"),
    # 6.2.2.2 escapes of what needs none, and of what does
    ("http://a/%7Euser", "http://a/~user"),
    ("http://a/%41%42%30%2D%2E%5F%7E", "http://a/AB0-._~"),
    ("http://a/%61?%62=%63", "http://a/a?b=c"),
    ("http://a/%2F", "http://a/%2F"),
    ("http://a/a%2Fb", "http://a/a%2Fb"),
    ("http://a/%3F%23", "http://a/%3F%23"),
    ("http://a/%26?x=%26&y=%3d", "http://a/%26?x=%26&y=%3D"),
    ("http://a/%25", "http://a/%25"),
    ("http://a/%2541", "http://a/%2541"),
    ("http://a/%", "http://a/%25"),
    ("http://a/100%", "http://a/100%25"),
    ("http://a/%zz", "http://a/%25zz"),
    ("http://a/%4", "http://a/%254"),
    ("http://a/%%41", "http://a/%25A"),
    ("http://a/%00", "http://a/%00"),
    ("http://a/a b", "http://a/a%20b"),
    ("http://a/ü", "http://a/%C3%BC"),
    ("http://a/日本", "http://a/%E6%97%A5%E6%9C%AC"),
    ("http://a/😀", "http://a/%F0%9F%98%80"),
    ("http://a/\ud800", "http://a/%EF%BF%BD"),
    ('http://a/"<>`{}|^', "http://a/%22%3C%3E%60%7B%7D%7C%5E"),
    ("http://a/[x]", "http://a/%5Bx%5D"),
    ("http://a/!$&'()*+,;=:@", "http://a/!$&'()*+,;=:@"),
    ("http://a/a+b", "http://a/a+b"),
    ("http://a/a%2Bb", "http://a/a%2Bb"),
    ("http://a/?q=a+b", "http://a/?q=a+b"),
    ("http://a/?q=a%20b", "http://a/?q=a%20b"),
    ("http://a/?q=a b", "http://a/?q=a%20b"),
    ("http://a/?q=ü", "http://a/?q=%C3%BC"),
    ("http://a/?q='x'", "http://a/?q='x'"),
    ("http://a/?f[size]=1", "http://a/?f%5Bsize%5D=1"),
    ("http://a/?f%5bsize%5d=1", "http://a/?f%5Bsize%5D=1"),
    # 6.2.2.3 dot segments
    ("http://a/./b", "http://a/b"),
    ("http://a/b/../c", "http://a/c"),
    ("http://a/b/./../c/.", "http://a/c/"),
    ("http://a/b/..", "http://a/"),
    ("http://a/..", "http://a/"),
    ("http://a/../../b", "http://a/b"),
    ("http://a/%2e/b", "http://a/b"),
    ("http://a/b/%2E%2e/c", "http://a/c"),
    ("http://a/b/.%2e/c", "http://a/c"),
    ("http://a/...", "http://a/..."),
    ("http://a/.b/..c", "http://a/.b/..c"),
    ("http://a//b", "http://a//b"),
    ("http://a/b//../c", "http://a/b/c"),
    ("http://a/b/", "http://a/b/"),
    ("http://a/b", "http://a/b"),
    ("http://a/?x=/../y", "http://a/?x=/../y"),
    # 6.2.3 of the scheme
    ("http://a", "http://a/"),
    ("http://a?x=1", "http://a/?x=1"),
    ("http://a#x", "http://a/"),
    ("http://a:80/", "http://a/"),
    ("http://a:080/", "http://a/"),
    ("http://a:/", "http://a/"),
    ("https://a:443/", "https://a/"),
    ("http://a:443/", "http://a:443/"),
    ("https://a:80/", "https://a:80/"),
    ("http://a:8080/", "http://a:8080/"),
    ("http://a:65535/", "http://a:65535/"),
    ("http://a:0/", "http://a:0/"),
    # WHATWG: as people write
    ("  http://a/b  ", "http://a/b"),
    ("\x00\x1fhttp://a/b\x01", "http://a/b"),
    ("http://a/b\nc", "http://a/bc"),
    ("ht\ntp://a/", "http://a/"),
    ("http:\\\\a\\b\\c", "http://a/b/c"),
    ("http:\\\\a\\b?c\\d", "http://a/b?c%5Cd"),
    ("http:/a/b", "http://a/b"),
    ("http:a/b", "http://a/b"),
    ("http:////a/b", "http://a/b"),
    ("http:/\\/a", "http://a/"),
    # hosts
    ("http://Bücher.Example/", "http://xn--bcher-kva.example/"),
    ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ("http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/"),
    ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
    ("http://faß.example/", "http://xn--fa-hia.example/"),
    ("http://пример.рф/", "http://xn--e1afmkfd.xn--p1ai/"),
    ("http://例え.jp/", "http://xn--r8jz45g.jp/"),
    ("http://例え。jp/", "http://xn--r8jz45g.jp/"),
    ("http://ＥＸＡＭＰＬＥ.com/", "http://example.com/"),
    ("http://ex%41mple.com/", "http://example.com/"),
    ("http://example.com./", "http://example.com/"),
    ("http://a_b.example/", "http://a_b.example/"),
    ("http://a-.example/", "http://a-.example/"),
    ("http://127.0.0.1/", "http://127.0.0.1/"),
    ("http://127.1/", "http://127.0.0.1/"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
    ("http://0177.0.0.01/", "http://127.0.0.1/"),
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://0x7F000001/", "http://127.0.0.1/"),
    ("http://１２７.0.0.1/", "http://127.0.0.1/"),
    ("http://127.0.0.1./", "http://127.0.0.1/"),
    ("http://[::1]/", "http://[::1]/"),
    ("http://[0:0:0:0:0:0:0:1]:80/", "http://[::1]/"),
    ("http://[2001:DB8::0:1]:8080", "http://[2001:db8::1]:8080/"),
    ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    # queries
    ("http://a/?", "http://a/"),
    ("http://a/?&", "http://a/"),
    ("http://a/?b=2&a=1", "http://a/?a=1&b=2"),
    ("http://a/?b=1&a=2&b=0", "http://a/?a=2&b=1&b=0"),
    ("http://a/?a=1&&b=2&", "http://a/?a=1&b=2"),
    ("http://a/?a=", "http://a/?a="),
    ("http://a/?a", "http://a/?a"),
    ("http://a/?a=b=c", "http://a/?a=b=c"),
    ("http://a/?a=1;b=2", "http://a/?a=1;b=2"),
    ("http://a/?=x", "http://a/?=x"),
    ("http://a/?a?b", "http://a/?a?b"),
    ("http://a/?/p/12", "http://a/?/p/12"),
    ("http://a/?variant=42&utm_source=x", "http://a/?variant=42"),
    # fragments
    ("http://a/b#top", "http://a/b"),
    ("http://a/b#", "http://a/b"),
    ("http://a/#!/p/1", "http://a/#!/p/1"),
    ("http://a/#!a b", "http://a/#!a%20b"),
    ("http://a/b#/p/1", "http://a/b"),
    ("http://a/b?c#d?e", "http://a/b?c"),
    # sessions in paths
    ("http://a/b;jsessionid=0A1B2C?c=1", "http://a/b?c=1"),
    ("http://a/b.do;JSESSIONID=0A1B2C", "http://a/b.do"),
    ("http://a/b;v=1;jsessionid=0A", "http://a/b;v=1"),
    ("http://a/b;v=1", "http://a/b;v=1"),
    ("http://a/(S(lit3py55t21z5v55vlm25s55))/b.aspx", "http://a/b.aspx"),
    ("http://a/(S(short))/b.aspx", "http://a/(S(short))/b.aspx"),
]

TRACKERS = [
    "utm_source=x", "utm_medium=x", "utm_campaign=x", "utm_content=x", "utm_term=x", "utm_id=1", "UTM_Source=x",
    "utm%5Fsource=x", "utm_source", "gclid=x", "gclsrc=x", "dclid=x", "gbraid=x", "wbraid=x", "srsltid=x", "_ga=1.2",
    "_gl=1*x", "gad_source=1", "fbclid=x", "fb_action_ids=1", "igshid=x", "igsh=x", "msclkid=x", "yclid=1", "ysclid=x",
    "_openstat=x", "twclid=x", "ttclid=x", "li_fat_id=x", "epik=x", "rdt_cid=1", "ScCid=x", "mc_cid=x", "mc_eid=x",
    "_hsenc=x", "_hsmi=1", "hsa_cam=1", "mkt_tok=x", "_ke=x", "_kx=x", "vero_id=x", "pk_campaign=x", "mtm_source=x",
    "piwik_campaign=x", "matomo_kwd=x", "s_kwcid=x", "ef_id=x", "irclickid=x", "cjevent=x", "awc=1_2", "spm=a.b",
    "_pos=1", "_psq=x", "_ss=r", "_sid=x", "pr_prod_strat=x", "ref_=x", "ref_src=x",
    "PHPSESSID=1", "jsessionid=x", "CFID=1", "CFTOKEN=1", "osCsid=x", "zenid=x", "session_id=1",
    "sid=0123456789abcdef0123",
]  # fmt: skip

NAMES_OF_PAGES = [
    "id=1", "variant=1", "sku=utm_source", "ref=AB-12", "source=x", "sid=12", "p=2", "page=2", "q=gclid", "color=red",
    "utm=1", "product_id=1", "item=mc_cid", "lang=de", "currency=EUR", "offerid=x", "s=x", "session=2", "pk=12",
    "gaclid=1",
]  # fmt: skip

REFUSED = [
    "", " ", "/a", "a", "//a/b", "a.example/b", "http://", "https://", "http:", "http:///", "http://:80/", "http://?a",
    "ftp://a/", "file:///etc/passwd", "gopher://a/", "javascript:alert(1)", "mailto:a@b", "tel:1", "data:,x",
    "about:blank",
    "whatsapp://product/1/2", "ws://a/", "blob:http://a/b", "http://u@a/", "http://u:p@a/", "http://@a/", "http://a:b@c:d/",
    "http://a:65536/", "http://a:-1/", "http://a:x/", "http://a:8 0/", "http://a b/", "http://a<b/", "http://a^b/",
    "http://a|b/", "http://a%zz/", "http://a%00b/", "http://a%2Fb/", "http://a%40b/", "http://a..b/", "http://.a/", "http://../",
    "http://[::1/", "http://::1]/", "http://[::1]x/", "http://[1]/", "http://[fe80::1%25eth0]/", "http://[::g]/",
    "http://256.1.1.1/", "http://1.2.3.4.5/", "http://1.2.3.08/", "http://a.1/", "http://0x1ffffffff/", "http://1.2.65536/",
    f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/", f"http://a/{'b' * MAX_LENGTH}",
    f"http://a/{'ü' * 2000}",
    "http://xn--a/", "http://\u200b/", "http://a\u00adb\u2260/",
]  # fmt: skip


def test_the_tables_hold_more_than_two_hundred_addresses() -> None:
    references = len(RFC_REFERENCES) + len(OTHER_REFERENCES)
    assert references + len(SPELLINGS) + len(TRACKERS) + len(NAMES_OF_PAGES) + len(REFUSED) >= 300


@pytest.mark.parametrize(("reference", "resolved"), RFC_REFERENCES)
def test_a_reference_is_resolved_as_rfc_3986_shows(reference: str, resolved: str) -> None:
    assert canonical_address(reference, base=RFC_BASE) == resolved


@pytest.mark.parametrize(("reference", "base", "resolved"), OTHER_REFERENCES)
def test_a_link_of_a_page_is_resolved_as_browsers_do(reference: str, base: str, resolved: str | None) -> None:
    if resolved is None:
        with pytest.raises(AddressRefused):
            canonical_address(reference, base=base)
    else:
        assert canonical_address(reference, base=base) == resolved


@pytest.mark.parametrize(("address", "canonical"), SPELLINGS)
def test_all_spellings_of_a_page_have_one_form(address: str, canonical: str) -> None:
    assert canonical_address(address) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize("parameter", TRACKERS)
def test_a_parameter_that_follows_the_visitor_goes(parameter: str) -> None:
    assert canonical_address(f"http://a/b?z=1&{parameter}&c=2") == "http://a/b?c=2&z=1"
    assert canonical_address(f"http://a/b?{parameter}") == "http://a/b"


@pytest.mark.parametrize("parameter", NAMES_OF_PAGES)
def test_a_parameter_that_names_a_page_stays(parameter: str) -> None:
    assert canonical_address(f"http://a/b?{parameter}") == f"http://a/b?{parameter}"


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_no_address_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        canonical_address(address)


@pytest.mark.parametrize(
    "address",
    ["http://EXAMPLE.com/b?c=2&a=1#x", "https://shop.example:443/p", "http://bücher.example/ü?q=1", "http://a.example"],
)
def test_w3lib_agrees_where_it_looks(address: str) -> None:
    assert canonicalize_url(canonical_address(address)) == canonical_address(address)


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("http://example.com/", "https://www.example.com/x", True),
        ("http://shop.example.co.uk/", "http://www.example.co.uk/", True),
        ("http://a.co.uk/", "http://b.co.uk/", False),
        ("http://example.com/", "http://example.org/", False),
        ("http://example.com/", "http://badexample.com/", False),
        ("http://a.myshopify.com/", "http://b.myshopify.com/", False),
        ("http://a.myshopify.com/", "http://www.a.myshopify.com/", True),
        ("http://a.github.io/", "http://b.github.io/", False),
        ("http://example.com:8080/", "http://example.com/", True),
        ("http://EXAMPLE.com/", "http://example.com./", True),
        ("http://bücher.de/", "http://www.xn--bcher-kva.de/", True),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8002/", False),
        ("http://127.0.0.1:8001/a", "http://127.1:8001/b", True),
        ("http://localhost/", "http://localhost/x", True),
        ("http://[::1]:8001/", "http://[::1]:8002/", False),
        ("http://a.shop.test/", "http://b.shop.test/", False),
        ("http://co.uk/", "http://www.co.uk/", False),
    ],
)
def test_a_site_is_a_registrable_domain(one: str, other: str, are_one: bool) -> None:
    assert same_site(one, other) is are_one


def test_a_site_is_named_by_its_domain_or_its_place() -> None:
    assert site_of("https://www.shop.example.co.uk/x") == "example.co.uk"
    assert site_of("http://127.0.0.1:8001/x") == "127.0.0.1:8001"
    with pytest.raises(AddressRefused):
        site_of("mailto:a@b")


PIECES = st.text(alphabet="ahtp:/\\?#[]@%2eE.;&=_ utm()S0x1é。\ud800١ß\t\n!-+~^{}|'\"<>", max_size=50)
ADDRESSES = st.one_of(
    PIECES,
    PIECES.map("http://".__add__),
    PIECES.map("http://a.b/".__add__),
    st.text(max_size=40).map("http://".__add__),
)


@settings(max_examples=200, deadline=None)
@given(address=ADDRESSES, base=st.none() | ADDRESSES)
def test_a_canonical_address_is_its_own_canonical_form(address: str, base: str | None) -> None:
    try:
        canonical = canonical_address(address, base=base)
    except AddressRefused:
        return

    assert canonical_address(canonical) == canonical
    assert canonical.isascii()
    assert len(canonical) <= MAX_LENGTH
    assert same_site(canonical, canonical)


@pytest.mark.parametrize("piece", ["a", "/", "/..", "%", "&a", "http://", ".", ";sid=", "/(S(", "\\", "ü"])
def test_a_long_address_takes_no_time(piece: str) -> None:
    started = time.process_time()

    for length in (MAX_LENGTH - 10, 1_000_000):
        try:
            canonical_address(f"http://a/{piece * (length // len(piece))}"[:length])
            canonical_address(f"http://{piece * (length // len(piece))}"[:length])
        except AddressRefused:
            continue

    assert time.process_time() - started < 1
