"""Reading an address from a terminal, and saying why where that fails."""

import json
from collections.abc import Callable
from typing import TypeVar

from django.core.management.base import BaseCommand, CommandError

from catalog.browser import close_process_browser
from catalog.remedies import remedy_for, told_problem
from jobs.errors import JobError

T = TypeVar("T")


def read_or_say_why(command: BaseCommand, address: str, read: Callable[[str], T], *, as_json: bool) -> T:
    """Return read(address); the browser is closed afterwards.

    Raises:
        CommandError: it could not be read; with as_json the reason is written as one line of JSON as well.
    """
    try:
        return read(address)
    except JobError as error:
        if as_json:
            answer = {"address": address, "error": told_problem(error)}
            command.stdout.write(json.dumps(answer, ensure_ascii=False))
        raise CommandError(f"{error.code}: {error}. {remedy_for(error.code)}") from error
    finally:
        close_process_browser()
