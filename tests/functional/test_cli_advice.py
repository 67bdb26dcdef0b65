"""What commands advise: the file, option or command that helps."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, [*arguments])


@pytest.mark.parametrize("kept", [0.5, 0.94])
@pytest.mark.parametrize("command", ["search", "store info", "store export"])
def test_a_cut_store_names_the_repair(command: str, kept: float, tmp_path: Path) -> None:
    """With the store's path, quoted for a shell."""
    whole = paths.shipped_store().read_bytes()
    path = tmp_path / "cut it.rms"
    path.write_bytes(whole[: int(len(whole) * kept)])
    text = ["add"] if command == "search" else []

    result = run(*command.split(), "--store", str(path), *text)

    assert result.exit_code == 4
    assert f"store verify --repair --store {shlex.quote(str(path))}" in result.stderr


@pytest.mark.parametrize("content", [b"", b"no adapter", None])
def test_doctor_names_the_option_of_an_adapter(content: bytes | None, tmp_path: Path) -> None:
    """Not that of the model, which is not at fault."""
    path = tmp_path / "style.gguf"
    if content is not None:
        path.write_bytes(content)

    lines = run("doctor", "--model", "rm-nano", "--lora", str(path)).stdout.splitlines()

    (place,) = [number for number, line in enumerate(lines) if "  Adapter " in line]
    assert lines[place].startswith("bad")
    assert "--lora FILE" in lines[place + 1]
    assert "--model" not in lines[place + 1]


@pytest.mark.parametrize("plan", ["nonsense", "Memory", "paper "])
def test_a_wrong_plan_in_the_settings_names_the_file(plan: str) -> None:
    """A plan on the command line is used in its place."""
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f'plan = "{plan}"\n')

    result = run("ask", "--no-stdin", "hello")

    assert result.exit_code == 2
    assert f"{paths.config_file()}: there is no plan {plan!r}." in result.stderr


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ('kv = "f16"', "`kv` is now `kv_cache_type`."),
        ('overflow = "stop"', "`overflow` is now `context_overflow`."),
        ('plan = "none"', "`plan none` is now `plan direct`."),
    ],
)
def test_an_old_name_in_the_settings_names_the_file(line: str, notice: str) -> None:
    """So that it can be changed there."""
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f"{line}\n")

    result = run("models", "list")

    assert result.exit_code == 0, result.stderr
    assert f"{notice} Change it in {paths.config_file()}.\n" in result.stderr
