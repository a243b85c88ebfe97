"""Become another program that dies with its supervisor; run as a script, before any package can be imported.

PostgreSQL refuses to run as root, or as a user without a name. A supervisor that is either passes `--as`:
`namespace` makes the program see itself as an ordinary user in a user namespace of its own, with files still the
real user's; `nobody` really changes the user, and keeps only the right to pass folders that others may not enter.
"""

import argparse
import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter_namespace() -> None:
    """Make this process see itself as nobody, a user with a name, while its files stay those of the real user."""
    user, group = os.geteuid(), os.getegid()
    _checked(_libc().unshare(CLONE_NEWUSER), "unshare")
    maps = (("uid_map", f"{NOBODY} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{NOBODY} {group} 1"))
    for name, text in maps:
        Path(f"/proc/self/{name}").write_text(text)


def become_nobody() -> None:
    """Change the user for good, keeping CAP_DAC_OVERRIDE so that a private parent folder is no obstacle."""
    libc = _libc()
    _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; low and high words
    _checked(libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "ambient capability")


def main() -> None:
    """Arrange how the program ends and who it is, then become it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=signal.SIGKILL)
    parser.add_argument("--as", dest="identity", choices=["self", "namespace", "nobody"], default="self")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.identity == "namespace":
        enter_namespace()
    elif options.identity == "nobody":
        become_nobody()
    if platform.system() == "Linux":  # after the change of user, which would clear it
        _checked(_libc().prctl(PR_SET_PDEATHSIG, options.death_signal, 0, 0, 0), "parent death signal")
    if os.getppid() != options.parent:
        sys.exit("the supervisor ended before its child began")
    try:
        os.execvp(options.command[0], options.command)  # noqa: S606 - the whole purpose; no shell is involved
    except OSError as error:
        sys.exit(f"{options.command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
