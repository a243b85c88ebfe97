"""The engine alone, for chaos: its own queues instead of all others, and the store that is never wiped."""

from tests.chaos.cells import CELLS
from tests.settings import *

CHAOS_STORE_URL = env.str("CHAOS_STORE_URL", "")
MATRIX_QUEUES = [cell.queue for cell in CELLS]

# A worker that loads no product starts in half the time, and chaos starts hundreds.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_rq",
    "jobs",
    "tests.workload",
    "tests.chaos",
]
JOB_QUEUES = MATRIX_QUEUES if env.bool("KILL_MATRIX", False) else ["chaos", "chaos-bulk"]
RQ_QUEUES = dict.fromkeys(JOB_QUEUES, RQ_QUEUES["sync-seller"])
