"""Blocks: interstitials are told from pages that merely mention what interstitials are made of."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.politeness import blocks
from catalog.politeness.blocks import MAX_INTERSTITIAL_BYTES, Kind, judge

HTML = {"Content-Type": "text/html; charset=utf-8"}
LINKS = "".join(f'<a href="/c/{n}">Category {n}</a> ' for n in range(20))
WORDS = "The lamp stands on the shelf beside the window and gives a warm light in the evening. " * 50
PRODUCT_DATA = (
    '<script type="application/ld+json">{"@context":"https://schema.org","@type":"Product","name":"x"}</script>'
)


def page(body: str, *, title: str = "", head: str = "") -> bytes:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()


CLOUDFLARE = page(
    "<noscript>Enable JavaScript and cookies to continue</noscript>"
    "<script>window._cf_chl_opt={cvId:'3',cType:'managed'};</script>",
    title="Just a moment...",
)
CLOUDFLARE_BLOCK = page(
    '<div id="cf-error-details"><h1>Sorry, you have been blocked</h1><p>You cannot access shop.example</p></div>',
    title="Attention Required! | Cloudflare",
)
AKAMAI = page(
    "<h1>Access Denied</h1>You don't have permission to access this on this server.<p>Reference&#32;&#35;18.2d5"
    "<p>https&#58;&#47;&#47;errors.edgesuite.net&#47;18</p> errors.edgesuite.net",
    title="Access Denied",
)
AKAMAI_CHALLENGE = page(
    '<div id="sec-if-cpt-container"></div><script src="/_sec/cp_challenge/ak-challenge.js"></script>'
)
DATADOME = page(
    "<p>Please enable JS and disable any ad blocker</p><script>var dd={'rt':'c','cid':'x'}</script>"
    '<script src="https://ct.captcha-delivery.com/c.js"></script>',
    title="shop.example",
)
HUMAN = page(
    '<div id="px-captcha"></div><p>Press &amp; Hold to confirm you are a human (and not a bot).</p>',
    title="Access to this page has been denied",
)
IMPERVA = page(
    '<iframe src="/_Incapsula_Resource?CWUDNSAI=9">Request unsuccessful. Incapsula incident ID: 7-1</iframe>'
    "<p>Request unsuccessful. Incapsula incident ID: 7-1</p>"
)
AWS = page("<script>window.gokuProps = {'key':'x'};</script><div id='challenge-container'></div>")
HCAPTCHA = page(
    '<p>Please complete the security check to go on.</p><div class="h-captcha" data-sitekey="x"></div>',
    title="shop.example",
)
RECAPTCHA = page(
    '<p>Our systems have detected unusual traffic from your network.</p><div class="g-recaptcha"></div>',
    title="Are you a robot?",
)
GERMAN = page("<h1>Zugriff verweigert</h1><p>Ihre Anfrage wurde blockiert.</p>", title="Zugriff verweigert")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (CLOUDFLARE, "a Cloudflare challenge"),
        (CLOUDFLARE_BLOCK, "a Cloudflare block"),
        (AKAMAI, "an Akamai block"),
        (AKAMAI_CHALLENGE, "an Akamai challenge"),
        (DATADOME, "a DataDome CAPTCHA"),
        (HUMAN, "a HUMAN (PerimeterX) CAPTCHA"),
        (IMPERVA, "an Imperva block"),
        (AWS, "an AWS WAF challenge"),
        (HCAPTCHA, "an hCaptcha"),
        (RECAPTCHA, "a reCAPTCHA"),
        (GERMAN, "a page that says 'Zugriff verweigert'"),
    ],
)
@pytest.mark.parametrize("status", [200, 403, 503])
def test_an_interstitial_is_a_block_under_any_status(body: bytes, reason: str, status: int) -> None:
    verdict = judge(status=status, headers=HTML, body=body)

    assert verdict.kind is (Kind.SOFT_BLOCK if status == 200 else Kind.BLOCKED)
    assert verdict.reason == reason


NORMAL = {
    "a product page with a captcha for its newsletter": page(
        f'{PRODUCT_DATA}<h1>Lamp</h1><p>A lamp.</p><form><div class="g-recaptcha"></div></form>', title="Lamp"
    ),
    "a small product page without markup, behind a captcha'd form": page(
        '<h1>Lamp</h1><p>€ 19.90</p><div class="h-captcha"></div><p>Protected by a security check.</p>', title="Lamp"
    ),
    "a contact page": page(
        '<h1>Contact</h1><p>Write to us.</p><form><textarea></textarea><div class="g-recaptcha"></div></form>'
        '<script src="https://www.google.com/recaptcha/api.js"></script>',
        title="Contact us",
    ),
    "an article on access denied": page(f"<h1>Access denied: what it means</h1><p>{WORDS}</p>", title="Access denied"),
    "a short note on access denied in a shop's frame": page(
        f"{LINKS}<h1>Access denied</h1><p>When access is denied, log in again.</p>", title="Help: access denied"
    ),
    "a film that is called so": page(f"{PRODUCT_DATA}<h1>Access Denied</h1><p>DVD</p>", title="Access Denied (DVD)"),
    "a page that Cloudflare guards": page(
        f"<h1>Lamps</h1>{LINKS}<script>window.__CF$cv$params={{r:'8'}}</script>"
        "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
        title="Lamps",
    ),
    "a page that HUMAN guards": page(
        f"<h1>Lamps</h1>{LINKS}<script>window._pxAppId='PX1';</script><script src='https://client.px-cdn.net/PX1/main.min.js'>"
        "</script>",
        title="Lamps",
    ),
    "a page that Imperva guards": page(
        "<h1>Lamps</h1><p>Nice lamps</p><script src='/_Incapsula_Resource?SWJIYLWA=719d'></script>", title="Lamps"
    ),
    "a page that DataDome guards": page(
        "<h1>Lamps</h1><p>Nice lamps</p><script src='https://js.datadome.co/tags.js'></script>", title="Lamps"
    ),
    "a page that a script writes": page('<div id="root"></div><script src="/app.js"></script>', title="Shop"),
    "a page of Open Graph data alone": page("", head='<meta property="og:title" content="Lamp">'),
    "a page that says just a moment": page("<h1>Just a moment, your cart is loading</h1><p>19,90 €</p>", title="Cart"),
    "a shop with a login in its head": page(
        f'{LINKS}<form><input type="password"> Log in</form><h1>Lamps</h1>', title="Lamps"
    ),
    "a shop's own login page": page(f'{LINKS}<h1>Log in</h1><input type="password">', title="Log in"),
    "a product behind a wholesale login": page(
        f'{PRODUCT_DATA}<h1>Lamp</h1><p>Log in to see more</p><input type="password">', title="Lamp"
    ),
    "a large page that quotes an interstitial": page(
        f"<pre>_cf_chl_opt</pre><p>{WORDS * 20}</p>", title="Just a moment"
    ),
    "a page of a few words": page("<p>Gone fishing</p>"),
    "one that opens an application": page("<h1>Open this in WhatsApp</h1>", title="Share on WhatsApp"),
}


@pytest.mark.parametrize("name", NORMAL)
def test_a_normal_page_is_none(name: str) -> None:
    assert judge(status=200, headers=HTML, body=NORMAL[name]).kind is Kind.OK


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (429, {}, b"", Kind.RATE_LIMITED),
        (429, HTML, CLOUDFLARE, Kind.RATE_LIMITED),
        (430, {}, b"", Kind.RATE_LIMITED),
        (503, {"Retry-After": "5"}, b"", Kind.RATE_LIMITED),
        (503, {}, b"busy", Kind.OK),  # an error of its own, which the status says
        (503, HTML, page("<h1>Service unavailable</h1>", title="503"), Kind.OK),
        (503, HTML | {"retry-after": "5"}, page("<h1>Maintenance</h1>"), Kind.RATE_LIMITED),
        (403, {}, b"", Kind.BLOCKED),
        (401, {"WWW-Authenticate": "Basic"}, b"", Kind.LOGIN),
        (401, HTML, DATADOME, Kind.BLOCKED),
        (202, {"X-Amzn-Waf-Action": "challenge"}, b"", Kind.BLOCKED),
        (405, {"x-amzn-waf-action": "captcha"}, b"", Kind.BLOCKED),
        (403, {"CF-Mitigated": "challenge"}, b"", Kind.BLOCKED),
        (200, HTML, page('<h1>Log in</h1><input type="password">', title="Sign in"), Kind.LOGIN),
        (200, HTML, page("<p>Enter store using password</p><input type=password>", title="Opening soon"), Kind.LOGIN),
        (200, HTML, b"", Kind.SOFT_BLOCK),
        (200, HTML, page(""), Kind.SOFT_BLOCK),
        (200, {"Content-Type": "application/json"}, b"", Kind.OK),
        (200, {"Content-Type": "application/json"}, b'{"title": "Just a moment", "x": "_cf_chl_opt"}', Kind.OK),
        (304, HTML | {"cf-mitigated": "challenge"}, b"", Kind.OK),
        (404, HTML, CLOUDFLARE, Kind.OK),
        (404, {}, b"", Kind.OK),
        (500, {}, b"", Kind.OK),
    ],
)
def test_status_and_headers_count(status: int, headers: dict[str, str], body: bytes, kind: Kind) -> None:
    assert judge(status=status, headers=headers, body=body).kind is kind


@given(st.from_regex(blocks._PHRASES, alphabet=st.characters(exclude_characters="\u017f\u0131")))
def test_every_phrase_is_looked_for(text: str) -> None:
    assert blocks._says_phrase(text)


def test_a_file_is_judged_by_its_status_alone() -> None:
    assert judge(status=200, headers=HTML, body=CLOUDFLARE, is_page=False).kind is Kind.OK
    assert judge(status=403, headers=HTML, body=b"", is_page=False).kind is Kind.BLOCKED


@given(
    st.sampled_from([200, 401, 403, 503]),
    st.lists(
        st.sampled_from(
            ["<", ">", "<script", "</script>", "<title", "<!--", "<a ", '"@type":', " ", "g-recaptcha", "é"]
        )
        | st.text(max_size=5),
        max_size=60,
    ),
)
@settings(max_examples=60)
def test_no_page_raises(status: int, parts: list[str]) -> None:
    judge(status=status, headers=HTML, body="".join(parts).encode("utf-8", "replace"))


@pytest.mark.parametrize("part", ["<", "<title", "<title>", "<script", "<!--", '"@type"' + " " * 50, "<a " * 3, "<a\t"])
def test_no_page_takes_long(part: str) -> None:
    body = b"g-recaptcha px-captcha " + part.encode() * (MAX_INTERSTITIAL_BYTES // len(part))
    started = time.process_time()
    judge(status=200, headers=HTML, body=body[:MAX_INTERSTITIAL_BYTES])

    assert time.process_time() - started < 5.0  # the square of its length would be minutes
