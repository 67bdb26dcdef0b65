"""One model has one name, in every command; a path with a separator is never a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli
from rm_local.cli.models.list import HEAD, format_table


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, [*arguments])


@pytest.mark.parametrize("name", ["./rm-small", "./rm-nano", "folder/../rm-small"])
def test_a_path_is_not_an_embedded_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an option of any command, as an argument and as a variable."""
    monkeypatch.chdir(tmp_path)
    results = [
        run("ask", "--model", name, "hello"),
        run("--model", name, "ask", "hello"),
        run("models", "info", name),
        run("models", "bench", name),
    ]
    monkeypatch.setenv("RM_LOCAL_MODEL", name)
    results.append(run("ask", "hello"))

    for result in results:
        assert result.exit_code == 3, result.stderr
        assert "does not exist" in result.stderr


def test_list_doctor_and_ask_agree(tmp_path: Path) -> None:
    """About the name of a model in another script."""
    file = tmp_path / "\u041c\u043e\u0434\u0435\u043b\u044c.gguf"
    file.write_bytes(paths.shipped_model().read_bytes())
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f"model = {json.dumps(str(file))}\n")

    listed = json.loads(run("models", "--json").stdout)["models"]
    (name,) = [each["name"] for each in listed if each["in_use"]]
    checked = run("doctor").stdout

    assert name == "\u043c\u043e\u0434\u0435\u043b\u044c-q8_0"
    assert f"Model      {name}: {file}" in checked


def test_columns_are_aligned_by_cells() -> None:
    """Also below a name of wide characters."""
    rows: list[tuple[str, ...]] = [
        (*HEAD,),
        ("", "\u6a21\u578b", *HEAD[2:]),
        ("*", "abcd", *HEAD[2:]),
    ]

    head, wide, narrow = format_table(rows)

    assert wide.index("architecture") + 2 == narrow.index("architecture")
    assert head.index("architecture") == narrow.index("architecture")
