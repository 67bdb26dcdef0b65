"""`rm-local` itself: help, version, errors in one shape, and the app."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rm_local import __version__, paths, settings
from rm_local.cli.context import CliContext
from rm_local.cli.main import COMMANDS, cli, run_app_until_quit
from rm_local.errors import CorruptStoreError


def test_help_names_every_command() -> None:
    """`--help` and `-h` list the commands and the exit codes."""
    for flag in ("--help", "-h"):
        result = CliRunner().invoke(cli, [flag])

        assert result.exit_code == 0
        assert all(name in result.stdout for name in COMMANDS)
        assert "130 interrupted" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Each command's --help ends well."""
    result = CliRunner().invoke(cli, [name, "--help"])

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_the_version_options_print_name_and_version() -> None:
    """-V and --version print name and version."""
    for flag in ("-V", "--version"):
        assert CliRunner().invoke(cli, [flag]).stdout == f"rm-local {__version__}\n"


def test_an_unknown_command_is_wrong_usage() -> None:
    """Exit code 2."""
    result = CliRunner().invoke(cli, ["aks"])

    assert result.exit_code == 2
    assert "aks" in result.stderr


def test_the_app_needs_a_terminal() -> None:
    """Without one: exit code 2, and the way to ask all the same."""
    result = CliRunner().invoke(cli, [])

    assert result.exit_code == 2
    assert "rm-local ask" in result.stderr


def test_the_app_gets_the_files_that_were_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is run on a runtime with the model and store of the command line."""
    opened: list[Any] = []

    class App:
        return_code = 7

        def __init__(self, runtime: Any, *, plan: str, thinking: bool, theme: str) -> None:
            assert (plan, thinking, theme) == ("memory", True, "rm-dark")
            opened.append(runtime)

        def run(self) -> None:
            opened.append("run")

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("rm_local.runtime.Runtime", lambda found, **_: found)
    monkeypatch.setattr("rm_local.tui.app.RmLocalApp", App)

    code = run_app_until_quit(CliContext(Path("my.gguf"), (Path("my.rms"),)))

    assert (code, opened[1]) == (7, "run")
    assert (opened[0].model, opened[0].stores) == (Path("my.gguf"), (Path("my.rms"),))


def test_options_are_read_before_and_after_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """--model and --store may stand before the command; its own go over them."""
    opened: list[Any] = []

    def runtime(found: settings.Settings, **_: Any) -> Any:
        opened.append((found.model, *found.stores))
        raise CorruptStoreError("Enough.", "")

    monkeypatch.setattr("rm_local.runtime.Runtime", runtime)
    before = ["--model", "a.gguf", "--store", "a.rms", "ask", "x"]

    CliRunner().invoke(cli, before)
    CliRunner().invoke(cli, [*before, "--store", "b.rms"])
    CliRunner().invoke(cli, [*before, "--store", "b.rms", "--store", "c.rms"])

    assert opened == [
        (Path("a.gguf"), Path("a.rms")),
        (Path("a.gguf"), Path("b.rms")),
        (Path("a.gguf"), Path("b.rms"), Path("c.rms")),
    ]


@pytest.mark.parametrize(
    ("arguments", "lora"),
    [
        ([], ["set.gguf:0.5"]),
        (["--lora", "a.gguf"], ["a.gguf"]),
        (["--lora", "a.gguf:2", "--lora", "b:c.gguf"], ["a.gguf:2", "b:c.gguf"]),
        (["--lora", "a.gguf:0"], []),
        (["--model", "m.gguf"], []),
        (["--model", "m.gguf", "--lora", "a.gguf"], ["a.gguf"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_adapters_of_the_command_line_take_the_place_of_those_in_the_settings(
    first: bool, arguments: list[str], lora: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the command or after it. Another model has no adapters of the settings."""
    opened: list[list[str]] = []
    path = paths.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(f'lora = ["{(path.parent / "set.gguf").as_posix()}:0.5"]\n')

    def runtime(found: settings.Settings, **_: Any) -> Any:
        opened.append([str(adapter).removeprefix(f"{path.parent}/") for adapter in found.lora])
        raise CorruptStoreError("Enough.", "")

    monkeypatch.setattr("rm_local.runtime.Runtime", runtime)
    asked = ["ask", "x"]
    CliRunner().invoke(cli, [*arguments, *asked] if first else [*asked, *arguments])

    assert opened == [lora]


@pytest.mark.parametrize("text", ["a.gguf:nan", "a.gguf:1e400", "", ":1"])
def test_an_adapter_option_that_cannot_be_read_is_wrong_usage(text: str) -> None:
    """Exit code 2; nothing is opened."""
    result = CliRunner().invoke(cli, ["ask", "x", "--lora", text])
    assert result.exit_code == 2
    assert "--lora" in result.stderr


def test_bad_settings_are_wrong_usage() -> None:
    """Exit code 2, naming the file and the key."""
    path = paths.config_file()
    path.parent.mkdir(parents=True)
    path.write_text("contxt = 1\n")

    result = CliRunner().invoke(cli, ["ask", "x"])

    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert "'contxt'" in result.stderr


def test_an_unexpected_error_leaves_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 1, and the traceback where the second line says."""

    def runtime(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("by \x1b[31mnought")

    monkeypatch.setattr("rm_local.runtime.Runtime", runtime)

    result = CliRunner().invoke(cli, ["ask", "x"])

    (saved,) = paths.log_dir().glob("crash-*.log")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ZeroDivisionError: by nought\n")
    assert str(saved) in result.stderr
    assert "Traceback" in saved.read_text(encoding="utf-8")


def test_a_reader_that_goes_is_no_traceback() -> None:
    """`rm-local --help | true` says nothing on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rm_local", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    assert process.stderr.read() == b""
    process.wait()
    process.stderr.close()


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set, a terminal gets no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("rm_local.runtime.Runtime", lambda *_, **__: 1 / 0)

    result = CliRunner().invoke(cli, ["ask", "x"], color=True)

    assert "\x1b" not in result.stderr
