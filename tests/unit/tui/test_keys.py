"""The keys: bound in one place, listed by the help, named by the documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from rm_local.tui import keys
from rm_local.tui.app import RmLocalApp
from rm_local.tui.screens.chat import ChatScreen
from rm_local.tui.screens.help import Help, describe_keys
from rm_local.tui.screens.reader import Reader
from rm_local.tui.screens.sessions import Sessions
from rm_local.tui.widgets.branch_pane import BranchPane
from rm_local.tui.widgets.hit_list import HitList
from rm_local.tui.widgets.past_turn import PastTurn
from rm_local.tui.widgets.prompt import Prompt
from rm_local.tui.widgets.turn_panel import SubproblemInput

ROOT = Path(__file__).parents[3]
BOUND_BY: tuple[type[DOMNode], ...] = (
    RmLocalApp, ChatScreen, Help, Reader, Sessions, BranchPane, HitList, PastTurn, Prompt,
    SubproblemInput,
)  # fmt: skip
LISTED = [binding for _, bindings in keys.SECTIONS for binding in bindings]


def section(path: str, title: str) -> str:
    """The part of the document below this heading."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.split(r"^## ", text.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def names(bindings: Iterable[Binding]) -> set[str]:
    """The names of all their keys."""
    return {name for binding in bindings for name in keys.format_keys(binding)}


def mentioned(text: str) -> set[str]:
    """The words of the document that can be names of keys."""
    return set(re.findall(r"[A-Za-z0-9+_/]+", text))


def test_every_key_of_the_app_is_in_one_place() -> None:
    """No widget binds a key of its own, and no key is bound by nothing."""
    bound = {id(binding) for kind in BOUND_BY for binding in kind.__dict__["BINDINGS"]}
    assert bound == {id(binding) for binding in (*keys.ALL, keys.QUIT_HELP)}


def test_every_widget_of_the_app_is_looked_at() -> None:
    """A file that declares bindings is one of those above."""
    declaring = {
        path.stem
        for path in (ROOT / "rm_local" / "tui").rglob("*.py")
        if "BINDINGS: ClassVar" in path.read_text(encoding="utf-8")
    }
    assert declaring == {kind.__module__.rpartition(".")[2] for kind in BOUND_BY}


def test_the_help_lists_the_keys() -> None:
    """All but those of a situation that the footer explains."""
    text = describe_keys().plain
    assert all(name in text for name in names(LISTED))
    elsewhere = {
        keys.LEAVE_QUESTION, keys.FOCUS_PROMPT, *keys.EDIT_SUBPROBLEM, *keys.READER,
        *keys.SESSIONS, *keys.HELP,
    }  # fmt: skip
    assert set(keys.ALL) - set(LISTED) == elsewhere


def test_keys_are_named_as_on_a_keyboard() -> None:
    """A capital for each word, a letter by itself as it is typed."""
    binding = Binding("shift+enter,ctrl+j,f5,p,escape,pageup", "x")
    assert keys.format_keys(binding) == ["Shift+Enter", "Ctrl+J", "F5", "p", "Esc", "PgUp"]


def test_one_purpose_is_one_row() -> None:
    """Keys that do the same share it."""
    assert keys.build_help_rows((*keys.BRANCH, *keys.PAST_TURN))[0] == (
        "Enter, Space",
        "read all of it",
    )


def test_the_manual_names_every_key_and_its_id() -> None:
    """Also those of dialogs; a keymap needs the ids."""
    text = section("docs/guide/app.md", "Keys")
    assert names((*keys.ALL, *LISTED)) <= mentioned(text)
    assert {binding.id for binding in keys.ALL} == set(re.findall(r"`([a-z]+\.[a-z_]+)`", text))


@pytest.mark.parametrize("binding", keys.ALL, ids=lambda binding: binding.id)
def test_every_key_says_what_it_does(binding: Binding) -> None:
    """The footer and the help show it."""
    assert binding.tooltip
    assert binding.id


def test_textuals_own_keys_are_as_the_help_says() -> None:
    """What is bound elsewhere and only named here."""
    assert keys.COMMANDS.key == App.COMMAND_PALETTE_BINDING
