"""Renders the messages of a conversation to a prompt by the model's chat template.

No text of a message can become a marker: the template is rendered with a placeholder for each text,
and the texts are inserted afterwards, as data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rm_local.engine.branches import Part
from rm_local.engine.families.detect import ChatFormat
from rm_local.engine.families.stream_parser import strip_thinking
from rm_local.engine.protocol import Message
from rm_local.engine.worker.templates.render_client import RenderCallback
from rm_local.engine.worker.templates.render_protocol import RenderReply
from rm_local.errors import EngineError, InvalidModelError, RmLocalError, SettingsError, UsageError

_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
_REMEDY = (
    "Put a template of your own in its place (docs/reference/models-thinking.md), "
    "or choose another model."
)
_TRIAL = (Message("user", "?"),)
_EXCHANGE = (Message("user", "?"), Message("assistant", "."), Message("user", "?"))


@dataclass(frozen=True, slots=True)
class PromptSegment:
    """A part of a prompt: markup of the chat template, or the text of a message."""

    text: str
    data: bool
    """Whether the part is the text of a message, to be tokenized without special tokens."""


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt rendered by a chat template; the model continues at its end."""

    segments: list[PromptSegment]
    starts: Part
    """What the model writes first: thinking, if the prompt ends in an open block; or answer."""
    last: int
    """Index in `segments` of the last message's text."""

    def build_segments_with_note_after_question(self, note: str) -> list[PromptSegment]:
        """Return the segments with `note` inserted as data after the last message's text."""
        after = self.last + 1
        return [*self.segments[:after], PromptSegment(note, data=True), *self.segments[after:]]


