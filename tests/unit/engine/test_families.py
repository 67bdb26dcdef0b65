"""Chat templates of public families: distinguished, opened, closed, and shown in the docs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.branches import Part
from rm_local.engine.families.detect import (
    TEMPLATE,
    ChatFormat,
    detect_chat_format,
    detect_family_or_unknown,
)
from rm_local.engine.families.family import Family, load_shipped_families
from rm_local.engine.families.stream_parser import ThinkingSplitter
from rm_local.engine.protocol import Message
from rm_local.engine.worker.templates import render_process
from rm_local.engine.worker.templates.chat_template import ChatTemplate

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "templates"
NAMES = sorted(path.stem for path in DATA.glob("*.toml"))
QUESTION = Message("user", "Q")


def case(name: str) -> tuple[dict[str, Any], ChatFormat]:
    """What is published of a family, and what is made of its metadata."""
    expected = tomllib.loads((DATA / f"{name}.toml").read_text())
    metadata = {
        "general.architecture": expected["architecture"],
        "general.name": expected["name"],
        TEMPLATE: (DATA / f"{name}.jinja").read_text(),
    }
    return expected, detect_chat_format(metadata)


def conversations(described: ChatFormat) -> dict[str, list[Message]]:
    """The prompts' messages; the old answer still holds its thought, where there is one."""
    opening, closing = described.markers.opening, described.markers.closing
    answer = "<|start|>assistant<|channel|>final<|message|>A" if "channel|>a" in opening else "A"
    old = f"{opening}T{closing}{answer}" if described.thinks else "A"
    return {
        "thinking": [QUESTION],
        "answering": [QUESTION],
        "system": [Message("system", "S"), QUESTION],
        "history": [QUESTION, Message("assistant", old), Message("user", "Q2")],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_detected_by_its_metadata(name: str) -> None:
    """Architecture, name and template say which it is, whether it thinks, and who opens."""
    expected, described = case(name)

    assert described.family.name == expected["family"]
    assert described.thinks == expected["thinks"]
    assert described.thinking_opener_name_or_empty == expected["opened_by"]


@pytest.mark.parametrize("kind", ["thinking", "answering", "system", "history"])
@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_the_published_one(name: str, kind: str) -> None:
    """With thinking on, off, with a system prompt and with history: no old thought is left, and
    the thinking block is open exactly if there is to be thinking."""
    expected, described = case(name)
    chat = ChatTemplate(described, bos="<s>", eos="</s>", render=render_process.render)
    thinking = kind != "answering"

    prompt = chat.render(conversations(described)[kind], thinking=thinking)

    assert "".join(segment.text for segment in prompt.segments) == expected["prompt"][kind]
    assert prompt.starts == ("thinking" if thinking and expected["thinks"] else "answer")
    assert chat.opened_by == expected["opened_by"]


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_only_grows_at_its_end(name: str) -> None:
    """Each turn's prompt begins with the one before, up to the end of its question: what a family
    does with old thoughts costs no more than the answer and the markup after the question."""
    _, described = case(name)
    chat = ChatTemplate(described, bos="<s>", eos="</s>", render=render_process.render)
    talk = [
        Message("user", "Q1"),
        Message("assistant", "A1"),
        Message("user", "Q2"),
        Message("assistant", "A2"),
        Message("user", "Q3"),
    ]
    first, second, third = (
        "".join(segment.text for segment in chat.render(talk[:length]).segments)
        for length in (1, 3, 5)
    )

    assert chat.converses == (name != "rm-nano")
    if chat.converses:
        assert second.startswith(first[: first.index("Q1") + 2])
        assert third.startswith(second[: second.index("Q2") + 2])


@pytest.mark.parametrize("name", NAMES)
def test_thinking_and_answer_of_a_family_are_separated(name: str) -> None:
    """Thinking and answer come out without markers, however the stream is cut."""
    expected, described = case(name)
    stream = expected["stream"]
    start: Part = "thinking" if expected["thinks"] else "answer"

    for pieces in ([stream["text"]], list(stream["text"])):
        splitter = ThinkingSplitter(start, described.markers)
        parts = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()
        for kind in ("thinking", "answer"):
            assert "".join(text for part, text in parts if part == kind) == stream[kind]


def test_an_unknown_model_is_described_by_its_template() -> None:
    """Markers in the template make it think; without them it does not."""
    thinker = detect_family_or_unknown("new", "Unheard Of", "...<reasoning>...")
    plain = detect_family_or_unknown("new", "Unheard Of", "{{ messages }}")

    assert (thinker.name, thinker.thinks, thinker.markers.closing) == (
        "unknown",
        True,
        "</reasoning>",
    )
    assert (plain.name, plain.thinks) == ("unknown", False)


def test_markers_in_the_template_go_before_a_family_that_does_not_think() -> None:
    """A tuned Llama whose template opens a block thinks; Qwen's instruct model never does."""
    tuned = detect_family_or_unknown("llama", "My Tuned 8B", "<|start_header_id|>...<think>")
    firm = detect_family_or_unknown("qwen3", "Qwen3 4B Instruct 2507", "...</think>...")

    assert (tuned.name, tuned.thinks) == ("unknown", True)
    assert (firm.name, firm.thinks) == ("qwen-instruct", False)


def test_a_model_without_a_template_gets_chatml() -> None:
    """The stand-in is named, and nothing is needed but a header."""
    described = detect_chat_format({}, file="some-file")

    assert described.chatml
    assert "ChatML" in described.summary
    assert "<|im_start|>" in described.template


def test_efforts_are_named_in_the_description() -> None:
    """A user sees what `--effort` takes."""
    described = detect_chat_format({TEMPLATE: "<|channel|>", "general.architecture": "gpt-oss"})

    assert "effort low or medium or high" in described.summary


def test_every_family_that_thinks_and_has_a_switch_is_held_as_data() -> None:
    """Twenty families or more have a template among the test's data."""
    assert len(NAMES) >= 20
    assert {case(name)[0]["family"] for name in NAMES} <= {
        family.name for family in load_shipped_families()
    }


def test_the_docs_show_every_family() -> None:
    """The table in docs/reference/models-thinking.md is the data's."""
    docs = (ROOT / "docs" / "reference" / "models-thinking.md").read_text()

    assert table() in docs


def table() -> str:
    """The table of families as Markdown."""
    head = "| family | models | thinking opens | closes | without thinking | tested |"
    rows = [row(family) for family in load_shipped_families()]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def row(family: Family) -> str:
    """One family; `\\|` is Markdown's way to have a bar in a cell."""
    markers, tested = family.markers, "yes" if family.name in NAMES else ""
    cells = [family.name, family.title, "", "", "", tested]
    if family.thinks:
        off = ", ".join(f"`{key} = {str(value).lower()}`" for key, value in family.off.items())
        system = f"system `{family.system_off}`" if family.system_off else ""
        ways = off or system or ("as it likes" if family.skip == "" else "empty block")
        cells[2:5] = [f"`{markers.opening}`", f"`{markers.closing}`", ways]
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(escaped) + " |"
