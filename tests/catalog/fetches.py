"""Addresses fetched by the real client, for tests of what it answers."""

import asyncio
from collections.abc import Sequence

from catalog.fetching import FetchSession
from catalog.replies import Reply, Request
from jobs.errors import JobError


def fetch_all(requests: Sequence[Request]) -> list[Reply | JobError]:
    """Get the addresses at once; one outcome each, in the order given."""
    return asyncio.run(_fetch_all(requests))


async def _fetch_all(requests: Sequence[Request]) -> list[Reply | JobError]:
    async with FetchSession() as session:
        return await asyncio.gather(*(_outcome(session, request) for request in requests))


async def _outcome(session: FetchSession, request: Request) -> Reply | JobError:
    try:
        return await session.send(request)
    except JobError as error:
        return error
