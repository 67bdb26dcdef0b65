"""Each rule of the comparison, on texts that keep it and texts that break it."""

from __future__ import annotations

import pytest

from models.compare import rules
from rm_local.loop import format_hint_for_thinking, formulation_cue

STEPS = "I should first write down what is known, then look for the formula that connects it all."


@pytest.mark.parametrize(
    "text",
    [
        "The capital is Paris.",
        "lamb",
        "the blue whale",
        "¿Qué? El miércoles.",
        '"Moor" is the answer.',
        "**Bold** text begins here.",
        "- First item\n- second item",
        "1. Buy nuts",
        "`print` writes a text. It ends the line.",
        "四个季节。",
        "नमस्ते, मैं ठीक हूँ।",
    ],
)
def test_texts_that_begin_at_their_first_word_pass(text: str) -> None:
    """A sentence, a list, a quotation, code, a script without case, or a short phrase."""
    assert rules.begins_at_first_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "that's it.",
        "awesome. I'm defining myself to create a little platform",
        "hello here. After a long time, we met.",
        "so to summarize, the key to the given problem is to find it",
        ", which is why it works.",
        "? I do not know.",
        "。しかし、そうではない。",
    ],
)
def test_texts_that_begin_in_the_middle_fail(text: str) -> None:
    """In lower case or with what closes a sentence that is not shown; nothing has no beginning."""
    assert not rules.begins_at_first_word(text)


def test_a_text_is_whole_when_it_ended_by_itself_or_after_a_sentence() -> None:
    """One that the budget cut in its first sentence is not."""
    assert rules.is_complete_answer("Paris", "end")
    assert rules.is_complete_answer("Paris is a city. It has", "length")
    assert rules.is_complete_answer("- nuts\n- app", "length")
    assert not rules.is_complete_answer("Paris is a city which has 2.5 million", "length")
    assert not rules.is_complete_answer("1. Paris and", "length")
    assert not rules.is_complete_answer("and so on. It ends.", "end")
    assert not rules.is_complete_answer("", "end")


@pytest.mark.parametrize(
    "text",
    [
        "Sure. [HINT] use the formula",
        "Now, let me search for a similar basic problem, and then",
        'Here is a problem solving procedure for a related question "How?"',
        f"As the hint says, {STEPS.lower()} Done.",
    ],
)
def test_text_of_the_program_is_found(text: str) -> None:
    """Marks, phrases of the cue, and a hint that is recited."""
    assert rules.has_forced_text(
        text, [formulation_cue(), format_hint_for_thinking("", "")], [STEPS]
    )


def test_using_a_hint_is_not_reciting_it() -> None:
    """Words and short runs of it may come."""
    text = "We write down what is known: m = 4 and v = 6. Then look for the formula: E = m v^2 / 2."
    assert not rules.has_forced_text(
        text, [formulation_cue(), format_hint_for_thinking("", "")], [STEPS]
    )
    assert not rules.has_forced_text("", [formulation_cue()], [STEPS])


@pytest.mark.parametrize(
    "text",
    [
        "banana, " * 30,
        "One two three four five. " * 3,
        "I'm here to help. Ask me. I'm here to help. Ask him. I'm here to help.",
        "天" * 20,
        "We know the speed and the mass and so " * 3,
    ],
)
def test_loops_of_any_kind_are_found(text: str) -> None:
    """One word, one sentence, characters without spaces, or a stretch without an end."""
    assert rules.has_loop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ha ha ha, very funny",
        "101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112",
        "One step at a time. One step at a time. Then rest.",
        "Yes. No. Yes. No. Yes.",
        "The Rhine flows through Cologne, and the Main flows through Frankfurt.",
    ],
)
def test_what_is_said_once_or_twice_is_no_loop(text: str) -> None:
    """A laugh, a count, a refrain."""
    assert not rules.has_loop(text)


def test_a_target_is_found_as_whole_words_only() -> None:
    """In either case, composed or not; in Chinese and Japanese anywhere."""
    assert rules.contains_accepted_form("It is a LAMB.", ["lamb"], "en")
    assert rules.contains_accepted_form("Ankara'dır", ["Ankara"], "tr")
    assert rules.contains_accepted_form("El mie\u0301rcoles", ["mi\u00e9rcoles"], "es")
    assert rules.contains_accepted_form("答案是四个季节", ["四"], "zh")
    assert rules.contains_accepted_form("साल में बारह महीने", ["बारह"], "hi")
    assert not rules.contains_accepted_form("lambda", ["lamb"], "en")
    assert not rules.contains_accepted_form("1200 minutes", ["120"], "en")
    assert not rules.contains_accepted_form("", ["7"], "en")


def test_the_language_of_an_answer_is_checked() -> None:
    """Another one breaks the rule; a number does not."""
    assert rules.is_in_language("Der Rhein", "de")
    assert rules.is_in_language("5", "fr")
    assert not rules.is_in_language("The river is the Rhine.", "de")
    assert not rules.is_in_language("There are four seasons in a year.", "zh")


def test_an_answer_is_on_topic_when_it_is_nearer_than_three_quarters_of_the_others() -> None:
    """Nothing can be said without others; a tie is not nearer."""
    assert rules.is_on_topic(0.5, [0.1, 0.2, 0.3, 0.9])
    assert not rules.is_on_topic(0.5, [0.1, 0.2, 0.5, 0.9])
    assert rules.is_on_topic(-0.1, [])
