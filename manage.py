#!/usr/bin/env python
"""Run one of Souk's commands; `manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

from marketplace.stack.rendezvous import NOT_RUNNING, NOT_RUNNING_URL


def main() -> None:
    """Run the command; say what to do when it needs a stack and none is there."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        if os.environ.get("DATABASE_URL") == NOT_RUNNING_URL:
            sys.exit(NOT_RUNNING)
        raise


if __name__ == "__main__":
    main()
