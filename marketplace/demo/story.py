"""The demo itself: from a catalog address to live products, over the public interfaces alone."""

import json
import secrets
import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from marketplace.demo.children import ChildFailed, Children, outer_environ, refuse_second_stack
from marketplace.demo.client import Client
from marketplace.demo.display import ENDINGS, progress, show_doors, show_search, show_summary
from marketplace.demo.truth import differences
from marketplace.stack.rendezvous import write_private
from marketplace.stack.services import HOST, Ports
from marketplace.stack.supervisor import held_lock

SELLER = "Harbour Lane Goods (sample)"
STAFF = "demo"
MEMBER = "seller@souk.example"
SEARCHES = ("blue ceramic mug", "desk lamp", "a gift made of leather")
SAMPLE_REQUESTS_PER_S = 2_000
POLL_EVERY_S = 0.5
STUCK_AFTER_S = 300.0
SHOWN_DIFFERENCES = 20
KEPT_WHEN_FRESH = ("secret-key", "stack.lock", "sample")
DOORS = (
    ("search", "/search/?q=lamp"),
    ("seller's pages", "/seller/"),
    ("admin", "/admin/"),
    ("jobs", "/admin/jobs/job/"),
    ("RQ's permits", "/admin/rq/"),
    ("API documentation", "/api/docs/"),
    ("search API", "/api/search/?q=lamp"),
)


class Memory:
    """What one run of the demo leaves to the next; readable by its owner only, for it holds logins."""

    def __init__(self, path: Path) -> None:
        """Read what path holds."""
        self._path = path
        self._values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> Any:
        """Return a value, None when there is none."""
        return self._values.get(name)

    def keep(self, **values: Any) -> None:
        """Remember values."""
        self._values |= values
        write_private(self._path, json.dumps(self._values, indent=1))


