"""Set rm-local up from a checkout, with nothing but Python, and run it or its tests.

    python3 packaging/bootstrap.py run [--ask QUESTION]
    python3 packaging/bootstrap.py check
    python3 packaging/bootstrap.py test [--fast] [arguments of pytest]

check         lint, format, types, import contracts
test          check, then all tests, then the branch coverage of rm_local, child processes included
test --fast   the unit tests that are not marked as slow, and nothing else
test ARGUMENTS   check, then pytest with the arguments: a file, -k WORD, --snapshot-update

Installs into the active virtual environment, or else into `.venv` in the checkout: for `run` what
answering needs, for the others the extras of the tests, too, with torch. pip's output goes to
`rm-local-setup.log` there. A second run installs nothing unless pyproject.toml or the constraints
have changed. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
EXTRAS = {"run": "", "test": "[test,train,math,bulk]"}
NEEDS = {"run": (130, 270), "test": (700, 1_800)}
"""Megabytes to download, and megabytes on disk, measured on Linux; llama.cpp's source included."""
ENGINE = "llama_cpp_python"
LOG = "rm-local-setup.log"
SHOWN_LINES = 8
"""Last lines of pip's output that are shown if it fails."""
TICK_S, REPORT_S = 0.5, 30.0
"""Seconds between two lines of progress: on a terminal, where one is redrawn, and elsewhere."""
QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
OLDEST = (3, 11)
COMPILERS = ("c++", "g++", "clang++", "cl")
COMPILER_HELP = {
    "linux": "Debian, Ubuntu: sudo apt install g++   Fedora: sudo dnf install gcc-c++",
    "darwin": "Run: xcode-select --install",
    "win32": "Install the Build Tools for Visual Studio with 'Desktop development with C++'.",
}


class SetupError(Exception):
    """Set-up is impossible; the text says what is missing and what the user can do."""


def main(arguments: list[str]) -> int:
    """Run the command named by the first argument; return its exit code.

    Without a command, or with --help, print the usage. A set-up error is printed, with code 1.
    """
    commands = {"run": run_app, "check": run_checks, "test": run_tests}
    if not arguments or arguments[0] not in commands:
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        if sys.version_info < OLDEST:
            have = ".".join(map(str, sys.version_info[:3]))
            raise SetupError(
                f"This is Python {have}; rm-local needs 3.11 or later.\n"
                "Run this file with a newer one, for example: python3.12 ..."
            )
        return commands[arguments[0]](arguments[1:])
    except SetupError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_app(arguments: list[str]) -> int:
    """Set up, then open the app; return its exit code.

    Without a terminal, or with `--ask QUESTION`, run `rm-local doctor` and ask one question.
    """
    if arguments and (arguments[0] != "--ask" or len(arguments) > 2):
        raise SetupError("run takes nothing, or: --ask QUESTION")
    python = set_up_environment("run")
    app = [python, "-m", "rm_local"]
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        return run_command(app)
    question = arguments[1] if len(arguments) == 2 else QUESTION
    print("\nrm-local doctor\n", flush=True)
    code = run_command([*app, "doctor"])
    if code:
        return code
    print(f"\nrm-local ask {question!r}\n", flush=True)
    return run_command([*app, "ask", question])


def run_checks(arguments: list[str]) -> int:
    """Set up, then check lint, format, types and import contracts; return the first bad code."""
    if arguments:
        raise SetupError("check takes no arguments")
    return run_commands(list_check_commands(set_up_environment("test")))


def run_tests(arguments: list[str]) -> int:
    """Set up, then run the checks and pytest, with `arguments` or on all tests with coverage.

    With `--fast` first, run only the quick unit tests, and pass pytest the other arguments.
    Returns the first bad exit code, or 0.
    """
    python = set_up_environment("test")
    pytest = [python, "-m", "pytest"]
    if arguments[:1] == ["--fast"]:
        return run_commands([[*pytest, "tests/unit", "-m", "not slow", *arguments[1:]]])
    if arguments:
        return run_commands([*list_check_commands(python), [*pytest, *arguments]])
    return run_commands([*list_check_commands(python), *list_coverage_commands(python)])


