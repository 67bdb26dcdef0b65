"""Commands whose standard input is closed, or never ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rm_local.cli import standard_input


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
@pytest.mark.parametrize("command", ["ask", "search", "ask -", "search -"])
def test_a_closed_input_is_said(command: str) -> None:
    """As wrong usage, not as a fault of the program."""
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m rm_local {command} <&-"],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == 2, done.stderr
    assert "standard input is closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endless_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read to a limit."""
    from click.testing import CliRunner

    from rm_local.cli.main import cli

    monkeypatch.setattr(standard_input, "MAX_TEXT", 1000)
    result = CliRunner().invoke(cli, ["search"], input="x" * 1001)

    assert result.exit_code == 2
    assert "longer than 1,000 bytes" in result.stderr
