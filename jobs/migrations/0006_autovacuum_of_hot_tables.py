from django.db import migrations

# A job is written four times in its life (pending, running, final, and away), and no update of it can be HOT: its state
# stands in the conditions of the indexes. So dead rows grow as fast as work is done, and claims wade through their index
# entries. The server's defaults (a fifth of the table, 2 ms of rest every 200 cost units) let them reach 200,000 in a
# table of a million, and vacuum one table for minutes. Here it comes early and does not rest.
# On a ledger that is kept small they change nothing (measured 2026-11-25); autovacuum_naptime does: docs/engine/tuning.md.
# The outbox and the lanes are small and change all the time: they are vacuumed by number, not by share; lanes, gates and
# minutes leave room on each page so that their updates can be HOT.
SETTINGS = {
    "jobs_job": "autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, "
    "autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 5000",
    "jobs_jobevent": "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, "
    "autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_threshold = -1",
    "jobs_jobkey": "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0",
    "jobs_lane": "fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, "
    "autovacuum_vacuum_cost_delay = 0",
    "jobs_gate": "fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500",
    "jobs_worker": "fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500",
    "jobs_taskminute": "fillfactor = 70",
}


def _statements():
    for table, settings in SETTINGS.items():
        names = ", ".join(part.split("=")[0].strip() for part in settings.split(", "))
        yield migrations.RunSQL(f"ALTER TABLE {table} SET ({settings})", f"ALTER TABLE {table} RESET ({names})")


class Migration(migrations.Migration):
    """Vacuum the ledger early and without rest."""

    dependencies = [("jobs", "0005_audit_only_grows")]

    operations = [*_statements()]
