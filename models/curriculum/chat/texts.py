"""Reads the TOML files of conversation texts in this folder, and draws texts from them."""

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
"""Names of the tables of single questions with their replies."""
TALK = "talk"
"""Name of the table of dialogues, and the kind of a chat drawn from it."""
_TALKS = 0.08
"""Share of chats that are dialogues."""
_LOWER, _UNMARKED = 0.15, 0.2
"""Shares of typed texts that are in lower case, and that lack the mark at their end."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation without a problem to solve."""

    turns: tuple[tuple[str, str], ...]
    """Pairs of a typed text and its reply, in order."""
    kind: str
    """Name of the table that the chat was drawn from."""


@dataclass(frozen=True, slots=True)
class ReplyGroup:
    """Ways to ask one thing, and replies that each fit all of them; texts may have slots."""

    kind: str
    asks: tuple[str, ...]
    replies: tuple[str, ...]


def draw_chat(rng: random.Random) -> Chat:
    """Draw a chat: one question with a reply, or with a small share a whole dialogue."""
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
    """Draw a question with its slots filled, and the general subproblem in it."""
    question, subproblem = rng.choice(read_subproblems())
    return fill_wording(rng, question, {}), subproblem


def draw_advice(rng: random.Random) -> Entry:
    """Draw an entry of general advice, which fits many problems."""
    return rng.choice(read_advice())


def draw_document(rng: random.Random) -> str:
    """Draw a paragraph of facts, without a procedure."""
    return rng.choice(read_documents())


def draw_thought_template(rng: random.Random) -> str:
    """Draw a text of a few sentences on how to approach any problem."""
    return rng.choice(read_thought_templates())


@cache
def read_reply_groups() -> tuple[ReplyGroup, ...]:
    """Return all groups of questions and replies, with unfilled slots."""
    return tuple(
        ReplyGroup(kind, tuple(row["asks"]), tuple(row["replies"]))
        for kind in KINDS
        for row in _read_rows("replies", kind)
    )


@cache
def read_dialogues() -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return all dialogues, with unfilled slots: pairs of a typed text and its reply."""
    return tuple(
        tuple(zip(row["turns"][::2], row["turns"][1::2], strict=True))
        for row in _read_rows("replies", TALK)
    )


@cache
def read_subproblems() -> tuple[tuple[str, str], ...]:
    """Return all pairs of a question, with unfilled slots, and its subproblem."""
    return tuple((row["question"], row["subproblem"]) for row in _read_rows("subproblems", "pair"))


@cache
def read_advice() -> tuple[Entry, ...]:
    """Return all texts of general advice, as entries of a store."""
    return tuple(
        Entry(row["subproblem"], _join_whitespace(row["subroutine"]), source="curriculum/advice")
        for row in _read_rows("advice", "advice")
    )


@cache
def read_documents() -> tuple[str, ...]:
    """Return all paragraphs of facts."""
    return tuple(_join_whitespace(row["text"]) for row in _read_rows("advice", "document"))


@cache
def read_thought_templates() -> tuple[str, ...]:
    """Return all texts on how to approach any problem."""
    return tuple(_join_whitespace(row["text"]) for row in _read_rows("advice", "template"))


@cache
def _list_asks() -> tuple[tuple[ReplyGroup, str], ...]:
    return tuple((group, ask) for group in read_reply_groups() for ask in group.asks)


def _read_rows(name: str, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table in the files `name`-1.toml, `name`-2.toml, and so on."""
    for path in sorted(FOLDER.glob(f"{name}-*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8")).get(table, [])


def _imitate_typing(rng: random.Random, text: str) -> str:
    """Return the text as people type it, some without capitals or without the final mark."""
    if rng.random() < _LOWER:
        text = text.lower()
    if rng.random() < _UNMARKED and text[-1:] in ("?", ".", "!"):
        text = text.rstrip("?.!") or text
    return text


def _join_whitespace(text: str) -> str:
    return " ".join(text.split())
