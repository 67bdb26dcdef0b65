"""Reads the texts of conversation, which lie as TOML beside it, and draws from them."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.curriculum.draws import read_vocabulary
from models.curriculum.slots import fill_wording
from rm_local.records import Entry

FOLDER = Path(__file__).resolve().parent
KINDS = (
    "greeting",
    "thanks",
    "goodbye",
    "feelings",
    "identity",
    "about_program",
    "refusals_of_knowledge",
)
"""The tables of single questions with their replies."""
TALK = "talk"
"""The table of dialogues, and the kind of a chat that is one."""
_TALKS = 0.08
"""Share of chats that are dialogues."""
_LOWER, _UNMARKED = 0.15, 0.2
"""Shares of what is typed that is all in small letters, and that lacks the mark at its end."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that is no problem."""

    turns: tuple[tuple[str, str], ...]
    """What is typed and what is replied, in their order."""
    kind: str
    """The table that it comes from."""


@dataclass(frozen=True, slots=True)
class ReplyGroup:
    """Ways to say a thing, and replies each of which fits every one of them."""

    kind: str
    asks: tuple[str, ...]
    replies: tuple[str, ...]


def draw_chat(rng: random.Random) -> Chat:
    """A question with a reply, each as often as another, or now and then a dialogue."""
    people = {
        "name": rng.choice(read_vocabulary("names")),
        "place": rng.choice(read_vocabulary("places")),
    }
    if rng.random() < _TALKS:
        turns = rng.choice(read_dialogues())
        kind = TALK
    else:
        group, ask = rng.choice(_list_asks())
        turns = ((ask, rng.choice(group.replies)),)
        kind = group.kind
    filled = [[fill_wording(rng, text, people) for text in turn] for turn in turns]
    return Chat(tuple((_imitate_typing(rng, ask), reply) for ask, reply in filled), kind)


def draw_question_and_subproblem(rng: random.Random) -> tuple[str, str]:
    """A question, and the general question behind it."""
    question, subproblem = rng.choice(read_subproblems())
    return fill_wording(rng, question, {}), subproblem


def draw_advice(rng: random.Random) -> Entry:
    """An entry that fits many problems."""
    return rng.choice(read_advice())


def draw_document(rng: random.Random) -> str:
    """A paragraph of facts, without a procedure."""
    return rng.choice(read_documents())


def draw_thought_template(rng: random.Random) -> str:
    """A way to go about any problem, in a few sentences."""
    return rng.choice(read_thought_templates())


@cache
def read_reply_groups() -> tuple[ReplyGroup, ...]:
    """All groups of questions, with slots."""
    return tuple(
        ReplyGroup(kind, tuple(row["asks"]), tuple(row["replies"]))
        for kind in KINDS
        for row in _read_rows("replies", kind)
    )


@cache
def read_dialogues() -> tuple[tuple[tuple[str, str], ...], ...]:
    """All dialogues, with slots: what is typed and what is replied."""
    return tuple(
        tuple(zip(row["turns"][::2], row["turns"][1::2], strict=True))
        for row in _read_rows("replies", TALK)
    )


@cache
def read_subproblems() -> tuple[tuple[str, str], ...]:
    """All questions, with slots, and their subproblems."""
    return tuple((row["question"], row["subproblem"]) for row in _read_rows("subproblems", "pair"))


@cache
def read_advice() -> tuple[Entry, ...]:
    """All advice, as entries of a store."""
    return tuple(
        Entry(row["subproblem"], _join_whitespace(row["subroutine"]), source="curriculum/advice")
        for row in _read_rows("advice", "advice")
    )


@cache
def read_documents() -> tuple[str, ...]:
    """All paragraphs."""
    return tuple(_join_whitespace(row["text"]) for row in _read_rows("advice", "document"))


@cache
def read_thought_templates() -> tuple[str, ...]:
    """All thought templates."""
    return tuple(_join_whitespace(row["text"]) for row in _read_rows("advice", "template"))


@cache
def _list_asks() -> tuple[tuple[ReplyGroup, str], ...]:
    return tuple((group, ask) for group in read_reply_groups() for ask in group.asks)


def _read_rows(name: str, table: str) -> Iterator[dict[str, Any]]:
    """The rows of this table in `name`-1.toml and so on."""
    for path in sorted(FOLDER.glob(f"{name}-*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8")).get(table, [])


def _imitate_typing(rng: random.Random, text: str) -> str:
    """The text as people type it, who leave out capitals and marks."""
    if rng.random() < _LOWER:
        text = text.lower()
    if rng.random() < _UNMARKED and text[-1:] in ("?", ".", "!"):
        text = text.rstrip("?.!") or text
    return text


def _join_whitespace(text: str) -> str:
    return " ".join(text.split())
