"""What the workload leaves behind, so that a test can count it."""

from django.db import models


class Execution(models.Model):
    """A handler saw the job; written outside the settling transaction, so it counts every run."""

    job_id = models.BigIntegerField()
    batch_size = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"execution of {self.job_id}"


class Effect(models.Model):
    """The job took effect; written by on_settle. Two rows for one subject would break the promise."""

    subject = models.CharField(max_length=100)
    job_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"effect on {self.subject}"
