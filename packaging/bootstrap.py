"""Set rm-local up from a checkout, with nothing but Python, and run it or its tests.

    python3 packaging/bootstrap.py run [--ask QUESTION]
    python3 packaging/bootstrap.py check
    python3 packaging/bootstrap.py test [--fast] [arguments of pytest]

check         lint, format, types, import contracts
test          check, then all tests, then the branch coverage of rm_local, child processes included
test --fast   the unit tests that are not marked as slow, and nothing else
test ARGUMENTS   check, then pytest with the arguments: a file, -k WORD, --snapshot-update

Installs into the active virtual environment, or else into `.venv` in the checkout. A second run
installs nothing unless pyproject.toml or the constraints have changed. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
EXTRAS = {"run": "", "test": "[test,train,math]"}
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
    require_compiler(python)
    print(
        f"Setting up in {prefix}: a few minutes the first time, as llama.cpp is compiled "
        "for this machine.",
        flush=True,
    )
    target = f"{ROOT}{EXTRAS[command]}"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--constraint",
        str(CONSTRAINTS),
        "--editable",
        target,
    ]
    if run_command(install):
        raise SetupError(
            "pip could not install rm-local; its last lines above say why.\n"
            "No network: connect once, rm-local needs none after that. A compiler's error: "
            "see that it is a recent one.\nThen run this again: what was done is kept."
        )
    stamp.write_text(json.dumps({**done, command: wanted}))
    return python


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


def require_compiler(python: str) -> None:
    """Check that llama.cpp is installed or can be compiled.

    Raises:
        SetupError: llama.cpp is not installed, and there is no C++ compiler.
    """
    there = subprocess.run(
        [python, "-m", "pip", "show", "--quiet", "llama-cpp-python"],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if there.returncode == 0 or os.environ.get("CXX") or any(map(shutil.which, COMPILERS)):
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
