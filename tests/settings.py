"""The product's settings with a workload of our own beside it: tasks whose every execution can be counted."""

import os
import sys
from urllib.parse import urlsplit

# Tests run in several processes, which inherit the addresses of the stack from the one that starts them; to settings
# that would be services of somebody else. Not so the commands that tests start: they are given addresses on purpose.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if PROCESS and "execnet" in sys.modules and os.environ.get("TESTS_ARE_EMBEDDED"):
    for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI"):
        os.environ.pop(name, None)

from marketplace.settings import *

if EMBEDDED:
    os.environ["TESTS_ARE_EMBEDDED"] = "1"

# Each process has a database (pytest-django's doing), a Redis database and files of its own.
if PROCESS:
    REDIS_URL = urlsplit(REDIS_URL)._replace(path=f"/{int(PROCESS) + 1}").geturl()
    CACHE_URL = urlsplit(CACHE_URL)._replace(path=f"/{int(PROCESS) + 1}").geturl()
    CACHES["default"]["LOCATION"] = CACHE_URL
    RQ_QUEUES = {name: queue | {"URL": REDIS_URL} for name, queue in RQ_QUEUES.items()}
    MEDIA_ROOT = VAR_DIR / f"media-{PROCESS}"
    JOB_SPOOL_DIR = VAR_DIR / f"spool-{PROCESS}"

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workload"]
WORKLOAD_QUEUES = ["noop-16", "noop-64", "noop-256", "nap", "lone", "crowd", "mixed", "workload"]
JOB_QUEUES = [*JOB_QUEUES, *WORKLOAD_QUEUES]
RQ_QUEUES = {
    **RQ_QUEUES,
    **dict.fromkeys(WORKLOAD_QUEUES, RQ_QUEUES["sync-seller"]),
}
SEARCH_BEHIND = False  # a thread would not see what stands in a test's transaction
JOB_SCHEDULES = {}  # a test's dispatcher enqueues what the test asks for, and nothing else
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
