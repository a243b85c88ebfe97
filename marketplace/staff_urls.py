"""The addresses of the staff's API, under `/api/admin/`."""

from jobs.api.staff_control import (
    StaffGatesView,
    StaffGateView,
    StaffQueuesView,
    StaffTasksView,
    StaffTenantView,
    SwitchTaskView,
    hold_view,
)
from jobs.api.staff_dead_letters import (
    BulkRetriesView,
    BulkRetryView,
    ContinueBulkRetryView,
    DeadLettersView,
    RetryDeadLetterView,
    StopBulkRetryView,
)
from jobs.api.staff_jobs import (
    CancelJobsView,
    CancelJobView,
    PrioritiseJobsView,
    PrioritiseJobView,
    RetryJobView,
    StaffJobsView,
    StaffJobView,
)
from jobs.control import Held
from marketplace.routes import api_paths

_HOLDS = [
    found
    for kind in Held
    for verb in ("pause", "resume")
    for found in api_paths(
        f"admin/{kind}s/<str:name>/{verb}/",
        hold_view(kind, is_pausing=verb == "pause").as_view(),
        name=f"staff-{verb}-{kind}",
    )
]

staff_urls = [
    *_HOLDS,  # before the gates, whose keys may hold a slash
    *api_paths("admin/jobs/", StaffJobsView.as_view(), name="staff-jobs"),
    *api_paths("admin/jobs/cancel/", CancelJobsView.as_view(), name="staff-cancel-jobs"),
    *api_paths("admin/jobs/prioritise/", PrioritiseJobsView.as_view(), name="staff-prioritise-jobs"),
    *api_paths("admin/jobs/<int:job_id>/", StaffJobView.as_view(), name="staff-job"),
    *api_paths("admin/jobs/<int:job_id>/cancel/", CancelJobView.as_view(), name="staff-cancel-job"),
    *api_paths("admin/jobs/<int:job_id>/retry/", RetryJobView.as_view(), name="staff-retry-job"),
    *api_paths("admin/jobs/<int:job_id>/prioritise/", PrioritiseJobView.as_view(), name="staff-prioritise-job"),
    *api_paths("admin/dlq/", DeadLettersView.as_view(), name="staff-dlq"),
    *api_paths("admin/dlq/retry/", BulkRetriesView.as_view(), name="staff-bulk-retries"),
    *api_paths("admin/dlq/retry/<int:job_id>/", RetryDeadLetterView.as_view(), name="staff-retry-letter"),
    *api_paths("admin/dlq/bulk/<int:bulk_id>/", BulkRetryView.as_view(), name="staff-bulk-retry"),
    *api_paths("admin/dlq/bulk/<int:bulk_id>/continue/", ContinueBulkRetryView.as_view(), name="staff-continue-bulk"),
    *api_paths("admin/dlq/bulk/<int:bulk_id>/stop/", StopBulkRetryView.as_view(), name="staff-stop-bulk"),
    *api_paths("admin/queues/", StaffQueuesView.as_view(), name="staff-queues"),
    *api_paths("admin/tasks/", StaffTasksView.as_view(), name="staff-tasks"),
    *api_paths("admin/tasks/<str:name>/switch/", SwitchTaskView.as_view(), name="staff-switch-task"),
    *api_paths("admin/tenants/<str:name>/", StaffTenantView.as_view(), name="staff-tenant"),
    *api_paths("admin/gates/", StaffGatesView.as_view(), name="staff-gates"),
    *api_paths("admin/gates/<path:key>/", StaffGateView.as_view(), name="staff-gate"),
]
