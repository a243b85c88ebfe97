"""The product's settings with a workload of our own beside it: tasks whose every execution can be counted."""

from marketplace.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workload"]
WORKLOAD_QUEUES = ["noop-16", "noop-64", "noop-256", "nap", "lone", "workload"]
JOB_QUEUES = [*JOB_QUEUES, *WORKLOAD_QUEUES]
RQ_QUEUES = {
    **RQ_QUEUES,
    **dict.fromkeys(WORKLOAD_QUEUES, RQ_QUEUES["sync-seller"]),
}
JOB_SCHEDULES = {}  # a test's dispatcher enqueues what the test asks for, and nothing else
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
