"""The browser's proxy: whatever a page asks for, its scripts and redirects too, stays on the public web."""

import base64
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from catalog import egress_proxy
from catalog.browser import BrowserThread, as_browser_error
from catalog.egress_proxy import EgressProxy
from catalog.replies import SiteUnreachable
from marketplace.egress import AddressRefused
from tests.sample_shop import Answer, small_site
from tests.shops.forward_proxy import forward_proxy, place_of_proxy


@pytest.fixture
def inside() -> Iterator[tuple[str, list[str]]]:
    """A service inside our network that must hear nothing: its address, and what it heard."""
    heard: list[str] = []

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        heard.append(path)
        return 200, {"Content-Type": "text/html", "Access-Control-Allow-Origin": "*"}, b"secret"

    with small_site(answer) as address:
        yield address, heard


@pytest.fixture
def shop(inside: tuple[str, list[str]], settings: Any) -> Iterator[str]:
    """A shop whose pages try to reach the service inside, in every way that a page has."""
    secret = inside[0]
    script = f"""
        const tries = [fetch("{secret}/fetch").then(() => "got"), fetch("http://localhost:1/x").then(() => "got"),
          new Promise((done, fail) => {{ const s = new WebSocket("ws{secret[4:]}/socket"); s.onopen = () => done("got");
            s.onerror = fail; }}),
          new Promise((done, fail) => {{ const f = document.createElement("img"); f.onload = () => done("got");
            f.onerror = fail; f.src = "{secret}/image"; setTimeout(fail, 1500); }})];
        navigator.sendBeacon("{secret}/beacon", "x");
        const frame = document.createElement("iframe"); frame.src = "{secret}/frame"; document.body.append(frame);
        Promise.allSettled(tries).then(all => {{ document.title = all.map(it => it.value || "refused").join(" "); }});
    """
    pages = {
        "/": f"<body><h1>Shop</h1><script>{script}</script></body>",
        "/meta": f'<meta http-equiv="refresh" content="0;url={secret}/meta"><body>wait</body>',
        "/fine": "<body><h1>Fine</h1><script>fetch('/data').then(r => r.text()).then(t => document.title = t)</script>",
        "/data": "loaded",
    }

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path == "/redirect":
            return 302, {"Location": f"{secret}/redirect"}, b""
        return 200, {"Content-Type": "text/html"}, pages.get(path, "").encode()

    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.removeprefix("http://")]
        yield address


@pytest.fixture
def browser() -> Iterator[BrowserThread]:
    opened = BrowserThread()
    yield opened
    opened.close()


def visit(address: str) -> Callable[[Page], str]:
    def work(page: Page) -> str:
        try:
            page.goto(address, wait_until="load", timeout=10_000)
            page.wait_for_function("document.title !== ''", timeout=10_000)
        except PlaywrightError as error:
            raise as_browser_error(address, error) from error
        return str(page.title())

    return work


def test_a_page_reaches_its_own_site(browser: BrowserThread, shop: str) -> None:
    assert browser.read(visit(f"{shop}/fine")) == "loaded"


def test_scripts_reach_nothing_inside(browser: BrowserThread, shop: str, inside: tuple[str, list[str]]) -> None:
    assert browser.read(visit(f"{shop}/")) == "refused refused refused refused"
    assert inside[1] == []


@pytest.mark.parametrize("path", ["/redirect", "/meta"])
def test_redirects_lead_nowhere_inside(
    browser: BrowserThread, shop: str, inside: tuple[str, list[str]], path: str
) -> None:
    def work(page: Page) -> None:
        try:
            page.goto(f"{shop}{path}", timeout=10_000)
            page.wait_for_url(f"{inside[0]}/**", timeout=3_000)
        except PlaywrightError as error:
            raise SiteUnreachable(str(error)) from error

    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is not on the public internet"):
        browser.read(work)
    assert inside[1] == []


def test_a_name_that_resolves_to_a_private_address_is_refused(
    browser: BrowserThread, monkeypatch: pytest.MonkeyPatch, inside: tuple[str, list[str]]
) -> None:
    real = socket.getaddrinfo
    asked: list[str] = []

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "rebound.example":
            asked.append(host)
            return real("127.0.0.1", *args, **kwargs)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    port = inside[0].rpartition(":")[2]
    with pytest.raises(AddressRefused, match=r"rebound\.example is not on the public internet \(127\.0\.0\.1\)"):
        browser.read(visit(f"http://rebound.example:{port}/"))
    assert asked
    assert inside[1] == []