class ChatTemplate:
    """A model's chat template (Jinja, as in transformers), with the settings of its family."""

    def __init__(self, model: ChatFormat, *, bos: str, eos: str, render: RenderCallback) -> None:
        """Check the template by rendering a question.

        `bos`, `eos`: the texts of these tokens. `render`: renders a template with its variables.

        Raises:
            InvalidModelError: The model's own template cannot be rendered.
            SettingsError: The template in a user's file cannot be rendered.
        """
        self._model = model
        self._family = model.family
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._render = render
        trial = self._render_merging_refused_system_prompt(
            self._build_placeholder_messages(_TRIAL, thinking=True), thinking=True, effort=""
        )
        opened = trial.rstrip().endswith(model.markers.opening)
        self.opened_by = ("template" if opened else "rm-local") if model.thinks else ""
        """What opens the thinking block: `template` or `rm-local`; empty without thinking."""
        self.converses = self._can_render_all_texts(_EXCHANGE)
        """Whether the template accepts earlier questions and answers before the last question."""

    def render(
        self, messages: Sequence[Message], *, thinking: bool = True, effort: str = ""
    ) -> RenderedPrompt:
        """Render the prompt for `messages`; with `thinking`, it ends in an open thinking block.

        `effort`: one of the family's `efforts`; empty = the template's default.

        Raises:
            EngineError: The template refuses the messages or omits the last one.
            UsageError: The family has no such effort.
        """
        if effort and effort not in self._family.efforts:
            raise self._make_effort_error(effort)
        text = self._render_merging_refused_system_prompt(
            self._build_placeholder_messages(messages, thinking), thinking, effort
        )
        placeholder = f"\ue000{len(messages) - 1}\ue001"
        if placeholder not in text:
            raise EngineError("The model's chat template leaves the question out.", _REMEDY)
        text, starts = self._open_or_close_thinking(text, thinking)
        contents = [self._strip_space_and_thinking(message) for message in messages]
        before, _, after = text.rpartition(placeholder)
        segments = [*_fill_placeholders(before, contents), PromptSegment(contents[-1], data=True)]
        return RenderedPrompt(
            [*segments, *_fill_placeholders(after, contents)], starts, len(segments) - 1
        )

    def _can_render_all_texts(self, exchange: Sequence[Message]) -> bool:
        """Return whether the template can be rendered with the texts of all messages."""
        try:
            text = self._render_merging_refused_system_prompt(
                self._build_placeholder_messages(exchange, thinking=True), thinking=True, effort=""
            )
        except (EngineError, InvalidModelError, SettingsError):
            return False
        return all(f"\ue000{index}\ue001" in text for index in range(len(exchange)))

    def _build_placeholder_messages(
        self, messages: Sequence[Message], thinking: bool
    ) -> list[dict[str, str]]:
        """Build the messages for the template, with placeholders in place of their texts.

        The family's text that turns thinking on or off is put before the system prompt. Without a
        system prompt it becomes a system message in front.
        """
        placed = _replace_texts_by_placeholders(messages)
        switch = self._family.system_on if thinking else self._family.system_off
        if switch and placed and placed[0]["role"] == "system":
            placed[0]["content"] = f"{switch}\n\n{placed[0]['content']}"
        elif switch:
            placed.insert(0, {"role": "system", "content": switch})
        return placed

    def _strip_space_and_thinking(self, message: Message) -> str:
        """Return a message's text without white space around it, and without thinking."""
        text = message.content.strip()
        return strip_thinking(text, self._model.markers) if message.role == "assistant" else text

    def _render_merging_refused_system_prompt(
        self, messages: list[dict[str, str]], thinking: bool, effort: str
    ) -> str:
        """Render the messages; if a system prompt is refused, put it into the next message.

        Raises:
            EngineError: The template refuses the messages.
            InvalidModelError, SettingsError: The model's or the user's template is invalid.
        """
        variables = self._build_variables(thinking, effort)
        result = self._render(_build_render_job(self._model.template, messages, variables))
        if result.get("refused") and len(messages) > 1 and messages[0]["role"] == "system":
            first = f"{messages[0]['content']}\n\n{messages[1]['content']}"
            joined = [{**messages[1], "content": first}, *messages[2:]]
            result = self._render(_build_render_job(self._model.template, joined, variables))
        if "text" not in result:
            raise self._make_render_error(result)
        return result["text"]

    def _build_variables(self, thinking: bool, effort: str) -> dict[str, Any]:
        """Build the template's variables other than messages: tokens, thinking and effort."""
        switches: Mapping[str, Any] = self._family.on if thinking else self._family.off
        chosen = {self._family.effort: effort} if effort else {}
        return {"enable_thinking": thinking, **self._tokens, **switches, **chosen}

    def _open_or_close_thinking(self, text: str, thinking: bool) -> tuple[str, Part]:
        """Open the thinking block at the end of a prompt, or close it if `thinking` is False.

        Return the prompt, and the part that the model then writes first.
        """
        family, markers = self._family, self._model.markers
        if not family.thinks:
            return text, "answer"
        opened = text.rstrip().endswith(markers.opening)
        if thinking:
            return (text if opened else text + family.thinking_opening_text), "thinking"
        if opened:
            return f"{text.rstrip()}\n\n{markers.closing}\n\n", "answer"
        closed = text.rstrip().endswith(markers.closing)
        return (text if closed else text + family.thinking_skip_text), "answer"

    def _make_effort_error(self, effort: str) -> UsageError:
        if not self._family.efforts:
            return UsageError("This model has no reasoning efforts.", "Leave the effort out.")
        efforts = ", ".join(self._family.efforts)
        return UsageError(
            f"The model has no reasoning effort {effort!r}.", f"Choose one of: {efforts}."
        )

    def _make_render_error(self, result: RenderReply) -> RmLocalError:
        """Make the error for a template that could not be rendered, by the fault in `result`."""
        line = f", line {result['line']}" if result.get("line") else ""
        fault = result["fault"].rstrip(" .:")
        if self._model.source:
            what = f"{self._model.source}{line}: this chat template {fault}."
            return SettingsError(what, "Fix or remove that file.")
        what = f"The model's chat template{line and f'{line},'} {fault}."
        if result.get("refused"):
            return EngineError(what, _REMEDY)
        return InvalidModelError(what, _REMEDY)


def _replace_texts_by_placeholders(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return the messages for a template, with a numbered placeholder in place of each text."""
    return [
        {"role": message.role, "content": f"\ue000{index}\ue001"}
        for index, message in enumerate(messages)
    ]


def _build_render_job(
    template: str, messages: list[dict[str, str]], variables: dict[str, Any]
) -> Any:
    """Build the job for the process that renders: the template and its variables."""
    given = {"messages": messages, "add_generation_prompt": True, **variables}
    return {"template": template, "variables": given}


def _fill_placeholders(text: str, contents: Sequence[str]) -> list[PromptSegment]:
    """Split a rendered text at its placeholders; return markup and messages' texts as segments."""
    segments = [
        PromptSegment(contents[int(part)], data=True) if odd else PromptSegment(part, data=False)
        for at, part in enumerate(_PLACEHOLDER.split(text))
        for odd in [at % 2]
    ]
    return [segment for segment in segments if segment.text]
