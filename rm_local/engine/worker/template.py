"""The model's own chat template, rendered so that no message's text can pass for a marker.

Templates see a placeholder in each message's stead; the contents are put in afterwards, as data.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rm_local.engine.protocol import Message
from rm_local.engine.splitter import CLOSE, OPEN
from rm_local.errors import EngineError, ModelInvalid

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_PLACE = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the prompt."""

    text: str
    data: bool
    """Text of a message, in which nothing is special."""


class ChatTemplate:
    """A chat template of the Hugging Face kind (Jinja)."""

    def __init__(self, source: str | None, *, bos: str, eos: str, knows_think: bool) -> None:
        """`source` None = ChatML. `knows_think`: the vocabulary has `<think>` as a token."""
        self.source = source or CHATML
        self.thinks = knows_think or OPEN in self.source or CLOSE in self.source
        self._tokens = {"bos_token": bos, "eos_token": eos}
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _tojson
        environment.globals.update(raise_exception=_refuse, strftime_now=_strftime_now)
        try:
            self._template = environment.from_string(self.source)
        except TemplateError as error:
            raise ModelInvalid(
                f"The file's chat template cannot be read: {error}.",
                "Choose another conversion of this model.",
            ) from error

    def render(self, messages: Sequence[Message]) -> list[Segment]:
        """The prompt up to where the model writes, inside an open thinking block if it thinks."""
        places = [
            {"role": message.role, "content": f"\ue000{index}\ue001"}
            for index, message in enumerate(messages)
        ]
        try:
            text = self._template.render(
                messages=places, add_generation_prompt=True, enable_thinking=True, **self._tokens
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise EngineError(
                f"The model's chat template refuses these messages: {error}.",
                "Leave out the system prompt, or choose another model.",
            ) from error
        if self.thinks and not text.rstrip().endswith(OPEN):
            text += f"{OPEN}\n"
        return _fill(text, [message.content.strip() for message in messages])


def _fill(text: str, contents: Sequence[str]) -> list[Segment]:
    """Markers and contents in turn: `re.split` puts the placeholders' numbers at odd places."""
    segments = [
        Segment(contents[int(part)], data=True) if odd else Segment(part, data=False)
        for at, part in enumerate(_PLACE.split(text))
        for odd in [at % 2]
    ]
    return [segment for segment in segments if segment.text]


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().strftime(layout)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
