"""`packaging/bootstrap.py`: which commands it runs, and which exit code it gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/env/bin/python"
CHECKS = ["ruff check .", "ruff format --check .", "mypy", "lint-imports"]
ALL_TESTS = "coverage run -m pytest -n 2 --dist loadfile"
MEASURED = ["coverage erase", ALL_TESTS, "coverage combine --quiet", "coverage report"]


class Commands:
    """Stands in for `call`: keeps what is run and answers with exit codes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.codes: dict[str, int] = {}

    def __call__(self, command: list[str]) -> int:
        """The exit code set for the command; 0 for any other."""
        line = " ".join(command).removeprefix(f"{PYTHON} -m ").removeprefix("/env/bin/")
        self.lines.append(line)
        return self.codes.get(line, 0)


@pytest.fixture
def bootstrap() -> ModuleType:
    """The file as a module: its folder is no package that could be imported."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "packaging" / "bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def commands(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What it runs, with an environment that is already set up."""
    fake = Commands()
    monkeypatch.setattr(bootstrap, "run_command", fake)
    monkeypatch.setattr(bootstrap, "set_up_environment", lambda command: PYTHON)
    return fake


def test_check_runs_no_test(bootstrap: ModuleType, commands: Commands) -> None:
    """`check` looks at lint, format, types and import contracts, in this order."""
    assert bootstrap.main(["check"]) == 0
    assert commands.lines == CHECKS


def test_check_refuses_all_further_arguments(
    bootstrap: ModuleType, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` with an argument is an error, not a check of something else."""
    assert bootstrap.main(["check", "rm_local"]) == 1
    assert commands.lines == []
    assert "check takes no arguments" in capsys.readouterr().err


def test_the_whole_suite_is_measured(bootstrap: ModuleType, commands: Commands) -> None:
    """`test` alone runs the checks, then all tests under coverage, and ends with its report."""
    assert bootstrap.main(["test"]) == 0
    assert commands.lines == [*CHECKS, *MEASURED]


def test_chosen_tests_are_not_measured(bootstrap: ModuleType, commands: Commands) -> None:
    """Arguments go to pytest after the checks, and no coverage of a part is printed."""
    assert bootstrap.main(["test", "tests/unit/test_text.py", "-k", "escape"]) == 0
    assert commands.lines == [*CHECKS, "pytest tests/unit/test_text.py -k escape"]


def test_fast_runs_the_quick_unit_tests_alone(bootstrap: ModuleType, commands: Commands) -> None:
    """`test --fast` leaves the checks and slow tests out; pytest gets what follows it."""
    assert bootstrap.main(["test", "--fast", "-x"]) == 0
    assert commands.lines == ["pytest tests/unit -m not slow -x"]


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        ({"mypy": 1}, 1),
        ({ALL_TESTS: 2}, 2),
        ({"mypy": 3, "coverage report": 4}, 3),
    ],
)
def test_a_failure_stops_nothing_and_is_reported(
    bootstrap: ModuleType, commands: Commands, failing: dict[str, int], code: int
) -> None:
    """Every command is run, so that one run names all faults; the first bad code counts."""
    commands.codes = failing
    assert bootstrap.main(["test"]) == code
    assert commands.lines == [*CHECKS, *MEASURED]


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["tests"], 2), (["--help"], 0), (["-h"], 0)]
)
def test_other_words_print_the_commands(
    bootstrap: ModuleType,
    commands: Commands,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
) -> None:
    """Without a command that exists, all of them are explained and nothing is run."""
    assert bootstrap.main(arguments) == code
    assert commands.lines == []
    printed = capsys.readouterr().out
    for form in ("run [--ask QUESTION]", "check", "test [--fast] [arguments of pytest]"):
        assert f"python3 packaging/bootstrap.py {form}" in printed


PIP = [
    "Obtaining file:///checkout",
    "Collecting textual>=8.2 (from rm-local==0.1.0)",
    "  Downloading textual-8.2.8-py3-none-any.whl (700 kB)",
    "Collecting numpy>=2 (from rm-local==0.1.0)",
    "  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)",
]


@pytest.mark.parametrize(
    ("more", "stage", "packages"),
    [
        ([], "fetching numpy (16.9 MB)", 2),
        (
            ["  Building wheel for llama_cpp_python (pyproject.toml): started"],
            "compiling llama.cpp",
            2,
        ),
        (["Installing collected packages: a, b, c"], "installing", 3),
        (["a line that no version of pip has printed (1 MB)"], "fetching numpy (16.9 MB)", 2),
    ],
)
def test_pips_output_becomes_one_line(
    bootstrap: ModuleType, more: list[str], stage: str, packages: int
) -> None:
    """What is done now, how many packages there are, and the megabytes fetched so far."""
    progress = bootstrap.Progress()
    for line in [*PIP, *more]:
        progress.read_line(f"{line}\n")
    assert (progress.stage, progress.packages) == (stage, packages)
    assert progress.megabytes == pytest.approx(17.6)


@pytest.mark.parametrize(("command", "built"), [("run", True), ("run", False), ("test", False)])
def test_what_it_takes_is_said_beforehand(bootstrap: ModuleType, command: str, built: bool) -> None:
    """Megabytes of both kinds; minutes only where llama.cpp is compiled."""
    said = bootstrap.explain_needs(command, Path("/env"), built)
    download, disk = bootstrap.NEEDS[command]
    assert f"{download:,} MB to download, {disk:,} MB on disk" in said
    assert ("minutes" in said) == (not built)


@pytest.mark.parametrize(
    ("installed", "cached", "built"),
    [
        ("0.3.36", "", True),
        ("0.3.35", "", False),
        ("0.3.35", "/cache/llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl", True),
        (None, "/cache/llama_cpp_python-0.3.35-py3-none-linux_x86_64.whl", False),
        (None, "", False),
    ],
)
def test_another_version_of_llama_cpp_has_to_be_compiled(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    installed: str | None,
    cached: str,
    built: bool,
) -> None:
    """Only the pinned version counts, in the environment and in pip's cache."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("llama_cpp_python==0.3.36\n")
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", constraints)
    shown = f"Name: llama_cpp_python\nVersion: {installed}\n" if installed else ""
    answers = {"show": shown, "cache": f"{cached}\n"}
    monkeypatch.setattr(bootstrap, "read_output", lambda command: answers[command[3]])
    assert bootstrap.is_engine_built(PYTHON) == built


@pytest.mark.parametrize("built", [True, False])
def test_a_compiler_is_needed_only_where_llama_cpp_is_compiled(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: bool
) -> None:
    """Without one, the error says how to get it."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PROGRAMFILES(X86)", str(tmp_path))
    if built:
        bootstrap.require_compiler(built)
        return
    with pytest.raises(bootstrap.SetupError, match="no C\\+\\+ compiler"):
        bootstrap.require_compiler(built)


@pytest.mark.parametrize("printed", ["ERROR: no such package", "c++: fatal error", ""])
def test_a_failure_names_the_log(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    printed: str,
) -> None:
    """What pip said is in the log and, its last lines, on the screen."""
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", tmp_path)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{printed}' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(bootstrap.SetupError, match=r"setup\.log says why"):
        bootstrap.install_target(str(python), "target", tmp_path / "setup.log")
    assert (tmp_path / "setup.log").read_text() == f"{printed}\n"
    assert printed in capsys.readouterr().err


def test_only_tests_install_torch(bootstrap: ModuleType) -> None:
    """README's first command installs no extra."""
    assert bootstrap.EXTRAS["run"] == ""
    assert "bulk" in bootstrap.EXTRAS["test"]
