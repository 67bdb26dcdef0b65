"""Install, upgrade and uninstall rm-local with pipx in an empty home, and check what is left.

    python packaging/try_pipx.py

Builds two wheels of the checkout, the second with a higher version, and installs pipx into a
temporary environment. Packages come from the usual index; pip's cache is used, so that llama.cpp is
compiled at most once. The user's own home is not touched. Exit code 1 if anything is not as it
should be.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = ROOT / "rm_local" / "__init__.py"
NEW = "999.0"
"""A version above that of any checkout."""
ENTRY = '{"subproblem": "How do I tune a harpsichord?", "subroutine": "I should begin with A."}\n'
QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
OWN = (".config/rm-local", ".local/share/rm-local", ".cache/rm-local", ".local/state/rm-local")
"""Folders of the user's settings, sessions, cache and logs."""
TOOLS = (".local/share/pipx/", ".local/state/pipx/", ".cache/pipx/", ".rustup/")
"""Folders of pipx itself, and of a compiler that pip asks for its version."""


class TrialError(Exception):
    """What is not as it should be."""


def main() -> int:
    """Run the trial in a temporary folder; the exit code."""
    with tempfile.TemporaryDirectory(prefix="rm-local-pipx-") as folder:
        try:
            run_trial(Path(folder))
        except TrialError as error:
            print(f"\nerror: {error}", file=sys.stderr)
            return 1
    print("\npipx: installed, used, upgraded, uninstalled; only the user's own files are left.")
    return 0


def run_trial(place: Path) -> None:
    """Install, use, upgrade, use, uninstall; then look at what the home holds."""
    home, wheels = place / "home", place / "wheels"
    home.mkdir()
    environ = make_environment(home)
    python = str(place / "tools" / "bin" / "python")
    call([sys.executable, "-m", "venv", str(place / "tools")], environ)
    call([python, "-m", "pip", "install", "--quiet", "pipx", "hatchling"], environ)
    build_wheel(python, ROOT, wheels, environ)
    pip = f"-c {ROOT / 'packaging' / 'constraints.txt'} --find-links {wheels}"
    call([python, "-m", "pipx", "install", "--pip-args", pip, "rm-local"], environ)
    venv = home / ".local" / "share" / "pipx" / "venvs" / "rm-local"
    print(f"  {measure(venv):,.0f} MB in {venv.relative_to(home)}")
    program = str(home / ".local" / "bin" / "rm-local")
    use(program, home, environ)
    before = list_sessions(program, environ)
    build_wheel(python, copy_checkout(place / "next"), wheels, environ)
    call([python, "-m", "pipx", "upgrade", "rm-local"], environ)
    check(NEW in call([program, "--version"], environ), f"the upgrade does not run as {NEW}")
    check(list_sessions(program, environ) == before, "the upgrade changed the sessions")
    found = call(
        [program, "--store", "mine.rms", "search", "-k", "1", "tune a harpsichord"], environ, home
    )
    check("harpsichord" in found, "the upgrade does not find the user's entry")
    call([python, "-m", "pipx", "uninstall", "rm-local"], environ)
    check_left(home)


def make_environment(home: Path) -> dict[str, str]:
    """The variables of a user whose home is `home`; pip's cache stays the one of this user."""
    cache = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    drop = re.compile("(XDG|PIPX|RM_LOCAL|PYTHON|VIRTUAL_ENV|HF)")
    kept = {name: value for name, value in os.environ.items() if not drop.match(name)}
    return {**kept, "HOME": str(home), "PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def build_wheel(python: str, checkout: Path, wheels: Path, environ: dict[str, str]) -> None:
    """Build the wheel of `checkout` into the folder `wheels`."""
    command = [python, "-m", "hatchling", "build", "--target", "wheel", "-d", str(wheels)]
    call(command, environ, checkout)


def copy_checkout(target: Path) -> Path:
    """Copy what a wheel is built from, with the version NEW; the copy."""
    target.mkdir()
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rm_local", target / "rm_local", ignore=skipped)
    (target / "models").mkdir()
    for file in (ROOT / "models").glob("*.*"):
        shutil.copy(file, target / "models")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, target / name)
    file = target / VERSION.relative_to(ROOT)
    text = re.sub(r'(?m)^__version__ = ".*"', f'__version__ = "{NEW}"', file.read_text("utf-8"))
    file.write_text(text, "utf-8")
    return target


def use(program: str, home: Path, environ: dict[str, str]) -> None:
    """Do what a user does on a first evening, without any extra."""
    (home / "mine.jsonl").write_text(ENTRY, "utf-8")
    call([program, "doctor"], environ, home)
    check("72" in call([program, "ask", QUESTION], environ, home), "the answer is wrong")
    call([program, "search", "-k", "1", "add fractions"], environ, home)
    call([program, "store", "build", "mine.jsonl", "--out", "mine.rms"], environ, home)
    (home / "more.jsonl").write_text(ENTRY.replace("harpsichord", "lute"), "utf-8")
    call([program, "store", "import", "more.jsonl", "--store", "mine.rms"], environ, home)
    refused = ["store", "build", "mine.jsonl", "--out", "no.rms", "--embedder", "some/model"]
    said = call([program, *refused], environ, home, code=3)
    check("pipx inject rm-local" in said, "an absent extra does not name pipx's command")


def list_sessions(program: str, environ: dict[str, str]) -> str:
    """What `sessions` prints."""
    return call([program, "sessions"], environ)


def check_left(home: Path) -> None:
    """Check that neither a program nor an environment is left, and nothing outside known places."""
    left = sorted(str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir())
    print("\nleft in the home:", *left, sep="\n  ")
    mine = {"mine.jsonl", "more.jsonl", "mine.rms"}
    check(mine <= set(left), "the user's own files are gone")
    known = (*OWN, *TOOLS)
    strange = [name for name in left if name not in mine and not name.startswith(known)]
    check(not strange, f"these are left: {', '.join(strange)}")
    environments = [path for path in home.rglob("venvs/*") if path.is_dir()]
    programs = [*(home / ".local" / "bin").glob("*"), *environments]
    check(not programs, f"these are left: {programs}")


def call(
    command: list[str], environ: dict[str, str], folder: Path | None = None, *, code: int = 0
) -> str:
    """Run a command and print how it went; its output. Raises TrialError at another exit code."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    shown = " ".join([Path(command[0]).name, *command[1:]])
    print(f"$ {shown[:100]}  ({time.monotonic() - started:.1f} s)", flush=True)
    if done.returncode != code:
        raise TrialError(f"exit code {done.returncode}, not {code}:\n{done.stdout[-3000:]}")
    return done.stdout


def check(holds: bool, otherwise: str) -> None:
    """Raise TrialError with `otherwise` unless the condition holds."""
    if not holds:
        raise TrialError(otherwise)


def measure(folder: Path) -> float:
    """Megabytes of all files below a folder; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
