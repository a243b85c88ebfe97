"""The rules of robots.txt: RFC 9309's own examples, the ideas of Google's tests, and what sites really write."""

import re
import time
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protego import Protego

from catalog.robots_rules import MAX_CRAWL_DELAY_S, MAX_SITEMAPS, parse_rules, target_of

SITE = "https://shop.example"
US = "User-agent: SoukBot\n"
ALL = "User-agent: *\n"

# A robots.txt, the paths that we may read, and those that we may not. Protego reads all of these alike.
AGREED: list[tuple[str, str, str]] = [
    # no rules
    ("", "/ /a /a?b /robots.txt", ""),
    ("\n\n# nothing\n", "/ /a", ""),
    ("hello\nworld: no\n", "/ /a", ""),
    (US, "/ /a", ""),
    (US + "Disallow:\n", "/ /a", ""),
    (US + "Allow:\n", "/ /a", ""),
    ("Disallow: /\n", "/ /a", ""),
    ("Disallow: /\n" + US + "Disallow: /a\n", "/ /b", "/a"),
    # all and nothing; robots.txt itself may always be read
    (US + "Disallow: /\n", "/robots.txt", "/ /a /a/b?c"),
    (ALL + "Disallow: /\n", "/robots.txt", "/ /a"),
    (US + "Allow: /\n", "/ /a", ""),
    (US + "Disallow: /\nAllow: /\n", "/ /a", ""),
    (US + "Allow: /\nDisallow: /\n", "/ /a", ""),
    # whose group it is
    (US + "Disallow: /a\n\n" + ALL + "Disallow: /b\n", "/b /c", "/a"),
    (ALL + "Disallow: /b\n\n" + US + "Disallow: /a\n", "/b /c", "/a"),
    (US + "Disallow:\n\n" + ALL + "Disallow: /\n", "/ /a", ""),
    ("User-agent: OtherBot\nDisallow: /\n", "/ /a", ""),
    ("User-agent: OtherBot\nDisallow: /\n\n" + ALL + "Disallow: /b\n", "/a", "/b"),
    ("User-agent: SoukBotImage\nDisallow: /\n", "/a", ""),
    ("User-agent: SoukBot-Image\nDisallow: /\n", "/a", ""),
    ("User-agent: Bot\nDisallow: /\n", "/a", ""),
    ("User-agent: MySoukBot\nDisallow: /\n", "/a", ""),
    ("user-agent: soukbot\ndisallow: /a\n", "/b", "/a"),
    ("USER-AGENT: SOUKBOT\nDISALLOW: /a\n", "/b", "/a"),
    ("User-Agent:SoukBot\nDisallow:/a\n", "/b", "/a"),
    ("  User-agent :  SoukBot  \n\t Disallow\t:\t/a \n", "/b", "/a"),
    (US + "User-agent: OtherBot\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: OtherBot\n" + US + "Disallow: /a\n", "/b", "/a"),
    ("User-agent: OtherBot\n\n# one group still\n\n" + US + "Disallow: /a\n", "/b", "/a"),
    (ALL + US + "Disallow: /a\n", "/b", "/a"),
    (US + "Disallow: /a\nUser-agent: OtherBot\nDisallow: /b\n", "/b", "/a"),
    (US + "Disallow: /a\n" + US + "Disallow: /b\n", "/c", "/a /b"),
    (US + "Disallow: /a\n\nUser-agent: X\nDisallow: /x\n\n" + US + "Disallow: /b\n", "/c /x", "/a /b"),
    (ALL + "Disallow: /a\n\n" + ALL + "Disallow: /b\n", "/c", "/a /b"),
    (US + "\n\nDisallow: /a\n\n\nDisallow: /b\n", "/c", "/a /b"),
    ("User-agent:\nDisallow: /a\n", "/a", ""),
    # RFC 9309, 5.1 (its first and third groups are for us)
    (
        "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n"
        "User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n"
        "User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n",
        "/ /publications/ /publications/x /a.gif?x /gif",
        "/a.gif /b/c.gif /example/ /example/page.html",
    ),
    # RFC 9309, 5.2: the longest match
    (
        US + "Allow: /example/page/\nDisallow: /example/page/disallowed.gif\n",
        "/example/page/ /example/page/a.gif /other",
        "/example/page/disallowed.gif",
    ),
    (US + "Disallow: /x/page.html\nAllow: /x/\n", "/x/ /x/a", "/x/page.html"),
    (US + "Allow: /x/page.html\nDisallow: /x/\n", "/x/page.html /x", "/x/ /x/other.html"),
    (US + "Disallow: /\nAllow: /x/page.html\n", "/x/page.html", "/page.html /x/page"),
    (US + "Allow: /x/\nDisallow: /x/\n", "/x/ /x/a", ""),
    (US + "Disallow: /x/\nAllow: /x/\n", "/x/ /x/a", ""),
    (US + "Allow: /p\nDisallow: /\n", "/page /p", "/x"),
    (US + "Allow: /folder\nDisallow: /folder\n", "/folder/page", ""),
    (US + "Allow: /$\nDisallow: /\n", "/", "/page.htm"),
    (US + "Disallow: /x\nAllow: /x/y\nDisallow: /x/y/z\n", "/x/y /x/y/a", "/x /x/a /x/y/z"),
    # prefixes, cases
    (US + "Disallow: /fish\n", "/Fish.asp /catfish /?id=fish /desert/fish", "/fish /fish.html /fish/salmon /fishheads"),
    (US + "Disallow: /fish/\n", "/fish /fish.html /animals/fish/ /Fish/Salmon", "/fish/ /fish/?id=1 /fish/salmon.htm"),
    (US + "Disallow: /X/\n", "/x/ /x/y", "/X/ /X/y"),
    (US + "Disallow: a\n", "/a /ba", ""),
    (US + "Disallow: shop.example/a\n", "/a", ""),
    (US + "Disallow: https://shop.example/a\n", "/a", ""),
    (US + "Disallow: /a/../b\n", "/b /a", ""),
    (US + "Disallow: //a\n", "/a", "//a //a/b"),
    # * and $
    (US + "Disallow: /fish*\n", "/Fish /catfish", "/fish /fish.html /fish/1"),
    (US + "Disallow: *\n", "/robots.txt", "/ /a"),
    (US + "Disallow: /*\n", "/robots.txt", "/ /a"),
    (US + "Disallow: *fish\n", "/", "/fish /catfish /a/fish/b"),
    (US + "Disallow: /*.php\n", "/ /windows.PHP /php", "/a.php /a/b.php?c /a.php/ /a.php5 /index?a.php"),
    (US + "Disallow: /*.php$\n", "/a.php?b /a.php/ /a.php5 /windows.PHP /a?php", "/a.php /a/b.php"),
    (US + "Disallow: /fish*.php\n", "/Fish.PHP /x.php", "/fish.php /fishheads/catfish.php?parameters"),
    (US + "Disallow: /a**b\n", "/a", "/ab /axb /axxb/c"),
    (US + "Disallow: /a*b*c\n", "/acb /abd", "/abc /axbyc /axbycz"),
    (US + "Disallow: /a*b*c$\n", "/abcd /abc?d", "/abc /axbyc /abcc /abcbc"),
    (US + "Disallow: /*/*/\n", "/ /a /a/ /a/b", "/a/b/ /a/b/c //a/ /a//"),
    (US + "Disallow: /$\n", "/a /?a", "/"),
    (US + "Disallow: /a$\n", "/ab /a/ /a?b", "/a"),
    (US + "Disallow: /a*$\n", "/b", "/a /ab /a/b?c"),
    (US + "Disallow: /*?\n", "/ /a", "/a?b /?a /a?"),
    (US + "Disallow: /*?*b=\n", "/a?c /a", "/a?b=1 /a?c=1&b=2"),
    (US + "Disallow: /*?$\n", "/a /a?b", "/a?"),
    (US + "Disallow: /a*a\n", "/a /ab", "/aa /aba /abab"),
    (US + "Disallow: /a*a$\n", "/a /aab", "/aa /aba"),
    (US + "Disallow: /p/*/x\nAllow: /p/shop/x\n", "/p/shop/x /p/x", "/p/a/x /p/shopx/x"),
    (US + "Disallow: /page\nAllow: /*.htm\n", "/page.htm /a.htm", "/page /pageb"),
    (US + "Allow: /page\nDisallow: /*.htm\n", "/page", "/page.htm"),
    (US + "Allow: /page\nDisallow: /*.ph\n", "/page /page.ph /page.php5", "/x.php5"),
    # escapes: RFC 9309, 2.2.2
    (US + "Disallow: /foo/bar?baz=quz\n", "/foo/bar", "/foo/bar?baz=quz"),
    (US + "Disallow: /foo/bar/ツ\n", "/foo/bar/", "/foo/bar/ツ /foo/bar/%E3%83%84 /foo/bar/%e3%83%84"),
    (US + "Disallow: /foo/bar/%E3%83%84\n", "/foo/bar/", "/foo/bar/ツ /foo/bar/%E3%83%84"),
    (US + "Disallow: /foo/bar/%62%61%7A\n", "/foo/bar/", "/foo/bar/baz /foo/bar/%62%61%7A /foo/bar/b%61z"),
    (US + "Disallow: /foo/bar/baz\n", "/foo/bar/", "/foo/bar/%62%61%7A"),
    (US + "Disallow: /a%2a\n", "/ab /a", "/a* /a%2A /a*b"),
    (US + "Disallow: /a%24\n", "/a /ab", "/a$ /a%24 /a$b"),
    (US + "Disallow: /a$b\n", "/a", "/a$b /a%24b"),
    (US + "Disallow: /%7Ejoe/\n", "/joe/", "/~joe/ /%7Ejoe/ /%7ejoe/"),
    (US + "Disallow: /~joe/\n", "/joe/", "/~joe/ /%7Ejoe/"),
    (US + "Disallow: /a%3cd.html\n", "/a", "/a%3cd.html /a%3Cd.html /a<d.html"),
    (US + "Disallow: /a b\n", "/a /ab", "/a%20b"),
    (US + "Disallow: /käse\n", "/kase", "/k%C3%A4se /käse/1"),
    (US + "Disallow: /a%\n", "/a", "/a%25"),
    (US + "Disallow: /a,b\n", "/a", "/a,b /a%2Cb"),
    (US + "Disallow: /a?b=c&d\n", "/a?b", "/a?b=c&d /a?b=c&de"),
    # comments, line ends, marks
    (US + "Disallow: /a # not this\n", "/b", "/a /ab"),
    (US + "Disallow: /a#b\n", "/b", "/a"),
    ("# Disallow: /\n" + US + "#Disallow: /b\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: SoukBot # us\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: SoukBot\r\nDisallow: /a\r\n", "/b", "/a"),
    ("User-agent: SoukBot\rDisallow: /a\r", "/b", "/a"),
    ("User-agent: SoukBot\r\n\r\n\r\nDisallow: /a", "/b", "/a"),
    (US + "Disallow: /a", "/b", "/a"),
    # names misspelt, colons missing, other records between
    (US + "Dissallow: /a\nDisalow: /b\nDiasllow: /c\nDisallaw: /d\nDissalow: /e\n", "/f", "/a /b /c /d /e"),
    ("User agent: SoukBot\nDisallow: /a\n", "/b", "/a"),
    ("Useragent: SoukBot\nDisallow: /a\n", "/b", "/a"),
    ("User-agent SoukBot\nDisallow /a\n", "/b", "/a"),
    (US + "Sitemap: https://shop.example/s.xml\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: OtherBot\nSitemap: https://shop.example/s.xml\n" + US + "Disallow: /a\n", "/b", "/a"),
    (US + "Crawl-delay: 5\nDisallow: /a\n", "/b", "/a"),
    (US + "Disallow: /a\nHost: shop.example\nDisallow: /c\n", "/b", "/a /c"),
    (US + "Noindex: /n\nClean-param: x /\nDisallow: /a\n", "/b /n", "/a"),
    (US + "Disallow: /a\nDisallow: /a\n", "/b", "/a"),
    # as big shop systems write them
    (
        ALL + "Disallow: /admin\nDisallow: /cart\nDisallow: /orders\nDisallow: /checkouts/\nDisallow: /carts\n"
        "Disallow: /collections/*sort_by*\nDisallow: /*/collections/*sort_by*\nDisallow: /collections/*+*\n"
        "Disallow: /collections/*%2B*\nDisallow: /collections/*%2b*\nDisallow: /blogs/*+*\n"
        "Disallow: /*?*oseid=*\nDisallow: /*preview_theme_id*\nDisallow: /search\n"
        "\nUser-agent: AhrefsBot\nCrawl-delay: 10\nDisallow: /\n",
        "/ /collections/all /products/a /products/a?variant=1 /collections/all?page=2 /products.json",
        "/cart /cart/add /collections/all?sort_by=price /de/collections/x?sort_by=a /collections/a+b"
        " /collections/a%2bb /search?q=x /products/a?oseid=1",
    ),
    (
        ALL + "Disallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\nDisallow: /*?add-to-cart=\nDisallow: /cart/\n",
        "/ /product/x/ /wp-admin/admin-ajax.php /cart /wp-json/wc/store/v1/products?page=2",
        "/wp-admin/ /wp-admin/x /product/x/?add-to-cart=4 /cart/",
    ),
]

