from django.db import migrations


class Migration(migrations.Migration):
    """Number events from a sequence of their own, which outlives what Redis keeps."""

    dependencies = [("jobs", "0003_permission_to_view_sensitive_jobs")]

    operations = [migrations.RunSQL("CREATE SEQUENCE jobs_event_number", "DROP SEQUENCE jobs_event_number")]
