"""`manage.py hasty_dispatcher`."""

from typing import Any

from jobs import dispatch
from jobs.management.commands.dispatcher import Command as Dispatcher


class Command(Dispatcher):
    """Run a dispatcher that loses the lead when it is not heard of for two seconds."""

    help = "For tests: a dispatcher that loses the lead two seconds after it was stopped, not ten."

    def handle(self, *args: Any, **options: Any) -> None:
        """Tick until asked to stop."""
        dispatch.LEADER_SILENCE = "2s"
        super().handle(*args, **options)
