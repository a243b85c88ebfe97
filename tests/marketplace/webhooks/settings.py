"""The engine and the marketplace alone: a worker that loads no catalog starts in half the time."""

from tests.settings import *

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "jobs", "django_rq", "marketplace"]
JOB_QUEUES = ["sync-seller", "notify-seller", "deliver-webhook"]
RQ_QUEUES = {name: RQ_QUEUES[name] for name in JOB_QUEUES}