# Protego 0.7.0 reads these otherwise; where ours is laxer the RFC is too, and the site's own words are.
DIFFERENT: list[tuple[str, str, str]] = [
    # a token is matched whole, and ends where its letters do (2.2.1)
    ("User-agent: Souk\nDisallow: /\n", "/a", ""),
    ("User-agent: S\nDisallow: /\n", "/a", ""),
    ("User-agent: SoukBot/0.1\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: SoukBot Foo\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: SoukBot, OtherBot\nDisallow: /a\n", "/b", "/a"),
    ("User-agent: * foo\nDisallow: /a\n", "/b", "/a"),
    # other records do not part a group (2.2.4)
    (US + "Crawl-delay: 5\nUser-agent: OtherBot\nDisallow: /a\n", "/b", "/a"),
    # the most octets, whether they need escapes or not (2.2.2)
    (US + "Disallow: /*?\nAllow: /ab*\n", "/ab?c", "/a?b"),
    (US + "Disallow: /*;\nAllow: /a/*\n", "/a/b;c", "/b;c"),
    # $ ends a pattern and is nothing else there
    (US + "Disallow: /a$\n", "/a$ /a$b /a%24b", "/a"),
    # an escaped octet is the octet
    (US + "Disallow: /a/b\n", "/ab", "/a%2Fb /a%2fb"),
    (US + "Disallow: /foo/bar?baz=https://foo.bar\n", "/foo/bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
    (US + "Disallow: /foo/bar?baz=https%3A%2F%2Ffoo.bar\n", "/foo/bar", "/foo/bar?baz=https://foo.bar"),
    # index.html is a page, not its folder
    (US + "Allow: /x/index.html\nDisallow: /x\n", "/x/index.html", "/x /x/ /x/index"),
    # a byte order mark is no part of the first line
    ("\ufeffUser-agent: SoukBot\nDisallow: /a\n", "/b", "/a"),
    # only CR and LF end a line
    (US + "Disallow: /a\u2028Allow: /a\n", "/a", "/a%E2%80%A8Allow:%20/a"),
    (US + "Disallow: /a\x0cb\n", "/a /a/b", "/a%0Cb"),
    ("User_agent: SoukBot\nDisallow: /a\n", "/b", "/a"),
    ("USER  AGENT: SoukBot\nDisallow: /a\n", "/b", "/a"),
]


def cases(table: list[tuple[str, str, str]]) -> list[tuple[str, str, bool]]:
    allowed = [(text, path, True) for text, paths, _ in table for path in paths.split(" ") if path]
    return allowed + [(text, path, False) for text, _, paths in table for path in paths.split(" ") if path]


@pytest.mark.parametrize("row", AGREED + DIFFERENT)
def test_a_path_may_be_read_as_the_rules_say(row: tuple[str, str, str]) -> None:
    rules = parse_rules(row[0])

    assert [(path, rules.allows(SITE + path)) for _, path, _ in cases([row])] == [case[1:] for case in cases([row])]


@pytest.mark.parametrize("row", AGREED)
def test_protego_reads_them_alike(row: tuple[str, str, str]) -> None:
    parsed = Protego.parse(row[0])

    for _, path, is_allowed in cases([row]):
        assert parsed.can_fetch(SITE + path, "SoukBot") is is_allowed, path


@pytest.mark.parametrize("row", DIFFERENT)
def test_protego_reads_these_otherwise(row: tuple[str, str, str]) -> None:
    parsed = Protego.parse(row[0])

    assert any(parsed.can_fetch(SITE + path, "SoukBot") is not is_allowed for _, path, is_allowed in cases([row]))


def test_the_tables_hold_more_than_two_hundred_cases() -> None:
    assert len(cases(AGREED) + cases(DIFFERENT)) >= 300


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://shop.example", b"/"),
        ("https://shop.example/", b"/"),
        ("https://shop.example?a", b"/?a"),
        ("https://shop.example#a", b"/"),
        ("https://shop.example/a?b#c", b"/a?b"),
        ("https://shop.example:8443/a", b"/a"),
        ("https://[::1]:8443/a", b"/a"),
        ("HTTPS://SHOP.EXAMPLE/A", b"/A"),
        ("/a?b", b"/a?b"),
        ("", b"/"),
        ("https://shop.example//a", b"//a"),
        ("https://shop.example/a?b=http://c/d", b"/a?b=http://c/d"),
        ("https://shop.example/%C3%BC", "/ü".encode()),
        ("https://shop.example/\ud800", b"/?"),
    ],
)
def test_rules_are_matched_against_path_and_query(address: str, target: bytes) -> None:
    assert target_of(address) == target


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        ("", None),
        (US + "Disallow: /\n", None),
        (US + "Crawl-delay: 5\n", 5.0),
        (US + "crawl-delay:0.5 # s\n", 0.5),
        (US + "Crawl-delay: .5\n", 0.5),
        (US + "Crawl-delay: 0\n", 0.0),
        (US + "Crawl delay: 3\n", 3.0),
        (US + "Crawl-delay 3\n", 3.0),
        (US + "Crawl-delay: 86400\n", MAX_CRAWL_DELAY_S),
        (US + "Crawl-delay: -1\n", None),
        (US + "Crawl-delay: nan\n", None),
        (US + "Crawl-delay: inf\n", None),
        (US + "Crawl-delay: 1e9\n", None),
        (US + "Crawl-delay: soon\n", None),
        (US + "Crawl-delay:\n", None),
        (US + "Crawl-delay: ٥\n", None),
        (US + "Crawl-delay: 1\nCrawl-delay: 7\n", 7.0),
        (ALL + "Crawl-delay: 5\n", 5.0),
        (ALL + "Crawl-delay: 5\n\nDisallow:\n" + US + "Disallow: /a\n", None),
        ("User-agent: OtherBot\nDisallow: /\nCrawl-delay: 5\n", None),
        (US + "Request-rate: 1/5\n", 5.0),
        (US + "Request-rate: 2/5s\n", 2.5),
        (US + "Request-rate: 30/1m 0900-1700\n", 2.0),
        (US + "Request-rate: 1/1h\n", MAX_CRAWL_DELAY_S),
        (US + "Request-rate: 0/5\n", None),
        (US + "Request-rate: 5\n", None),
        (US + "Crawl-delay: 1\nRequest-rate: 1/3\n", 3.0),
    ],
)
def test_the_wait_between_requests_is_read_and_capped(text: str, delay_s: float | None) -> None:
    assert parse_rules(text).crawl_delay_s == delay_s