class Demo:
    """One run."""

    def __init__(self, *, base_dir: Path, var_dir: Path, external: Mapping[str, str], products: int) -> None:
        """Prepare; nothing is started yet."""
        self._base_dir, self._var_dir, self._external, self._products = base_dir, var_dir, external, products
        self.is_told = False  # all figures are out, and it only stays up
        self._out, self._err = Console(), Console(stderr=True)

    def begin_anew(self) -> None:
        """Remove what earlier runs left, but for the drawn pictures."""
        with held_lock(self._var_dir):
            for path in self._var_dir.iterdir():
                if path.name in KEPT_WHEN_FRESH:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def run(self, *, stays_up: bool) -> bool:
        """Play the whole story; True when every product ended as the truth file says."""
        refuse_second_stack(self._var_dir)
        self._var_dir.mkdir(parents=True, exist_ok=True)
        memory = Memory(self._var_dir / "demo.json")
        edition = (memory.get("edition") or 0) + 1
        folder = self._var_dir / "sample"
        folder.mkdir(exist_ok=True)
        port = Ports(self._var_dir / "demo-ports.json").claim("sample")
        with Children(
            base_dir=self._base_dir, var_dir=self._var_dir, environ=self._environ(f"{HOST}:{port}")
        ) as children:
            self._say("Starting PostgreSQL, Redis, Milvus, the web process, the dispatcher and the workers ...")
            started = time.monotonic()
            children.start_stack()
            self._say("Serving the sample catalog (the first time, its pictures are drawn) ...")
            catalog = children.start_sample(folder=folder, port=port, edition=edition, products=self._products, seed=1)
            web_url = children.wait_for_stack()
            self._make_staff(children, memory)
            self._say(f"Up after {time.monotonic() - started:.1f} s. Syncing {catalog} ...")
            client = Client(web_url)
            client.api_key = self._register(client, memory, catalog)
            figures = self._sync(children, client, json.loads((folder / f"truth-{edition}.json").read_text()))
            memory.keep(edition=edition)
            show_summary(self._out, figures, title=f"edition {edition} of the sample catalog")
            self._search(client)
            self._make_member(children, memory)
            logins = [
                f"seller login           {MEMBER} / {memory.get('member_password')}",
                f"admin login            {STAFF} / {memory.get('staff_password')}",
                f"API key                {client.api_key}",
            ]
            show_doors(self._out, web_url, DOORS, logins)
            print(json.dumps(figures), flush=True)  # noqa: T201 - the last line of standard output is for machines
            self.is_told = bool(figures["as_truth"])
            if stays_up:
                self._say("All of it stays up until Ctrl-C.")
                self._stay_up(children)
        return bool(figures["as_truth"])

    def _environ(self, place: str) -> dict[str, str]:
        """Let the sample pass for the site that it imitates: only its host and pace are told."""
        return outer_environ(self._external) | {
            "WHATSAPP_HOSTS": place,
            "FETCH_PRIVATE_HOSTS": place,
            "FETCH_RATES": f"{place}={SAMPLE_REQUESTS_PER_S}",
        }

    def _make_staff(self, children: Children, memory: Memory) -> None:
        if memory.get("has_staff"):
            return
        if not memory.get("staff_password"):
            memory.keep(staff_password=secrets.token_urlsafe(12))
        arguments = ("createsuperuser", "--no-input", "--username", STAFF, "--email", "demo@souk.invalid")
        made = children.run(*arguments, DJANGO_SUPERUSER_PASSWORD=memory.get("staff_password"))
        if made.returncode and "already taken" not in made.stderr:  # made by a run that was killed before it noted so
            raise ChildFailed(f"no staff login could be made: {made.stderr.strip()}")
        memory.keep(has_staff=True)

    def _make_member(self, children: Children, memory: Memory) -> None:
        """Give the seller a login, whose mail nobody could read."""
        if memory.get("has_member"):
            return
        if not memory.get("member_password"):
            memory.keep(member_password=secrets.token_urlsafe(12))
        path = self._var_dir / "member-password"
        write_private(path, memory.get("member_password"))
        try:
            made = children.run("add_member", "--seller", SELLER, "--email", MEMBER, "--password-file", str(path))
        finally:
            path.unlink()
        if made.returncode:
            raise ChildFailed(f"no seller login could be made: {made.stderr.strip()}")
        memory.keep(has_member=True)

    def _register(self, client: Client, memory: Memory, catalog: str) -> str:
        """Return the seller's key; the first time, register the seller. The catalog may have moved to another port."""
        if not memory.get("api_key"):
            seller = client.post("/api/sellers/", {"name": SELLER, "catalog_address": catalog})
            memory.keep(api_key=seller["api_key"], catalog=catalog)
        elif memory.get("catalog") != catalog:
            client.api_key = memory.get("api_key")
            client.patch("/api/sellers/me/", {"catalog_address": catalog})
            memory.keep(catalog=catalog)
        return str(memory.get("api_key"))

    def _sync(self, children: Children, client: Client, truth: Mapping[str, Any]) -> dict[str, Any]:
        """Sync the catalog and return its figures."""
        posted_at = time.time()
        sync = client.post("/api/sellers/me/syncs/")
        with progress(self._err) as display:
            sync = self._follow(children, client, sync, display, posted_at)
        seconds = round(datetime.fromisoformat(sync["finished_at"]).timestamp() - posted_at, 2)
        products = client.pages("/api/products/", limit=200)
        wrong = differences(truth, products)
        if sync["error"]:
            wrong.insert(0, f"the sync failed: {sync['error']['code']} {sync['error']['message']}")
        if sync["found"] != truth["found"]:
            wrong.insert(0, f"found should be {truth['found']}, is {sync['found']}")
        for line in wrong[:SHOWN_DIFFERENCES]:
            self._say(f"not as the truth file says: {line}")
        return {
            "found": sync["found"],
            **{name: sync["products"][name] for name in ENDINGS},
            "retries": sync["retries"],
            "seconds": seconds,
            "products_per_min": round(sync["found"] / seconds * 60),
            "stages": sync["stages"],
            "jobs": sum(sum(states.values()) for states in sync["stages"].values()),
            "as_truth": not wrong,
        }

    def _follow(
        self, children: Children, client: Client, sync: dict[str, Any], display: Any, posted_at: float
    ) -> dict[str, Any]:
        """Show the sync until it has ended."""
        last, changed_at = "", time.monotonic()
        while sync["status"] == "running":
            display.show(sync, time.time() - posted_at)
            time.sleep(POLL_EVERY_S)  # between two looks
            children.check()
            sync = client.get(f"/api/syncs/{sync['id']}/")
            if json.dumps(sync) != last:
                last, changed_at = json.dumps(sync), time.monotonic()
            elif time.monotonic() - changed_at > STUCK_AFTER_S:
                raise ChildFailed(f"the sync does not move any more: {last}")
        display.show(sync, time.time() - posted_at)
        return sync

    def _search(self, client: Client) -> None:
        for query in SEARCHES:
            started = time.monotonic()
            answer = client.get("/api/search/", q=query, limit=5)
            show_search(self._out, query, answer, (time.monotonic() - started) * 1000)

    def _stay_up(self, children: Children) -> None:
        while True:
            time.sleep(1)  # until Ctrl-C
            children.check()

    def _say(self, text: str) -> None:
        self._err.print(text, highlight=False, markup=False, soft_wrap=True)
