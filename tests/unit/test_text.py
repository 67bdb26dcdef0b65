"""Text from elsewhere cannot steer the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rm_local.text import one_line, sanitize_for_terminal


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\x00\x07\x7f", "a\nb"),
        ("\x1b[31mred\x1b[0m \x9b2Jx", "red x"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1bPq#0\x1b\\c", "abc"),
        ("\x1bcreset\x1b(Bset\x1b7", "resetset"),
        ("\x1b]0;never closed", "]0;never closed"),
        ("user\u202egnp.exe\u2066x\u2069", "usergnp.exex"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("naïve — 数学 😀 \u200d", "naïve — 数学 😀 \u200d"),
    ],
)
def test_only_what_can_be_read_stays(text: str, cleaned: str) -> None:
    """Controls, escape sequences and bidirectional overrides go, letters stay."""
    assert sanitize_for_terminal(text) == cleaned


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    """No control character but newline and tab comes out, and the text can be printed."""
    cleaned = sanitize_for_terminal(text)

    assert not [c for c in cleaned if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f"]
    assert sanitize_for_terminal(cleaned) == cleaned
    cleaned.encode()


def test_one_line_is_cut_at_a_word() -> None:
    """White space becomes single blanks, and the limit falls between two words."""
    assert one_line(" a\n\n b\t c ") == "a b c"
    assert one_line("hello wide world", 12) == "hello wide"
    assert one_line("hello wide world", 10) == "hello wide"
    assert one_line("x" * 20, 5) == "xxxxx"
