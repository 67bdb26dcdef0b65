"""What a model is and how it thinks, told from its file's metadata alone, without llama.cpp."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rm_local.engine.families.family import Family, pairs, shipped
from rm_local.engine.families.markers import Markers
from rm_local.engine.families.overrides import Overrides
from rm_local.gguf import LoraFile

TEMPLATE = "tokenizer.chat_template"
CALCULATOR = "rm_local.calculator"
"""Whether the model was trained with the calculator; goes before what its family says."""
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NAMES = ("general.name", "general.basename", "general.finetune")
_PROMPT = "add_generation_prompt"


@dataclass(frozen=True, slots=True)
class ThinkingDescription:
    """A model's family, the chat template in use, and where both come from."""

    family: Family
    template: str
    """Text of the template."""
    source: Path | None = None
    """The user's file that holds the template; None = the model's own, or ChatML."""
    chatml: bool = False
    """Whether ChatML stands in for a template that the model does not have."""
    family_source: Path | None = None
    """The user's file that changes what is known of the family."""

    @property
    def thinks(self) -> bool:
        return self.family.thinks

    @property
    def markers(self) -> Markers:
        return self.family.markers

    @property
    def opened_by(self) -> str:
        """`template` or `rm-local`, whichever opens the thinking block; empty if nothing does.

        Told from the template's text: an opening after it asks for the generation prompt, which
        is not closed at once.
        """
        if not self.thinks:
            return ""
        blank = r"(?:\s|\\n)*"
        opening, closing = map(re.escape, (self.markers.opening, self.markers.closing))
        tail = self.template[self.template.rfind(_PROMPT) :]
        opens = re.search(f"{opening}(?!{blank}{closing})", tail)
        return "template" if opens else "rm-local"

    @property
    def template_from(self) -> str:
        """Where the template comes from, in words."""
        if self.source:
            return str(self.source)
        return "ChatML, as the model has none" if self.chatml else "the model's file"

    @property
    def told(self) -> str:
        """All of it in one line."""
        known = f"family {self.family.name}"
        if self.family_source:
            known += f" changed by {self.family_source}"
        if self.family.calculator:
            known += ", uses the calculator"
        if not self.thinks:
            return f"{known}, does not think; template from {self.template_from}"
        between = f"{self.markers.opening} ... {self.markers.closing}"
        opened = f"thinks between {between}, opened by {self.opened_by}"
        if self.family.efforts:
            opened += f", effort {' or '.join(self.family.efforts)}"
        return f"{known}, {opened}; template from {self.template_from}"


def describe_thinking(
    metadata: Mapping[str, Any],
    *,
    file: str = "",
    overrides: Path | None = None,
    adapters: Iterable[LoraFile] = (),
) -> ThinkingDescription:
    """The model whose header holds `metadata`.

    `file` is the file's name, without its ending; `overrides` the folder of the user's files,
    which go before what is known. What its LoRA adapters say of the calculator goes before what
    the model says, the last of them first. SettingsError when one of the user's files is wrong.
    """
    names = [str(metadata[key]) for key in _NAMES if metadata.get(key)]
    users = Overrides(overrides)
    named = [file, *names]
    own = users.template(named)
    template = own.text if own else str(metadata.get(TEMPLATE) or "")
    architecture = str(metadata.get("general.architecture", ""))
    found = detect(architecture, " ".join(names) or file, template)
    for trained in (metadata.get(CALCULATOR), *(adapter.calculator for adapter in adapters)):
        if isinstance(trained, bool):
            found = replace(found, calculator=trained)
    if own is None and (own := users.template([found.name])):
        template = own.text
    family, family_source = users.family([*named, found.name], found)
    return ThinkingDescription(
        family=family,
        template=template or CHATML,
        source=own.path if own else None,
        chatml=not template,
        family_source=family_source,
    )


def detect(architecture: str, name: str, template: str) -> Family:
    """The family of a model; the name is all that it is called.

    One that is not known thinks if its template holds the markers of thinking.
    """
    called = re.sub(r"[\s_]+", "-", name)
    known = next((each for each in shipped() if each.matches(architecture, called, template)), None)
    if known and (known.thinks or known.firm):
        return known
    for markers in pairs():
        if markers.opening in template or markers.closing in template:
            return Family("unknown", "not known, told from its template", markers=markers)
    return known or Family("unknown", "not known", thinks=False)
