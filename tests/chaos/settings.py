"""The engine alone, with the queues of chaos, or of the kill matrix, instead of all others."""

from tests.chaos.cells import CELLS
from tests.settings import *

# A worker that loads no product starts in half the time, and chaos starts hundreds.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "jobs",
    "django_rq",
    "tests.workload",
    "tests.chaos",
]
JOB_QUEUES = [cell.queue for cell in CELLS] if env.bool("KILL_MATRIX", False) else ["chaos", "chaos-bulk"]
RQ_QUEUES = dict.fromkeys(JOB_QUEUES, RQ_QUEUES["sync-seller"])
