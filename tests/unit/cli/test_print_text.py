"""Texts on standard output: exact where a program reads them, harmless on a terminal."""

from __future__ import annotations

import pytest

from rm_local.cli import context

TEXTS = [
    '{"a": "\u202ex\u202c"}',
    "\x1b[31mred\x1b[0m",
    "bell\x07, \u2066isolate\u2069, C1 \x85, tab\t",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_piped_text_is_exact(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every character is written."""
    context.print_text_safely(text)

    assert capsys.readouterr().out == f"{text}\n"


@pytest.mark.parametrize("text", TEXTS)
def test_a_terminal_gets_no_control_characters(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor marks that change the direction of what follows."""
    monkeypatch.setattr(context, "is_terminal", lambda _stream: True)
    context.print_text_safely(text)

    assert not set(capsys.readouterr().out) & set("\x1b\x07\x85\u202e\u202c\u2066\u2069")
