"""Rendering: pages that show their content only in a browser."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from selectolax.lexbor import LexborHTMLParser

from catalog.browser import as_browser_error
from catalog.replies import SiteTimeout, check_status

LOAD_TIMEOUT_S = 30.0
QUIET_S = 0.25  # nothing under way and nothing changed for so long: the page is done
RENDER_LIMIT_S = 15.0
SHELL_TEXT_CHARS = 250  # a page with less text than this, and scripts, is a shell
SHELL_LINKS = 5

# What a page asks for is counted from inside, since a list of finished requests does not show those under way.
_COUNT = """
(() => {
  let underWay = 0;
  const done = () => { underWay -= 1; };
  Object.defineProperty(window, "__underWay", {get: () => underWay});
  const ask = window.fetch;
  window.fetch = function (...given) {
    underWay += 1;
    const reply = ask.apply(this, given);
    reply.then(done, done);
    return reply;
  };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...given) {
    underWay += 1;
    this.addEventListener("loadend", done, {once: true});
    return send.apply(this, given);
  };
})();
"""

# One loop inside the page: asking from outside after each step costs ten times as much. A list is scrolled to its end
# while that makes it grow.
_SETTLE = """
async ({quietMs, limitMs, isList}) => {
  const start = performance.now();
  let changedAt = start, height = window.innerHeight, files = performance.getEntriesByType("resource").length;
  const watcher = new MutationObserver(() => { changedAt = performance.now(); });
  watcher.observe(document.documentElement, {childList: true, subtree: true, characterData: true});
  for (;;) {
    await new Promise(done => setTimeout(done, 25));
    const now = performance.now();
    const loaded = performance.getEntriesByType("resource").length;
    if (loaded !== files || window.__underWay > 0 || document.readyState !== "complete") {
      files = loaded;
      changedAt = now;
    }
    if (now - start > limitMs) break;
    if (now - changedAt < quietMs) continue;
    const grown = document.documentElement.scrollHeight;
    if (!isList || grown <= height) break;
    height = grown;
    changedAt = now;
    window.scrollTo(0, Math.max(0, grown - 2 * window.innerHeight));
    await new Promise(done => requestAnimationFrame(() => done()));
    window.scrollTo(0, grown);
  }
  watcher.disconnect();
}
"""


def is_shell(html: str) -> bool:
    """Tell whether a page shows next to nothing without its scripts."""
    tree = LexborHTMLParser(html)
    body = tree.body
    if body is None or tree.css_first("script") is None:
        return False
    links = len(body.css("a[href]"))
    for node in body.css("script, style, noscript, template, svg"):
        node.decompose()
    text = re.sub(r"\s+", " ", body.text(deep=True, separator=" ")).strip()
    return len(text) < SHELL_TEXT_CHARS and links < SHELL_LINKS


def shows_more(rendered: str, plain: str) -> bool:
    """Tell whether the browser's page has content that the plain one lacks."""
    return _weight(rendered) > 2 * _weight(plain)


def _weight(html: str) -> int:
    tree = LexborHTMLParser(html)
    body = tree.body
    if body is None:
        return 0
    links = len(body.css("a[href]"))
    for node in body.css("script, style, noscript, template, svg"):
        node.decompose()
    return 20 * links + len(body.text(deep=True))


def render(page: Page, address: str, *, is_list: bool = False) -> tuple[str, str]:
    """Open the address, wait until the page has settled, and return its address and its HTML.

    A list is scrolled through, so that what loads on sight is there.

    Raises:
        SiteTimeout, SiteUnreachable, BrowserCrashed, SiteFailing: retryable.
        PageNotFound, RequestRefused: permanent.
    """
    try:
        page.add_init_script(_COUNT)
        response = page.goto(address, wait_until="domcontentloaded", timeout=LOAD_TIMEOUT_S * 1000)
        if response is not None:
            check_status(address, response.status, response.headers.get("retry-after", ""))
        page.evaluate(_SETTLE, {"quietMs": QUIET_S * 1000, "limitMs": RENDER_LIMIT_S * 1000, "isList": is_list})
        return (page.url if urlsplit(page.url).scheme in ("http", "https") else address), page.content()
    except PlaywrightTimeout as error:
        raise SiteTimeout(f"{address} did not load in {LOAD_TIMEOUT_S:g} s") from error
    except PlaywrightError as error:
        raise as_browser_error(address, error) from error
