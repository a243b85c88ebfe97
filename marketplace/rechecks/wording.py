"""Why a recheck could not be done, for the seller; the errors' own messages speak to our staff."""

from collections.abc import Iterator

from jobs.errors import JobError

CANCELLED = "It was cancelled. Ask again."
OURS = "Something failed on our side, which our staff can see. Ask again later."
OF_THE_SITE = "catalog."  # how the codes begin that tell of the seller's own site


def sentence_for(code: str) -> str:
    """Return the sentence that the error of this code has for everybody; one for all that is nothing of the seller's.

    An empty code: nothing failed, so it was cancelled.
    """
    if not code:
        return CANCELLED
    if not code.startswith(OF_THE_SITE):
        return OURS
    return next((_first_line(it) for it in _members(JobError) if it.code == code), OURS)


def _members(family: type[JobError]) -> Iterator[type[JobError]]:
    """List the errors of a family, each before those that are special cases of it."""
    for member in family.__subclasses__():
        yield member
        yield from _members(member)


def _first_line(error: type[JobError]) -> str:
    return (error.__doc__ or OURS).partition("\n")[0]