def list_check_commands(python: str) -> list[list[str]]:
    """Return the commands that check the code without running it; `python` is the environment's."""
    return [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [str(Path(python).parent / "lint-imports")],
    ]


def list_coverage_commands(python: str) -> list[list[str]]:
    """Return the commands that run all tests under coverage.py and report the coverage."""
    coverage = [python, "-m", "coverage"]
    return [
        [*coverage, "erase"],
        [*coverage, "run", "-m", "pytest"],
        [*coverage, "combine", "--quiet"],
        [*coverage, "report"],
    ]


def run_commands(commands: list[list[str]]) -> int:
    """Run every command, also after one has failed; return the first bad exit code, or 0."""
    codes = []
    for command in commands:
        print(f"\n$ {' '.join([Path(command[0]).name, *command[1:]])}", flush=True)
        codes.append(run_command(command))
    return next((code for code in codes if code), 0)


def set_up_environment(command: str) -> str:
    """Install rm-local with what `command` needs, unless it is installed.

    Returns the path of the environment's Python.

    Raises:
        SetupError: There is no compiler, or pip failed.
    """
    python = find_or_make_environment()
    prefix = Path(python).parent.parent
    stamp = prefix / "rm-local-setup.json"
    wanted = compute_fingerprint()
    done = json.loads(stamp.read_text()) if stamp.exists() else {}
    if wanted in (done.get(command), done.get("test")):
        return python
    built = is_engine_built(python)
    require_compiler(built)
    print(explain_needs(command, prefix, built), flush=True)
    started = time.monotonic()
    install_target(python, f"{ROOT}{EXTRAS[command]}", prefix / LOG)
    stamp.write_text(json.dumps({**done, command: wanted}))
    print(f"Set up in {format_time(time.monotonic() - started)}.", flush=True)
    return python


def explain_needs(command: str, prefix: Path, built: bool) -> str:
    """Return what the set-up will take: megabytes, and minutes if llama.cpp is compiled."""
    download, disk = NEEDS[command]
    engine = (
        "llama.cpp is compiled already."
        if built
        else "llama.cpp is compiled for this machine, once: 3 to 10 minutes."
    )
    return (
        f"Setting up in {prefix}: up to {download:,} MB to download, {disk:,} MB on disk.\n{engine}"
    )


def is_engine_built(python: str) -> bool:
    """Return whether the pinned llama.cpp is installed, or a wheel of it is in pip's cache."""
    pinned = re.search(rf"(?m)^{ENGINE}==(\S+)", CONSTRAINTS.read_text("utf-8"))
    assert pinned
    pip = [python, "-m", "pip"]
    if f"Version: {pinned[1]}" in read_output([*pip, "show", ENGINE]).splitlines():
        return True
    cached = read_output([*pip, "cache", "list", "--format=abspath", ENGINE])
    return f"{ENGINE}-{pinned[1]}-" in cached


def install_target(python: str, target: str, log: Path) -> None:
    """Let pip install `target` under the constraints; its output goes to `log`.

    Raises:
        SetupError: pip failed.
    """
    command = [python, "-m", "pip", "install", "--constraint", str(CONSTRAINTS)]
    command += ["--progress-bar", "off", "--editable", target]
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("w", encoding="utf-8") as file:
        pip = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        try:
            last = follow_pip(pip, file, Progress())
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
    if pip.wait():
        print("\n".join(last), file=sys.stderr)
        raise SetupError(
            f"pip could not install rm-local; {log} says why, and its last lines are above.\n"
            "No network: connect once, rm-local needs none after that. A compiler's error: "
            "see that it is a recent one.\nThen run this again: what was done is kept."
        )


