"""Real worker and dispatcher processes on the test's own database."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

from jobs.models import Worker


class Fleet:
    """Starts processes, which load the engine and the workload but no product, and ends them all."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.processes: list[subprocess.Popen[bytes]] = []
        database = connection.settings_dict
        user = f"{database['USER']}:{database['PASSWORD']}@" if database["PASSWORD"] else f"{database['USER']}@"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{user}{database['HOST']}:{database['PORT']}/{database['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "CACHE_URL": settings.CACHE_URL,
            "SECRET_KEY": settings.SECRET_KEY,
            "DJANGO_SETTINGS_MODULE": "tests.workload.settings",
        }

    def without_redis(self) -> None:
        """Let the processes started from now on find no Redis."""
        self.environment["REDIS_URL"] = "redis://127.0.0.1:1/0"

    def set(self, **variables: str) -> None:
        """Give the processes started from now on these variables."""
        self.environment |= variables

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `manage.py ARGUMENTS`; the checks are left out, for they would load the pages of the product."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments, "--skip-checks"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def worker(self, queue: str = "workload", *options: str) -> subprocess.Popen[bytes]:
        """Start a worker and wait until PostgreSQL sees it alive."""
        process = self.start("rqworker", queue, *options)
        self.until(lambda: Worker.objects.filter(pid=process.pid, ended_at=None).exists(), "a worker to register")
        return process

    def until(self, is_done: Callable[[], bool], what: str, *, deadline_s: float = 30) -> None:
        """Wait for a condition; fail with the processes' log when it does not come."""
        stop_at = time.monotonic() + deadline_s
        while not is_done():
            if time.monotonic() > stop_at:
                raise AssertionError(f"waited {deadline_s} s for {what}\n{self.log.read_text()[-5000:]}")
            threading.Event().wait(0.02)

    def end(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
