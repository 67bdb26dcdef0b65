"""Detects a model's chat format (family, template, markers) from the metadata of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rm_local.engine.families.family import (
    Family,
    load_fallback_marker_pairs,
    load_shipped_families,
)
from rm_local.engine.families.markers import ThinkingMarkers
from rm_local.engine.families.overrides import OverrideFinder
from rm_local.gguf import LoraHeader

TEMPLATE = "tokenizer.chat_template"
CALCULATOR = "rm_local.calculator"
"""Metadata key that states whether a model was trained with the calculator."""
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NAMES = ("general.name", "general.basename", "general.finetune")
_PROMPT = "add_generation_prompt"


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How to write prompts for a model and to read its output: its family and its chat template."""

    family: Family
    template: str
    """Text of the chat template."""
    source: Path | None = None
    """The user's file that contains the template; None = the model's own template, or ChatML."""
    chatml: bool = False
    """Whether ChatML is used because the model has no template."""
    family_source: Path | None = None
    """The user's file that changes the family; None = there is no such file."""

    @property
    def thinks(self) -> bool:
        """Whether the model writes thinking before its answer."""
        return self.family.thinks

    @property
    def markers(self) -> ThinkingMarkers:
        """The markers between thinking and answer in the model's output."""
        return self.family.markers

    @property
    def thinking_opener_name_or_empty(self) -> str:
        """What opens the thinking block: `template` or `rm-local`; empty without thinking.

        It is `template` if the template has the opening marker after its last condition for the
        generation prompt, and no closing marker directly after it.
        """
        if not self.thinks:
            return ""
        blank = r"(?:\s|\\n)*"
        opening, closing = map(re.escape, (self.markers.opening, self.markers.closing))
        tail = self.template[self.template.rfind(_PROMPT) :]
        opens = re.search(f"{opening}(?!{blank}{closing})", tail)
        return "template" if opens else "rm-local"

    @property
    def template_origin_description(self) -> str:
        """Where the chat template comes from, in words for the user."""
        if self.source:
            return str(self.source)
        return "ChatML, as the model has no template" if self.chatml else "the model's file"

    @property
    def summary(self) -> str:
        """A line for the user about family, thinking, and the source of the template."""
        known = f"family {self.family.name}"
        if self.family_source:
            known += f" changed by {self.family_source}"
        if self.family.calculator:
            known += ", uses the calculator"
        if not self.thinks:
            return f"{known}, does not think; template from {self.template_origin_description}"
        between = f"{self.markers.opening} ... {self.markers.closing}"
        opened = f"thinks between {between}, opened by {self.thinking_opener_name_or_empty}"
        if self.family.efforts:
            opened += f", effort {' or '.join(self.family.efforts)}"
        return f"{known}, {opened}; template from {self.template_origin_description}"


def detect_chat_format(
    metadata: Mapping[str, Any],
    *,
    file: str = "",
    overrides: Path | None = None,
    adapters: Iterable[LoraHeader] = (),
) -> ChatFormat:
    """Detect the chat format of a model from its metadata and the user's files.

    `file`: the model file's name without its suffix. `overrides`: the folder of the user's
    templates and families, which take precedence; None = no folder. Whether the calculator is used
    is stated by the last adapter with such a statement, else by the metadata, else by the family.

    Raises:
        SettingsError: One of the user's files is invalid.
    """
    names = [str(metadata[key]) for key in _NAMES if metadata.get(key)]
    users = OverrideFinder(overrides)
    named = [file, *names]
    own = users.find_template(named)
    template = own.text if own else str(metadata.get(TEMPLATE) or "")
    architecture = str(metadata.get("general.architecture", ""))
    found = detect_family_or_unknown(architecture, " ".join(names) or file, template)
    for trained in (
        metadata.get(CALCULATOR),
        *(adapter.trained_with_calculator for adapter in adapters),
    ):
        if isinstance(trained, bool):
            found = replace(found, calculator=trained)
    if own is None and (own := users.find_template([found.name])):
        template = own.text
    family, family_source = users.apply_family_override([*named, found.name], found)
    return ChatFormat(
        family=family,
        template=template or CHATML,
        source=own.path if own else None,
        chatml=not template,
        family_source=family_source,
    )


def detect_family_or_unknown(architecture: str, name: str, template: str) -> Family:
    """Detect the family of a model; `name`: all names of the model, joined.

    A model of no known family gets the family `unknown`. So does a model of a known family without
    thinking, if its template contains thinking markers and the family is not `firm`. `unknown`
    thinks if the template contains such markers.
    """
    called = re.sub(r"[\s_]+", "-", name)
    known = next(
        (
            each
            for each in load_shipped_families()
            if each.matches_model(architecture, called, template)
        ),
        None,
    )
    if known and (known.thinks or known.firm):
        return known
    for markers in load_fallback_marker_pairs():
        if markers.opening in template or markers.closing in template:
            return Family("unknown", "unknown, markers found in its template", markers=markers)
    return known or Family("unknown", "unknown", thinks=False)
