"""What the demo shows: live progress, the summary, the searches, where to look next."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

STAGES = (
    "sync-seller", "scrape-catalog", "scrape-product", "process-images", "generate-embedding", "quality-control",
    "index-product",
)  # fmt: skip
FINAL = ("completed", "failed", "dead", "cancelled")
ENDINGS = ("live", "rejected", "flagged", "dead", "gone")
PLAIN_EVERY_S = 2.0


class Progress:
    """Shows a sync as it goes: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, live: Live | None) -> None:
        """Show on live, or as lines where there is none."""
        self._console, self._live = console, live
        self._next_line_s = 0.0

    def show(self, sync: Mapping[str, Any], elapsed_s: float) -> None:
        """Show how far sync is."""
        if self._live:
            self._live.update(_bars(sync, elapsed_s))
        elif elapsed_s >= self._next_line_s:
            self._next_line_s = elapsed_s + PLAIN_EVERY_S
            self._console.print(_line(sync, elapsed_s), highlight=False, soft_wrap=True)


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Give a progress display that suits the console."""
    if not console.is_terminal:
        yield Progress(console, None)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield Progress(console, live)


def _done(states: Mapping[str, int]) -> tuple[int, int]:
    return sum(states.get(state, 0) for state in FINAL), sum(states.values())


def _line(sync: Mapping[str, Any], elapsed_s: float) -> str:
    products = sync["products"]
    counts = ", ".join(f"{products[name]} {name}" for name in ENDINGS if products[name])
    stages = ", ".join("{} {}/{}".format(name, *_done(states)) for name, states in _in_order(sync["stages"]))
    return f"{elapsed_s:6.1f} s  found {sync['found']}; {counts or 'none done yet'}; {stages}"


def _in_order(stages: Mapping[str, Any]) -> list[tuple[str, Mapping[str, int]]]:
    known = [name for name in STAGES if name in stages]
    return [(name, stages[name]) for name in (*known, *sorted(stages.keys() - set(known)))]


def _bars(sync: Mapping[str, Any], elapsed_s: float) -> Group:
    table = Table.grid(padding=(0, 2))
    for name in STAGES:
        states = sync["stages"].get(name, {})
        done, total = _done(states)
        troubles = ", ".join(f"{count} {state}" for state, count in states.items() if state in ("failed", "dead"))
        table.add_row(
            Text(name),
            ProgressBar(total=max(total, 1), completed=done, width=40),
            Text(f"{done:,} / {total:,}" if total else "waits", justify="right"),
            Text(troubles, style="yellow"),
        )
    products = sync["products"]
    counts = "   ".join(f"[bold]{products[name]:,}[/] {name}" for name in ENDINGS)
    head = Text.from_markup(f"[bold]{elapsed_s:5.1f} s[/]   found [bold]{sync['found']:,}[/]   {counts}")
    return Group(head, Text(), table)


def show_summary(console: Console, figures: Mapping[str, Any], *, title: str) -> None:
    """Show what the sync came to."""
    console.print(title, style="bold")
    table = Table(show_header=False)
    for name in ("found", *ENDINGS, "retries", "seconds", "products_per_min"):
        value = figures[name]
        table.add_row(name.replace("_per_", " / ").replace("_", " "), f"{value:,}")
    table.add_row("as the truth file says", "yes" if figures["as_truth"] else "[red]no[/]")
    console.print(table)
    stages = Table(title="jobs by stage", title_style="bold")
    stages.add_column("stage")
    stages.add_column("jobs", justify="right")
    stages.add_column("how they ended")
    for name, states in _in_order(figures["stages"]):
        ends = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
        stages.add_row(name, f"{sum(states.values()):,}", ends)
    console.print(stages)


def show_search(console: Console, query: str, answer: Mapping[str, Any], took_ms: float) -> None:
    """Show the first results of a search and how long it took."""
    console.print(f"search: [bold]{query}[/]  ({took_ms:.0f} ms over HTTP)", highlight=False)
    table = Table()
    table.add_column("product")
    table.add_column("price", justify="right")
    table.add_column("categories")
    for result in answer["results"]:
        price = result["price"]
        shown = f"{price['amount']} {price['currency']}" if price else ""
        table.add_row(result["title"], shown, ", ".join(result["categories"]))
    console.print(table)


def show_doors(console: Console, web_url: str, doors: Sequence[tuple[str, str]], logins: Sequence[str]) -> None:
    """Show where to look next."""
    lines = [f"{what:<22} {web_url}{path}" for what, path in doors]
    console.print(Panel("\n".join([*lines, "", *logins]), title="where to look next", expand=False), soft_wrap=True)
