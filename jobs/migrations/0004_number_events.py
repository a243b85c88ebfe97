from django.db import migrations


class Migration(migrations.Migration):
    """Number events from a sequence of their own, which outlives what Redis keeps."""

    dependencies = [("jobs", "0002_fairness_gates_workflows_schedules_events")]

    operations = [migrations.RunSQL("CREATE SEQUENCE jobs_event_number", "DROP SEQUENCE jobs_event_number")]
