"""The audit log only grows: the database refuses to change, delete or empty it, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION jobs_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER jobs_audit_unchanged BEFORE UPDATE OR DELETE ON jobs_audit
    FOR EACH STATEMENT EXECUTE FUNCTION jobs_audit_only_grows();
"""
REFUSE_TRUNCATE = """
CREATE TRIGGER jobs_audit_not_emptied BEFORE TRUNCATE ON jobs_audit
    FOR EACH STATEMENT EXECUTE FUNCTION jobs_audit_only_grows();
"""
ALLOW_TRUNCATE = "DROP TRIGGER IF EXISTS jobs_audit_not_emptied ON jobs_audit"
ALLOW = f"""
{ALLOW_TRUNCATE};
DROP TRIGGER jobs_audit_unchanged ON jobs_audit;
DROP FUNCTION jobs_audit_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_permission_to_view_sensitive_jobs"), ("jobs", "0004_number_events")]

    operations = [migrations.RunSQL(REFUSE + REFUSE_TRUNCATE, ALLOW)]