@pytest.mark.parametrize(
    ("text", "sitemaps"),
    [
        ("", ()),
        ("Sitemap: https://shop.example/s.xml\n", ("https://shop.example/s.xml",)),
        ("SITEMAP:https://cdn.example/s.xml?a=1&b=2", ("https://cdn.example/s.xml?a=1&b=2",)),
        ("Sitemap: /s.xml\n", ("https://shop.example/s.xml",)),
        ("Sitemap: s.xml\n", ("https://shop.example/s.xml",)),
        ("Sitemap: //cdn.example/s.xml\n", ("https://cdn.example/s.xml",)),
        ("Site-map: /a.xml\nSitemaps: /b.xml\n", ("https://shop.example/a.xml", "https://shop.example/b.xml")),
        ("Sitemap: /a.xml\nSitemap: /a.xml\n", ("https://shop.example/a.xml",)),
        (US + "Sitemap: /a.xml\nDisallow: /a.xml\n", ("https://shop.example/a.xml",)),
        ("User-agent: OtherBot\nDisallow: /\nSitemap: /a.xml\n", ("https://shop.example/a.xml",)),
        ("Sitemap https://shop.example/s.xml\n", ("https://shop.example/s.xml",)),
        ("Sitemap:\nSitemap: ftp://a/b\nSitemap: javascript:x\nSitemap: http://[::1/\nSitemap: http:///\n", ()),
        ("Sitemap: /" + "a" * 3000, ()),
    ],
)
def test_sitemaps_are_absolute_addresses(text: str, sitemaps: tuple[str, ...]) -> None:
    assert parse_rules(text, origin=SITE).sitemaps == sitemaps


