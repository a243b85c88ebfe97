"""When a worker process has done enough: what leaks in libraries, a browser or a model goes with it."""


def spent_reason(*, jobs_done: int, memory_bytes: int, max_jobs: int, max_mb: int) -> str | None:
    """Say why a worker should make room for a fresh one, or None while it should not.

    Args:
        jobs_done: jobs that it has brought to an end.
        memory_bytes: its resident memory.
        max_jobs: after how many it is replaced; 0: never.
        max_mb: above how much memory, in MiB, it is replaced; 0: never.
    """
    if max_jobs and jobs_done >= max_jobs:
        return f"{jobs_done} jobs done, of {max_jobs}"
    if max_mb and memory_bytes > max_mb * 2**20:
        return f"{memory_bytes // 2**20} MiB in use, above {max_mb}"
    return None
