"""Thinking and answer are separated while they stream."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rm_local.engine.branches import Part
from rm_local.engine.families.markers import THINK, ThinkingMarkers
from rm_local.engine.families.stream_parser import StopTextCutter, ThinkingSplitter, strip_thinking

HARMONY = ThinkingMarkers(
    "<|channel|>analysis<|message|>", "<|end|>", "<|message|>", "<|channel|>analysis"
)
CASES: list[tuple[Part, str, str, str]] = [
    ("thinking", "I add.\n</think>\n\nIt is 4.", "I add.\n", "It is 4."),
    ("thinking", "<think>\nagain</think>yes", "\nagain", "yes"),
    ("thinking", "\n<think>\nagain</think>yes", "\nagain", "yes"),
    ("thinking", "never closed <thi", "never closed <thi", ""),
    ("thinking", "a </thin b </think>c </think> <think>", "a </thin b ", "c <think>"),
    ("thinking", "</think>at once", "", "at once"),
    ("answer", "plain", "", "plain"),
    ("answer", "  <think>own block</think> done", "own block", "done"),
    ("answer", "1 < 2 and <think> in text", "", "1 < 2 and <think> in text"),
    ("answer", "<thing", "", "<thing"),
    ("thinking", "", "", ""),
]


def split(start: Part, pieces: list[str]) -> dict[str, str]:
    splitter = ThinkingSplitter(start)
    parts = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()
    assert all(text for _, text in parts)
    return {
        kind: "".join(text for part, text in parts if part == kind)
        for kind in ("thinking", "answer")
    }


@pytest.mark.parametrize(("start", "text", "thinking", "answer"), CASES)
def test_every_cut_gives_the_same_parts(start: Part, text: str, thinking: str, answer: str) -> None:
    """The parts do not depend on where the stream is cut: whole, in two, or letter by letter."""
    expected = {"thinking": thinking, "answer": answer}

    assert split(start, list(text)) == expected
    for at in range(len(text) + 1):
        assert split(start, [text[:at], text[at:]]) == expected


@given(st.text(alphabet="<>/think ab", max_size=40), st.data())
def test_a_cut_never_changes_the_parts(text: str, data: st.DataObject) -> None:
    """Any text gives the same parts in any two pieces as in one."""
    at = data.draw(st.integers(0, len(text)))

    assert split("thinking", [text[:at], text[at:]]) == split("thinking", [text])


def test_text_is_passed_on_as_soon_as_it_is_certain() -> None:
    """Only what may be the start of a tag is held back."""
    splitter = ThinkingSplitter("thinking")

    assert splitter.feed("so <") == [("thinking", "so ")]
    assert splitter.feed("b") == [("thinking", "<b")]


def test_a_stop_text_ends_the_stream_where_it_begins() -> None:
    """What stands before the stop text is passed on, the stop text and the rest are not."""
    stops = StopTextCutter(["[end]", "\n\n"])

    assert stops.feed("one [e") == ("one ", False)
    assert stops.feed("x [en") == ("[ex ", False)
    assert stops.feed("d] two\n\n") == ("", True)


def test_the_first_of_several_stop_texts_counts() -> None:
    """The stop text that comes first in the stream ends it, whichever comes first in the list."""
    assert StopTextCutter(["b", "a"]).feed("xaxb") == ("x", True)


def test_what_was_held_back_is_given_at_the_end() -> None:
    """A stream that ends within a possible stop text loses nothing."""
    stops = StopTextCutter(["?!"])

    assert stops.feed("why?") == ("why", False)
    assert (stops.flush(), stops.flush()) == ("?", "")


def test_channels_follow_each_other() -> None:
    """In harmony's format a header says what comes next: more thinking, or the answer."""
    text = (
        "one<|end|><|start|>assistant<|channel|>analysis<|message|>two"
        "<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|end|>"
    )
    for pieces in ([text], list(text)):
        splitter = ThinkingSplitter("thinking", HARMONY)
        parts = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()
        assert "".join(text for part, text in parts if part == "thinking") == "onetwo"
        assert "".join(text for part, text in parts if part == "answer") == "It is 4."


@pytest.mark.parametrize(
    ("before", "text", "answers"),
    [
        ("I add.", "</think>", False),
        ("I add.", "</think>\n\n", False),
        ("I add.</thi", "nk>{", True),
        ("I add.</think>\n", "{", True),
        ("I add.", " {", False),
    ],
)
def test_what_a_text_would_begin_is_found_without_taking_it(
    before: str, text: str, answers: bool
) -> None:
    """Whether it would reach the answer; the stream stands where it stood."""
    splitter = ThinkingSplitter("thinking")
    splitter.feed(before)
    answering = splitter.is_in_answer

    assert splitter.would_yield_answer_text(text) == answers
    assert splitter.would_yield_answer_text(text) == answers
    assert splitter.is_in_answer == answering == ("</think>" in before)


def test_a_header_belongs_to_no_part() -> None:
    """Between two channels nothing is answered, until the header has ended."""
    splitter = ThinkingSplitter("thinking", HARMONY)
    answering = []
    for text in ("one", "<|end|>", "<|start|>assistant<|channel|>final", "<|message|>"):
        splitter.feed(text)
        answering.append(splitter.is_in_answer)

    assert answering == [False, False, False, True]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It is 4.", "It is 4."),
        ("<think>2 + 2</think>\n\nIt is 4.", "It is 4."),
        ("2 + 2</think>It is 4.", "It is 4."),
        ("<think>2 + 2 and no end", ""),
        ("I say <think> is a tag.", "I say <think> is a tag."),
    ],
)
def test_old_thoughts_are_dropped(text: str, left: str) -> None:
    """Of an assistant's message only what the user saw is left."""
    assert strip_thinking(text, THINK) == left


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a</think></think>yes", "yes"),
        ("a</think>\n</think>\n\nyes", "yes"),
        ("a</think>yes\n</think>\nno", "yes\nno"),
        ("a</think>yes</think>", "yes"),
    ],
)
def test_a_repeated_closing_marker_is_removed(text: str, answer: str, size: int) -> None:
    """However it is cut into pieces."""
    assert read_answer(ThinkingSplitter("thinking"), text, size) == answer


@pytest.mark.parametrize("answer", ['{"tag": "</think>"}', "</think>", "<think>x</think>"])
def test_an_exact_answer_keeps_every_marker(answer: str) -> None:
    """JSON made under a schema is not changed."""
    splitter = ThinkingSplitter("thinking", exact=True)

    assert read_answer(splitter, f"a</think>{answer}", 1) == answer


def read_answer(splitter: ThinkingSplitter, text: str, size: int) -> str:
    """The answer in a text that comes in pieces."""
    parts = [part for i in range(0, len(text), size) for part in splitter.feed(text[i : i + size])]
    return "".join(text for kind, text in [*parts, *splitter.flush()] if kind == "answer")
