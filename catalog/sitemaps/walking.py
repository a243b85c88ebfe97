"""Walk through a site's sitemaps, with somebody else's way to fetch."""

from collections.abc import Callable, Iterable, Iterator

from catalog.sitemaps.contract import SitemapEntry
from catalog.sitemaps.parser import read_sitemap
from catalog.sitemaps.planning import SitemapPlan
from jobs.errors import JobError

Fetch = Callable[[str], Iterable[bytes]]


def walk_sitemaps(plan: SitemapPlan, fetch: Fetch) -> Iterator[SitemapEntry]:
    """Yield each page that the site's sitemaps name, once, products' files first; the plan holds the story.

    Args:
        plan: where to begin, and how much to read.
        fetch: returns a file's body in chunks. A JobError that it raises costs this file alone: the plan names it
            among its problems and is not complete; a body that stops so is read up to there.
    """
    given: set[str] = set()
    while step := plan.next_step():
        failure: list[JobError] = []
        read = read_sitemap(
            _chunks(fetch, step.address, failure), step.address, hosts=plan.hosts, limits=plan.limits.file
        )
        for error in failure:
            plan.add_failure(step, error.code, str(error))
        if failure and not read.entries and not read.subs:
            continue
        for entry in plan.add_read(step, read):
            if entry.address not in given:
                given.add(entry.address)
                yield entry


def _chunks(fetch: Fetch, address: str, failure: list[JobError]) -> Iterator[bytes]:
    try:
        yield from fetch(address)
    except JobError as error:
        failure.append(error)
