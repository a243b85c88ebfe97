"""The product's settings with a workload of our own beside it: tasks whose every execution can be counted."""

from marketplace.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workload"]  # noqa: F405
WORKLOAD_QUEUES = ["noop-16", "noop-64", "noop-256", "workload"]
JOB_QUEUES = [*JOB_QUEUES, *WORKLOAD_QUEUES]  # noqa: F405
RQ_QUEUES = {
    **RQ_QUEUES,  # noqa: F405
    **{name: RQ_QUEUES["sync-seller"] for name in WORKLOAD_QUEUES},  # noqa: F405
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