def follow_pip(pip: subprocess.Popen[str], log: IO[str], progress: Progress) -> list[str]:
    """Copy pip's output to `log` and show its progress until it ends; return its last lines."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read_lines() -> None:
        assert pip.stdout
        for line in pip.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read_lines, daemon=True).start()
    last: list[str] = []
    while True:
        try:
            line = lines.get(timeout=TICK_S)
        except queue.Empty:
            line = ""
        if line is None:
            progress.end()
            return last
        if line:
            log.write(line)
            last = [*last, line.rstrip()][-SHOWN_LINES:]
            progress.read_line(line)
        progress.show()


class Progress:
    """What pip does now, read from its output and shown in one line."""

    def __init__(self) -> None:
        self.stage, self.packages, self.megabytes = "looking for packages", 0, 0.0
        self._live, self._started = sys.stdout.isatty(), time.monotonic()
        self._due, self._shown = 0.0, ""

    def read_line(self, line: str) -> None:
        """Follow one line of pip's output."""
        words = line.split()
        if words[:1] in (["Collecting"], ["Processing"], ["Requirement"]):
            self.packages += 1
        elif found := re.match(r"\s+Downloading (\S+) \(([\d.]+) (kB|MB)\)", line):
            size = float(found[2]) / (1 if found[3] == "MB" else 1000)
            self.megabytes += size
            self.stage = f"fetching {found[1].partition('-')[0]} ({size:,.1f} MB)"
        elif "Building wheel for" in line and "started" in line:
            name = "llama.cpp" if ENGINE in line else words[3]
            self.stage = f"compiling {name}"
        elif line.startswith("Installing collected packages"):
            self.packages = line.count(",") + 1
            self.stage = "installing"

    def show(self) -> None:
        """Show the stage: redrawn on a terminal, elsewhere when it has another first word."""
        now, kind = time.monotonic(), self.stage.split()[0]
        if now < self._due and (self._live or kind == self._shown):
            return
        self._due, self._shown = now + (TICK_S if self._live else REPORT_S), kind
        width = shutil.get_terminal_size().columns - 1
        text = f"{format_time(now - self._started)}: {self.packages} packages, "
        text += f"{self.megabytes:,.0f} MB fetched, {self.stage}"
        if self._live:
            print(f"\r\x1b[K{text[:width]}", end="", flush=True)
        else:
            print(text, flush=True)

    def end(self) -> None:
        """Clear the line on a terminal."""
        if self._live:
            print("\r\x1b[K", end="", flush=True)


def format_time(seconds: float) -> str:
    """Format seconds as `8 s` or `2:05 min`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02} min"


def read_output(command: list[str]) -> str:
    """Return what a command writes to standard output."""
    return subprocess.run(command, check=False, capture_output=True, encoding="utf-8").stdout


def find_or_make_environment() -> str:
    """Return the Python of the active virtual environment, or of `.venv`; make that if missing.

    Raises:
        SetupError: Python could not make a virtual environment.
    """
    if sys.prefix != sys.base_prefix:
        return sys.executable
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() and run_command([sys.executable, "-m", "venv", str(folder)]):
        shutil.rmtree(folder, ignore_errors=True)
        raise SetupError(
            "Python could not make a virtual environment.\n"
            "Debian, Ubuntu: sudo apt install python3-venv"
        )
    return str(python)


def compute_fingerprint() -> str:
    """Return a hash of the checkout's path, of pyproject.toml and of the constraints."""
    seal = hashlib.sha256(str(ROOT).encode())
    for file in (PROJECT, CONSTRAINTS):
        seal.update(file.read_bytes())
    return seal.hexdigest()


def require_compiler(built: bool) -> None:
    """Check that llama.cpp can be compiled, unless it is `built`.

    Raises:
        SetupError: llama.cpp is still to be compiled, and there is no C++ compiler.
    """
    if built or os.environ.get("CXX") or any(map(shutil.which, COMPILERS)):
        return
    programs = Path(os.environ.get("PROGRAMFILES(X86)", ""))
    if (programs / "Microsoft Visual Studio" / "Installer" / "vswhere.exe").exists():
        return
    raise SetupError(
        "There is no C++ compiler, and llama.cpp has to be compiled.\n"
        + COMPILER_HELP.get(sys.platform, "Install g++ or clang++.")
    )


def run_command(command: list[str]) -> int:
    """Run the command in the checkout; return its exit code, or 128 + n if signal n ended it."""
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    code = subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
