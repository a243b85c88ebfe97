"""Processor time, which other work on the machine changes far less than it changes wall-clock rates."""

from collections.abc import Iterable

import psutil
from django.conf import settings

from marketplace.stack.rendezvous import running_stack


def cpu_s(pids: Iterable[int]) -> float:
    """Return what the processes, all their children, and the stack's services have used so far, in seconds.

    Services that run elsewhere, because DATABASE_URL or REDIS_URL names them, are not counted.
    """
    state = running_stack(settings.VAR_DIR) or {"processes": {}}
    services = [state["processes"][name]["pid"] for name in ("postgres", "redis") if name in state["processes"]]
    return sum(_used_s(pid) for pid in [*services, *pids])


def cpu_s_of_services() -> dict[str, float]:
    """Return what each of the stack's services has used so far, with all its children, in seconds."""
    state = running_stack(settings.VAR_DIR) or {"processes": {}}
    return {name: _used_s(service["pid"]) for name, service in state["processes"].items()}


def _used_s(pid: int) -> float:
    process = psutil.Process(pid)
    total_s = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            used = each.cpu_times()
        except psutil.NoSuchProcess:  # its parent counts it from now on
            continue
        total_s += used.user + used.system + used.children_user + used.children_system
    return total_s


def rss_mib(pid: int) -> float:
    """Return the memory of a process and its children, in MiB."""
    process = psutil.Process(pid)
    return float(sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])) / 2**20
