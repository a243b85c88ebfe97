"""Where the embedded stack of a var folder tells others how to reach it."""

import json
import os
import secrets
from pathlib import Path

NOT_RUNNING_URL = "postgresql://no-stack-is-running@127.0.0.1:1/souk"


def stack_file(var_dir: Path) -> Path:
    """Name the file that a running stack keeps up to date."""
    return var_dir / "stack.json"


def embedded_environment(var_dir: Path) -> dict[str, str]:
    """Return the variables that reach the stack of var_dir, and its secret.

    When no stack runs, DATABASE_URL names no server: commands that need none still work,
    the others fail on their first query.
    """
    values = {"DATABASE_URL": NOT_RUNNING_URL, "SECRET_KEY": embedded_secret(var_dir)}
    try:
        state = json.loads(stack_file(var_dir).read_text())
    except FileNotFoundError:
        return values
    return values | state["env"]


def embedded_secret(var_dir: Path) -> str:
    """Return the secret of var_dir, made on first use and readable by its owner only."""
    path = var_dir / "secret-key"
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    var_dir.mkdir(parents=True, exist_ok=True)
    draft = var_dir / f"secret-key.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)  # atomic: of two first users one wins, and both read the winner's
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
