"""One browser per process, reused, in a thread of its own.

Playwright's synchronous API runs an event loop in its thread, and Django refuses to query in a thread that has one;
so the browser lives in a daemon thread and the caller's thread stays free for the ORM.
"""

import atexit
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from django.conf import settings
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from catalog.egress_proxy import EgressProxy
from catalog.fetching import USER_AGENT
from catalog.replies import SiteUnreachable
from jobs.errors import JobError, RetryableError
from marketplace.egress import AddressRefused
from marketplace.stack.browser import find as installed_browser

T = TypeVar("T")

# Images off by flag: blocking them by routes cost three times as much CPU. Site isolation stays on.
# All that a page asks for goes through the guarded proxy, loopback too, which Chromium would ask directly; names are
# resolved there alone, and there is no way around it over UDP.
FLAGS = (
    "--blink-settings=imagesEnabled=false",
    "--disable-remote-fonts",
    "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
LAUNCH_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 5.0


class BrowserCrashed(RetryableError):
    """The browser, or its page, ended while it was reading."""

    code = "catalog.browser_crashed"


class BrowserMissing(RetryableError):
    """No browser could be started."""

    code = "catalog.browser_missing"


def as_browser_error(address: str, error: PlaywrightError) -> JobError:
    """Translate Playwright's error into one of a family."""
    message = error.message.partition("\n")[0]
    if "net::ERR_" in message:
        return SiteUnreachable(f"{address}: {message}")
    return BrowserCrashed(f"{address}: {message}")


class BrowserThread:
    """A thread that owns a Chromium: started at the first use, replaced when it has crashed."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[Page], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._browser: Browser | None = None
        self._proxy = EgressProxy()
        self._thread = threading.Thread(target=self._run, name="browser", daemon=True)
        self._thread.start()

    def read(self, work: Callable[[Page], T]) -> T:
        """Run work(page) with a fresh page, and no cookies from before, in the browser's thread."""
        outcome: Future[T] = Future()
        self._work.put((work, outcome))
        return outcome.result()

    def open(self) -> None:
        """Start the browser now, so that the first page need not wait for it."""
        self.read(lambda _: None)

    def close(self) -> None:
        """End the browser and its thread."""
        self._work.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        playwright: Playwright | None = None
        while (item := self._work.get()) is not None:
            work, outcome = item
            try:
                if playwright is None:
                    playwright = sync_playwright().start()
                outcome.set_result(self._read(playwright, work))
            except BaseException as error:  # noqa: BLE001
                # Whoever waits for the outcome gets the error, whatever it is; the thread goes on.
                outcome.set_exception(error)
        if self._browser is not None and self._browser.is_connected():
            self._browser.close()
        if playwright is not None:
            playwright.stop()
        self._proxy.close()

    def _read(self, playwright: Playwright, work: Callable[[Page], T]) -> T:
        if self._browser is None or not self._browser.is_connected():
            self._browser = _launch(playwright, self._proxy)
        try:
            context = self._browser.new_context(
                user_agent=USER_AGENT, accept_downloads=False, service_workers="block", locale="en"
            )
        except PlaywrightError as error:
            self._browser = None
            raise BrowserCrashed(f"the browser is gone: {error.message.partition(chr(10))[0]}") from error
        mark = self._proxy.refused
        try:
            return work(context.new_page())
        except SiteUnreachable as error:
            if self._proxy.refused > mark:
                raise AddressRefused(f"{error}: {self._proxy.last_refusal}") from error
            raise
        finally:
            if self._browser.is_connected():
                context.close()


def _launch(playwright: Playwright, proxy: EgressProxy) -> Browser:
    is_root = os.geteuid() == 0  # Chromium's sandbox refuses to run as root
    try:
        return playwright.chromium.launch(
            executable_path=settings.CHROMIUM_PATH or installed_browser(),
            args=list(FLAGS),
            proxy={
                "server": proxy.start(),
                "bypass": "<-loopback>",
                "username": proxy.user,
                "password": proxy.password,
            },
            chromium_sandbox=not is_root,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=LAUNCH_TIMEOUT_S * 1000,
        )
    except PlaywrightError as error:
        raise BrowserMissing(f"no browser could be started: {error.message.partition(chr(10))[0]}") from error


_own: dict[int, BrowserThread] = {}  # by process id: a forked child must not use its parent's
_own_lock = threading.Lock()


def process_browser() -> BrowserThread:
    """Return this process's browser; a forked child gets one of its own."""
    with _own_lock:
        if os.getpid() not in _own:
            _own[os.getpid()] = BrowserThread()
            atexit.register(close_process_browser)
        return _own[os.getpid()]


def open_process_browser() -> None:
    """Start this process's browser."""
    process_browser().open()


def close_process_browser() -> None:
    """End this process's browser, if it has one."""
    with _own_lock:
        opened = _own.pop(os.getpid(), None)
    if opened is not None:
        opened.close()
