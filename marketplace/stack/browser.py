"""Make sure that there is a browser to read catalogs with: `python -m marketplace.stack.browser`."""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DEBIAN_PACKAGES = ("chromium-headless-shell", "chromium")
INSTALL_LIMIT_S = 600
ADVICE = (
    "No browser could be found or installed. Install Chromium (Debian: apt-get install chromium-headless-shell) "
    "or name one in CHROMIUM_PATH."
)


def works(path: str | None) -> str:
    """Start the browser at path, or Playwright's own; returns what is wrong, nothing when it starts."""
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
            browser.close()
    except PlaywrightError as error:
        return error.message.partition("\n")[0]
    return ""


def find() -> str | None:
    """Return the path of the machine's browser; None where only Playwright's own can serve."""
    return os.environ.get("CHROMIUM_PATH") or next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def install() -> str:
    """Install a browser in the first way that works here; returns what went wrong, nothing on success."""
    problems = []
    for commands in _ways():
        problem = _run_all(commands) or works(find())
        if not problem:
            return ""
        problems.append(problem)
    return "\n".join(problems)


def _ways() -> list[list[list[str]]]:
    ways = [[[sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        update = ["apt-get", "-qq", "update"]
        ways += [[update, ["apt-get", "-qq", "install", "-y", package]] for package in DEBIAN_PACKAGES]
    return ways


def _run_all(commands: list[list[str]]) -> str:
    for command in commands:
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        try:
            subprocess.run(command, check=True, env=environ, timeout=INSTALL_LIMIT_S, stdout=sys.stderr)  # noqa: S603
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(command)}: {error}"
    return ""


def main() -> None:
    """Find a browser that starts, or install one, or say what to do."""
    found = find()
    problem = works(found)
    if not problem:
        print(f"browser: {found or 'the one of Playwright'}")
        return
    if found:
        sys.exit(f"{found} does not start: {problem}\n{ADVICE}")
    problem = install()
    if problem:
        sys.exit(f"{problem}\n{ADVICE}")
    print(f"browser: {find() or 'the one of Playwright'}")


if __name__ == "__main__":
    main()
