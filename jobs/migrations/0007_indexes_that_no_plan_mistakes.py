from django.db import migrations, models


class Migration(migrations.Migration):
    """Let no statistics lead a plan to job_fair that did not ask for it; find what failed without reading the ledger."""

    dependencies = [("jobs", "0006_autovacuum_of_hot_tables")]

    operations = [
        migrations.RemoveIndex("job", name="job_fair"),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["queue", "priority", "tenant", "vtime"],
                name="job_fair",
                condition=models.Q(state__in=["pending", "gated"], vtime__gte=0),
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["state", "id"],
                name="job_given_up",
                condition=models.Q(state__in=["failed", "dead", "cancelled"]),
            ),
        ),
    ]
