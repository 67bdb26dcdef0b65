"""Set rm-local up from a checkout, with nothing but Python, and run it or its tests.

    python3 packaging/bootstrap.py run [--ask QUESTION]
    python3 packaging/bootstrap.py check
    python3 packaging/bootstrap.py test [--fast] [arguments of pytest]

check         lint, format, types, import contracts
test          check, then all tests, then the branch coverage of rm_local, child processes included
test --fast   the unit tests that are not marked as slow, and nothing else
test ARGUMENTS   check, then what pytest makes of the arguments: a file, -k WORD, --snapshot-update

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
    """What is missing, and what to do about it."""


def main(arguments: list[str]) -> int:
    """The exit code of the app, of the question, or of the first check that fails."""
    commands = {"run": run, "check": check, "test": test}
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


def run(arguments: list[str]) -> int:
    """Open the app; without a terminal, or with `--ask`, check everything and ask one question."""
    if arguments and (arguments[0] != "--ask" or len(arguments) > 2):
        raise SetupError("run takes nothing, or: --ask QUESTION")
    python = set_up("run")
    app = [python, "-m", "rm_local"]
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        return call(app)
    question = arguments[1] if len(arguments) == 2 else QUESTION
    print("\nrm-local doctor\n", flush=True)
    code = call([*app, "doctor"])
    if code:
        return code
    print(f"\nrm-local ask {question!r}\n", flush=True)
    return call([*app, "ask", question])


def check(arguments: list[str]) -> int:
    """Lint, format, types and import contracts."""
    if arguments:
        raise SetupError("check takes no arguments")
    return run_all(checks(set_up("test")))


def test(arguments: list[str]) -> int:
    """The checks, then pytest: with `arguments`, or on all tests and with coverage.

    With `--fast` first, the quick unit tests alone, and pytest gets the other arguments.
    """
    python = set_up("test")
    pytest = [python, "-m", "pytest"]
    if arguments[:1] == ["--fast"]:
        return run_all([[*pytest, "tests/unit", "-m", "not slow", *arguments[1:]]])
    if arguments:
        return run_all([*checks(python), [*pytest, *arguments]])
    return run_all([*checks(python), *measured(python)])


def checks(python: str) -> list[list[str]]:
    """The commands that look at the code without running it."""
    return [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [str(Path(python).parent / "lint-imports")],
    ]


def measured(python: str) -> list[list[str]]:
    """The commands that run all tests under coverage.py and report what they reached."""
    coverage = [python, "-m", "coverage"]
    return [
        [*coverage, "erase"],
        [*coverage, "run", "-m", "pytest"],
        [*coverage, "combine", "--quiet"],
        [*coverage, "report"],
    ]


def run_all(commands: list[list[str]]) -> int:
    """Run every command, also after one has failed; the first bad exit code."""
    codes = []
    for command in commands:
        print(f"\n$ {' '.join([Path(command[0]).name, *command[1:]])}", flush=True)
        codes.append(call(command))
    return next((code for code in codes if code), 0)


def set_up(command: str) -> str:
    """Install what `command` needs, unless it is there; the environment's Python."""
    python = environment()
    prefix = Path(python).parent.parent
    stamp = prefix / "rm-local-setup.json"
    wanted = fingerprint()
    done = json.loads(stamp.read_text()) if stamp.exists() else {}
    if wanted in (done.get(command), done.get("test")):
        return python
    need_compiler(python)
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
    if call(install):
        raise SetupError(
            "pip could not install rm-local; its last lines above say why.\n"
            "No network: connect once, rm-local needs none after that. A compiler's error: "
            "see that it is a recent one.\nThen run this again: what was done is kept."
        )
    stamp.write_text(json.dumps({**done, command: wanted}))
    return python


def environment() -> str:
    """Python of the active virtual environment, or of `.venv`, which is made where it is not."""
    if sys.prefix != sys.base_prefix:
        return sys.executable
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() and call([sys.executable, "-m", "venv", str(folder)]):
        shutil.rmtree(folder, ignore_errors=True)
        raise SetupError(
            "Python could not make a virtual environment.\n"
            "Debian, Ubuntu: sudo apt install python3-venv"
        )
    return str(python)


def fingerprint() -> str:
    """Changes with the checkout's place, its dependencies and their pins."""
    seal = hashlib.sha256(str(ROOT).encode())
    for file in (PROJECT, CONSTRAINTS):
        seal.update(file.read_bytes())
    return seal.hexdigest()


def need_compiler(python: str) -> None:
    """Raise SetupError when llama.cpp is still to be compiled and nothing here can do it."""
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


def call(command: list[str]) -> int:
    """Run it to its end, in the checkout; its exit code, a signal as 128 and its number."""
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    code = subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
