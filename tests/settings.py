"""The product's settings with a workload of our own beside it: tasks whose every execution can be counted."""

import os
from urllib.parse import urlsplit

from marketplace.settings import *

# Tests run in several processes: each has a database (pytest-django's doing), a Redis database, files and a collection.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if PROCESS:
    REDIS_URL = urlsplit(REDIS_URL)._replace(path=f"/{int(PROCESS) + 1}").geturl()
    CACHE_URL = urlsplit(CACHE_URL)._replace(path=f"/{int(PROCESS) + 1}").geturl()
    CACHES["default"]["LOCATION"] = CACHE_URL
    RQ_QUEUES = {name: queue | {"URL": REDIS_URL} for name, queue in RQ_QUEUES.items()}
    MEDIA_ROOT = VAR_DIR / f"media-{PROCESS}"
    JOB_SPOOL_DIR = VAR_DIR / f"spool-{PROCESS}"

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workload"]
WORKLOAD_QUEUES = ["noop-16", "noop-64", "noop-256", "nap", "lone", "crowd", "workload"]
JOB_QUEUES = [*JOB_QUEUES, *WORKLOAD_QUEUES]
RQ_QUEUES = {
    **RQ_QUEUES,
    **dict.fromkeys(WORKLOAD_QUEUES, RQ_QUEUES["sync-seller"]),
}
JOB_SCHEDULES = {}  # a test's dispatcher enqueues what the test asks for, and nothing else
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
