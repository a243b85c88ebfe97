"""Scroll through a list page until it has shown all that it says it has."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from catalog.browser import as_browser_error
from catalog.replies import SiteTimeout, check_status

LOAD_TIMEOUT_S = 30.0
IDLE_S = 2.0  # nothing new for so long: the list is at its end
IDLE_SHORT_OF_TOTAL_S = 5.0
SCROLL_LIMIT_S = 120.0

# One loop inside the page: asking from outside after each step costs ten times as much. A loop that only jumps to the
# bottom starves the page's IntersectionObserver and ends with 24 of 1,184 products and no error: so each step goes up
# a little, waits a frame, and goes down again. Links are gathered at each step, for lists that drop what left the view.
_SCROLL = """
async ({pattern, idleMs, shortMs, limitMs}) => {
  const isItem = new RegExp(pattern), items = new Map(), others = new Map();
  const frame = () => new Promise(done => requestAnimationFrame(() => done()));
  let total = null;
  const gather = () => {
    for (const link of document.querySelectorAll("a[href]")) {
      const url = link.href.split(/[?#]/)[0];
      const into = isItem.test(url) ? items : others;
      if (!into.has(url) && into.size < 100000) into.set(url, link.textContent.trim().replace(/\\s+/g, " "));
    }
    for (const node of document.querySelectorAll("[role=feed] [aria-setsize], [role=list] [aria-setsize]")) {
      const size = Number(node.getAttribute("aria-setsize"));
      if (size > 0 && (total === null || size > total)) total = size;
      break;
    }
  };
  const changed = wait => new Promise(done => {
    const watcher = new MutationObserver(() => { clearTimeout(timer); watcher.disconnect(); done(); });
    const timer = setTimeout(() => { watcher.disconnect(); done(); }, wait);
    watcher.observe(document.documentElement, {childList: true, subtree: true});
  });
  const start = performance.now();
  let grownAt = start, known = -1, isCut = false;
  for (;;) {
    gather();
    const now = performance.now();
    if (items.size !== known) { known = items.size; grownAt = now; }
    if (total !== null && items.size >= total) break;
    const hasList = items.size > 0 || document.querySelector("[role=feed], [role=list]") !== null;
    if (!hasList && others.size > 0 && document.readyState === "complete" && now - start > 250) break;
    if (now - grownAt > (total === null ? idleMs : shortMs)) break;
    if (now - start > limitMs) { isCut = true; break; }
    const bottom = document.documentElement.scrollHeight;
    window.scrollTo(0, Math.max(0, bottom - 2 * window.innerHeight));
    await frame();
    const next = changed(200);
    window.scrollTo(0, bottom);
    await next;
  }
  const pairs = map => [...map].map(([address, text]) => ({address, text: text.slice(0, 300)}));
  return {links: [...pairs(items), ...pairs(others)], total, isCut};
}
"""


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link on the page, without query and fragment."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class SeenList:
    """All links that came into view, items first, and the page's own count of items."""

    links: list[SeenLink]
    total: int | None


def scroll_through(page: Page, address: str, *, item_pattern: str) -> SeenList:
    """Open the address and scroll until its list is complete or does not grow any more.

    `item_pattern` is a JavaScript regular expression for the addresses of the list's items.

    Raises:
        SiteTimeout, SiteUnreachable, BrowserCrashed, SiteFailing: retryable.
        PageNotFound, RequestRefused: permanent.
    """
    try:
        response = page.goto(address, wait_until="domcontentloaded", timeout=LOAD_TIMEOUT_S * 1000)
        if response is not None:
            check_status(address, response.status, response.headers.get("retry-after", ""))
        found: dict[str, Any] = page.evaluate(
            _SCROLL,
            {
                "pattern": item_pattern,
                "idleMs": IDLE_S * 1000,
                "shortMs": IDLE_SHORT_OF_TOTAL_S * 1000,
                "limitMs": SCROLL_LIMIT_S * 1000,
            },
        )
    except PlaywrightTimeout as error:
        raise SiteTimeout(f"{address} did not load in {LOAD_TIMEOUT_S:g} s") from error
    except PlaywrightError as error:
        raise as_browser_error(address, error) from error
    if found["isCut"]:
        raise SiteTimeout(f"{address} was still growing after {SCROLL_LIMIT_S:g} s of scrolling")
    return SeenList(links=[SeenLink(**link) for link in found["links"]], total=found["total"])