def test_the_sitemaps_of_a_site_are_counted() -> None:
    text = "".join(f"Sitemap: /{number}.xml\n" for number in range(MAX_SITEMAPS + 5))

    assert len(parse_rules(text, origin=SITE).sitemaps) == MAX_SITEMAPS


LINES = st.lists(
    st.tuples(
        st.sampled_from(["User-agent", "Disallow", "Allow", "Sitemap", "Crawl-delay", "Request-rate", "#", "", "x"]),
        st.sampled_from([":", " ", "", "::", "\t:"]),
        st.text(alphabet="*/$%2aFSoukBot?=&.#: ü\ud800[", max_size=12) | st.sampled_from(["SoukBot", "*", "/", "5"]),
    ).map("".join),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(lines=LINES, end=st.sampled_from(["\n", "\r", "\r\n", "\u2028"]), path=st.text(max_size=20))
def test_any_text_has_a_meaning(lines: list[str], end: str, path: str) -> None:
    rules = parse_rules(end.join(lines), origin=SITE)

    assert rules.allows(f"{SITE}/{path}") in (True, False)
    assert rules.allows(f"{SITE}/robots.txt")
    assert rules.crawl_delay_s is None or 0 <= rules.crawl_delay_s <= MAX_CRAWL_DELAY_S


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab/*$%2F", max_size=8), st.text(alphabet="ab/$%2F", max_size=12))
def test_a_pattern_matches_as_a_regular_expression_does(pattern: str, path: str) -> None:
    rules = parse_rules(f"{US}Disallow: /{pattern}x\nDisallow: /{pattern}\n")
    body = f"/{pattern}".removesuffix("$")
    regex = ".*".join(re.escape(unquote(part)) for part in body.split("*")) + ("$" if pattern.endswith("$") else "")
    either = f"(?s:{regex})|(?s:{'.*'.join(re.escape(unquote(part)) for part in f'/{pattern}x'.split('*'))})"

    assert rules.allows(f"{SITE}/{path}") is not bool(re.match(either, unquote(f"/{path}")))


@pytest.mark.parametrize(
    "piece", ["Disallow: /a*b*c$\n", "*", "a", "\n", "#", ": ", "Allow: /%\n", "User-agent: *\n", "/*"]
)
def test_a_megabyte_of_rules_takes_little_time(piece: str) -> None:
    text = US + "Disallow: " + piece * (1024 * 1024 // len(piece))
    started = time.process_time()

    rules = parse_rules(text, origin=SITE)
    for _ in range(3):
        rules.allows(f"{SITE}/{'ab' * 4000}")

    assert time.process_time() - started < 2
