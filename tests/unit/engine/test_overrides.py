"""The user's own templates and families, in a folder next to the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local import paths
from rm_local.engine.families.detect import TEMPLATE, detect_chat_format
from rm_local.engine.worker.templates import render_process
from rm_local.engine.worker.templates.chat_template import ChatTemplate
from rm_local.errors import SettingsError
from rm_local.gguf import read_header
from tests.support import tiny_gguf

MODEL = {"general.architecture": "qwen3", "general.name": "Qwen3 8B", TEMPLATE: "enable_thinking"}


@pytest.fixture
def folder() -> Path:
    """The folder that the settings name."""
    named = paths.templates_dir()
    assert named
    named.mkdir(parents=True)
    return named


@pytest.mark.parametrize("name", ["qwen3-8b", "Qwen3_8B", "my file", "qwen3"])
def test_a_template_is_taken_by_model_file_or_family(folder: Path, name: str) -> None:
    """The user's file goes before the model's own, whatever it is called after."""
    own = folder / f"{name}.jinja"
    own.write_text("mine")

    described = detect_chat_format(MODEL, file="my.file", overrides=folder)

    assert (described.template, described.source) == ("mine", own)
    assert str(own) in described.summary


def test_a_family_is_changed_key_by_key(folder: Path) -> None:
    """What the file does not set stays as it was known."""
    own = folder / "qwen3.toml"
    own.write_text('closing = "</thought>"\n[off]\nmode = "fast"\n')

    described = detect_chat_format(MODEL, overrides=folder)

    assert described.markers.opening == "<think>"
    assert described.markers.closing == "</thought>"
    assert described.family.off == {"mode": "fast"}
    assert described.family_source == own


def test_another_family_can_be_named(folder: Path) -> None:
    """The user corrects a model that is detected wrongly."""
    (folder / "qwen3-8b.toml").write_text('family = "magistral"\n')

    assert detect_chat_format(MODEL, overrides=folder).markers.opening == "[THINK]"


@pytest.mark.parametrize(
    ("file", "user", "uses"),
    [
        (None, "", False),
        (None, "calculator = true\n", True),
        (True, "", True),
        (True, "calculator = false\n", False),
        (True, 'family = "magistral"\n', True),
        (False, "calculator = true\n", True),
        ("yes", "", False),
    ],
)
def test_the_file_or_its_user_gives_a_model_the_calculator(
    folder: Path, file: bool | str | None, user: str, uses: bool
) -> None:
    """The user's word goes before the file's, and the file's before the family's."""
    if user:
        (folder / "qwen3.toml").write_text(user)
    metadata = MODEL if file is None else {**MODEL, "rm_local.calculator": file}

    described = detect_chat_format(metadata, overrides=folder)

    assert described.family.calculator == uses
    assert ("uses the calculator" in described.summary) == uses


def test_the_key_of_the_calculator_is_read_from_a_file(tmp_path: Path) -> None:
    """As a GGUF stores it."""
    path = tiny_gguf.write(tmp_path / "tiny.gguf", calculator=True)

    assert detect_chat_format(read_header(path).metadata).family.calculator


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('opening = "<a>"\n\nclosng = "</a>"\n', "line 3", "closng"),
        ('opening = "<a>"\nthinks = "no"\n', "line 2", "true or false"),
        ('family = "nobody"\n', "line 1", "rm-nano"),
        ('opening = "\nclosing', "line 1", "not TOML"),
        ('wrap = ["<a>"]\n', "line 1", "two strings"),
    ],
)
def test_a_wrong_family_names_file_and_line(folder: Path, text: str, where: str, what: str) -> None:
    """The message says where the fault is, and what is allowed."""
    (folder / "qwen3.toml").write_text(text)

    with pytest.raises(SettingsError) as raised:
        detect_chat_format(MODEL, overrides=folder)

    assert str(folder / "qwen3.toml") in raised.value.message
    assert where in raised.value.message
    assert what in raised.value.message
    assert raised.value.remedy


def test_a_wrong_template_names_file_and_line(folder: Path) -> None:
    """An unreadable template, or one that fails, is a fault of the settings; so is an empty one."""
    own = folder / "qwen3.jinja"
    for text, fault in (("a\n{% for %}", "cannot be read"), ("a\n{{ 1 / 0 }}", "fails")):
        own.write_text(text)
        described = detect_chat_format(MODEL, overrides=folder)
        with pytest.raises(SettingsError, match=f"qwen3.jinja, line 2: .*{fault}"):
            ChatTemplate(described, bos="", eos="", render=render_process.render)
    own.write_text(" ")
    with pytest.raises(SettingsError, match="empty"):
        detect_chat_format(MODEL, overrides=folder)
