"""The chat template in use, rendered so that no message's text can pass for a marker.

Templates see a placeholder in each message's stead; the contents are put in afterwards, as data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rm_local.engine.branches import Part
from rm_local.engine.families.detect import ThinkingDescription
from rm_local.engine.families.stream_parser import strip_thinking
from rm_local.engine.protocol import Message
from rm_local.engine.worker.templates.render_client import Renders
from rm_local.engine.worker.templates.render_protocol import Rendered
from rm_local.errors import EngineError, ModelInvalid, RmLocalError, SettingsError, UsageError

_PLACE = re.compile("\ue000([0-9]+)\ue001")
_OWN = "Put a template of your own in its place (docs/models-thinking.md), or choose another model."
_TRIAL = (Message("user", "?"),)
_TALK = (Message("user", "?"), Message("assistant", "."), Message("user", "?"))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the prompt."""

    text: str
    data: bool
    """Text of a message, in which nothing is special."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation as the model reads it, up to where it writes on."""

    segments: list[Segment]
    starts: Part
    """What the model writes first: thinking, if the block is open at the prompt's end."""
    last: int
    """Place in `segments` of the last message's text."""

    def with_note(self, note: str) -> list[Segment]:
        """The segments with `note` as data after the last message's text."""
        after = self.last + 1
        return [*self.segments[:after], Segment(note, data=True), *self.segments[after:]]


class ChatTemplate:
    """A chat template of the Hugging Face kind (Jinja), and how its family thinks."""

    def __init__(self, model: ThinkingDescription, *, bos: str, eos: str, render: Renders) -> None:
        """`bos` and `eos` are texts of tokens. ModelInvalid or, for a user's file, SettingsError
        when the template cannot be rendered for a lone question."""
        self._model = model
        self._family = model.family
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._render = render
        trial = self._text(self._messages(_TRIAL, thinking=True), thinking=True, effort="")
        opened = trial.rstrip().endswith(model.markers.opening)
        self.opened_by = ("template" if opened else "rm-local") if model.thinks else ""
        """Which opens the thinking block; empty if the model does not think."""
        self.converses = self._takes(_TALK)
        """Whether earlier questions and answers are written into the prompt, too."""

    def render(
        self, messages: Sequence[Message], *, thinking: bool = True, effort: str = ""
    ) -> Prompt:
        """The prompt for these messages, inside an open thinking block if there is thinking.

        `effort` is one of the family's `efforts`, or empty. EngineError when the template refuses
        the messages or leaves the last one out; UsageError for an effort that it does not have.
        """
        if effort and effort not in self._family.efforts:
            raise self._no_such(effort)
        text = self._text(self._messages(messages, thinking), thinking, effort)
        place = f"\ue000{len(messages) - 1}\ue001"
        if place not in text:
            raise EngineError("The model's chat template leaves the question out.", _OWN)
        text, starts = self._settled(text, thinking)
        contents = [self._content(message) for message in messages]
        before, _, after = text.rpartition(place)
        segments = [*_fill(before, contents), Segment(contents[-1], data=True)]
        return Prompt([*segments, *_fill(after, contents)], starts, len(segments) - 1)

    def _takes(self, talk: Sequence[Message]) -> bool:
        """Whether the template renders all these messages."""
        try:
            text = self._text(self._messages(talk, thinking=True), thinking=True, effort="")
        except (EngineError, ModelInvalid, SettingsError):
            return False
        return all(f"\ue000{index}\ue001" in text for index in range(len(talk)))

    def _messages(self, messages: Sequence[Message], thinking: bool) -> list[dict[str, str]]:
        """The messages with placeholders, and with what switches the thinking of some families."""
        placed = _placed(messages)
        switch = self._family.system_on if thinking else self._family.system_off
        if switch and placed and placed[0]["role"] == "system":
            placed[0]["content"] = f"{switch}\n\n{placed[0]['content']}"
        elif switch:
            placed.insert(0, {"role": "system", "content": switch})
        return placed

    def _content(self, message: Message) -> str:
        text = message.content.strip()
        return strip_thinking(text, self._model.markers) if message.role == "assistant" else text

    def _text(self, messages: list[dict[str, str]], thinking: bool, effort: str) -> str:
        """What the template makes of the messages; a system prompt that it refuses joins the
        user's first message."""
        variables = self._variables(thinking, effort)
        result = self._render(_job(self._model.template, messages, variables))
        if result.get("refused") and len(messages) > 1 and messages[0]["role"] == "system":
            first = f"{messages[0]['content']}\n\n{messages[1]['content']}"
            joined = [{**messages[1], "content": first}, *messages[2:]]
            result = self._render(_job(self._model.template, joined, variables))
        if "text" not in result:
            raise self._error(result)
        return result["text"]

    def _variables(self, thinking: bool, effort: str) -> dict[str, Any]:
        switches: Mapping[str, Any] = self._family.on if thinking else self._family.off
        chosen = {self._family.effort: effort} if effort else {}
        return {"enable_thinking": thinking, **self._tokens, **switches, **chosen}

    def _settled(self, text: str, thinking: bool) -> tuple[str, Part]:
        """The prompt with the thinking block open, or with none open."""
        family, markers = self._family, self._model.markers
        if not family.thinks:
            return text, "answer"
        opened = text.rstrip().endswith(markers.opening)
        if thinking:
            return (text if opened else text + family.opens_with), "thinking"
        if opened:
            return f"{text.rstrip()}\n\n{markers.closing}\n\n", "answer"
        closed = text.rstrip().endswith(markers.closing)
        return (text if closed else text + family.skips_with), "answer"

    def _no_such(self, effort: str) -> UsageError:
        if not self._family.efforts:
            return UsageError(
                "This model cannot be told how much to think.", "Leave the effort out."
            )
        has = ", ".join(self._family.efforts)
        return UsageError(f"The model has no reasoning effort {effort!r}.", f"It has: {has}.")

    def _error(self, result: Rendered) -> RmLocalError:
        line = f", line {result['line']}" if result.get("line") else ""
        fault = result["fault"].rstrip(" .:")
        if self._model.source:
            what = f"{self._model.source}{line}: this chat template {fault}."
            return SettingsError(what, "Mend or remove that file.")
        what = f"The model's chat template{line and f'{line},'} {fault}."
        if result.get("refused"):
            return EngineError(what, _OWN)
        return ModelInvalid(what, _OWN)


def _placed(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [
        {"role": message.role, "content": f"\ue000{index}\ue001"}
        for index, message in enumerate(messages)
    ]


def _job(template: str, messages: list[dict[str, str]], variables: dict[str, Any]) -> Any:
    given = {"messages": messages, "add_generation_prompt": True, **variables}
    return {"template": template, "variables": given}


def _fill(text: str, contents: Sequence[str]) -> list[Segment]:
    """Markers and contents in turn: `re.split` puts the placeholders' numbers at odd places."""
    segments = [
        Segment(contents[int(part)], data=True) if odd else Segment(part, data=False)
        for at, part in enumerate(_PLACE.split(text))
        for odd in [at % 2]
    ]
    return [segment for segment in segments if segment.text]