# --- the proxy alone -------------------------------------------------------------------------------------
@pytest.fixture
def proxy() -> Iterator[EgressProxy]:
    opened = EgressProxy()
    opened.start()
    yield opened
    opened.close()


@contextmanager
def _tls_echo(folder: Path) -> Iterator[str]:
    """Serve one TLS connection that says hello; yields its host and port."""
    command = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.sendall(b"hello")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _hello_over_tls(proxy: EgressProxy, place: str) -> bytes:
    port = int(proxy.start().rpartition(":")[2])
    secret = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(f"CONNECT {place} HTTP/1.1\r\nProxy-Authorization: Basic {secret}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(client) as secure:
            return secure.recv(100)


def ask(
    proxy: EgressProxy, request: str, *, password: str | None = None, until: bytes = b"no end but the end"
) -> bytes:
    """Send a raw request to the proxy and return all that it answers, or all up to these bytes."""
    port = int(proxy.start().rpartition(":")[2])
    secret = base64.b64encode(f"{proxy.user}:{password or proxy.password}".encode()).decode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(f"{request}\r\nProxy-Authorization: Basic {secret}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(until) and (data := client.recv(65536)):
            answer += data
    return answer


def test_it_serves_only_who_knows_its_password(proxy: EgressProxy, shop: str) -> None:
    assert ask(proxy, f"GET {shop}/fine HTTP/1.1", password="guess").startswith(b"HTTP/1.1 407 ")
    assert ask(proxy, f"GET {shop}/fine HTTP/1.1").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT 127.0.0.1:22 HTTP/1.1",
        "CONNECT localhost:5432 HTTP/1.1",
        "CONNECT [::1]:80 HTTP/1.1",
        "CONNECT [::ffff:10.0.0.1]:80 HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "GET http://169.254.169.254/latest HTTP/1.1",
        "GET http://2130706433/ HTTP/1.1",
        "GET http://user:secret@127.0.0.1/ HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "GET /relative HTTP/1.1",
        "GET ftp://ftp.example/ HTTP/1.1",
        "CONNECT nonsense HTTP/1.1",
        "nonsense",
        "GET  HTTP/1.1 x y",
    ],
)
def test_what_is_not_of_the_public_web_gets_no_answer(proxy: EgressProxy, request_line: str) -> None:
    assert ask(proxy, request_line) == b""


def test_an_answer_is_the_last_of_its_connection_and_carries_no_secret_on(proxy: EgressProxy, settings: Any) -> None:
    got: list[Mapping[str, str]] = []

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        got.append(headers)
        return 200, {"Connection": "keep-alive", "Keep-Alive": "timeout=5"}, b"hello"

    with small_site(answer) as site:
        settings.FETCH_PRIVATE_HOSTS = [site.removeprefix("http://")]
        reply = ask(proxy, f"GET {site}/ HTTP/1.1\r\nHost: other.example\r\nX-Kept: yes", until=b"hello")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"Connection: close" in head
    assert b"keep-alive" not in head.lower()
    assert (got[0]["Host"], got[0]["X-Kept"]) == (site.removeprefix("http://"), "yes")
    assert "Proxy-Authorization" not in got[0]


def test_it_goes_by_the_domains_proxy_where_there_are_some(
    proxy: EgressProxy, shop: str, settings: Any, tmp_path: Path
) -> None:
    with forward_proxy(user="souk", password="pw") as upstream:
        settings.FETCH_PROXIES = [upstream.address]
        assert ask(proxy, f"GET {shop}/data HTTP/1.1").endswith(b"loaded")
        with _tls_echo(tmp_path) as place:
            settings.FETCH_PRIVATE_HOSTS = [*settings.FETCH_PRIVATE_HOSTS, place]
            assert _hello_over_tls(proxy, place) == b"hello"
        assert upstream.asked == [f"GET {shop}/data", f"CONNECT {place}"]
        # The proxy itself is no way in.
        assert ask(proxy, f"CONNECT {place_of_proxy(upstream)} HTTP/1.1") == b""
        assert len(upstream.asked) == 2


def test_a_silent_client_is_left(proxy: EgressProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress_proxy, "HEAD_TIMEOUT_S", 0.1)
    port = int(proxy.start().rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET http://shop.example/ HT")
        assert client.recv(100) == b""


def test_a_head_without_end_is_left(proxy: EgressProxy) -> None:
    port = int(proxy.start().rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, pytest.raises(OSError):
        while True:
            client.sendall(b"x" * 65536)
