"""Where the embedded stack of a var folder tells others how to reach it."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOT_RUNNING_URL = "postgresql://no-stack-is-running@127.0.0.1:1/souk"
NOT_RUNNING = (
    "No stack is running here. Start one with `manage.py stack` (or `make stack`), run this command inside one with "
    "`manage.py stack --run '...'`, or name your own services in DATABASE_URL, REDIS_URL and MILVUS_URI."
)


def stack_file(var_dir: Path) -> Path:
    """Name the file that a running stack keeps up to date."""
    return var_dir / "stack.json"


def lock_file(var_dir: Path) -> Path:
    """Name the file that a running supervisor holds locked: a lock, unlike a pid, cannot outlive its holder."""
    return var_dir / "stack.lock"


def is_supervised(var_dir: Path) -> bool:
    """Tell whether a supervisor of var_dir is alive."""
    try:
        descriptor = os.open(lock_file(var_dir), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def running_stack(var_dir: Path) -> dict[str, Any] | None:
    """Return what the stack of var_dir says of itself; nothing when it is down, whatever file a killed one left.

    The lock says that there is a supervisor, the pid that it is the one which wrote the file: a new one holds the
    lock for a moment before it has removed its predecessor's.
    """
    try:
        state: dict[str, Any] = json.loads(stack_file(var_dir).read_text())
    except FileNotFoundError:
        return None
    return state if _is_alive(state["pid"]) and is_supervised(var_dir) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def embedded_environment(var_dir: Path) -> dict[str, str]:
    """Return the variables that reach the stack of var_dir, and its secrets.

    When no stack runs, DATABASE_URL names no server: commands that need none still work,
    the others fail on their first query.
    """
    values = {
        "DATABASE_URL": NOT_RUNNING_URL,
        "SECRET_KEY": embedded_secret(var_dir),
        "JOB_ENCRYPTION_KEYS": embedded_encryption_key(var_dir),
    }
    state = running_stack(var_dir)
    if state is not None:
        public = {"PUBLIC_URL": state["web_url"]} if state.get("web_url") else {}
        values |= public | state["env"]
    return values


def embedded_secret(var_dir: Path) -> str:
    """Return the secret of var_dir, made on first use and readable by its owner only."""
    return kept_secret(var_dir / "secret-key")


def embedded_encryption_key(var_dir: Path) -> str:
    """Return the key that encrypts the sensitive jobs of var_dir, made on first use: 32 bytes in URL-safe base64."""
    return kept_secret(
        var_dir / "job-encryption-key", make=lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    )


def kept_secret(path: Path, *, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """Return the secret kept at path, made on first use and readable by its owner only."""
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(make())
    try:
        os.link(draft, path)  # atomic: of two first users one wins, and both read the winner's
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Replace the file at path as a whole, readable by its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
