"""The engine and the workload alone: a process that loads no product starts in half the time.

Start it with --skip-checks: the checks would load the pages of the product.
"""

from tests.settings import *

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "jobs", "django_rq", "tests.workload"]
JOB_QUEUES = WORKLOAD_QUEUES
RQ_QUEUES = {name: RQ_QUEUES[name] for name in WORKLOAD_QUEUES}
