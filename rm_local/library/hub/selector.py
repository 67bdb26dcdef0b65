"""Parses the user's reference to a repository, and chooses a model among its GGUF files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rm_local.errors import DownloadError, UsageError
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.library.hub.hub_client import HubFile, Repo

PREFERRED = ("Q4_K_M", "MXFP4", "Q4_K_S", "Q5_K_M", "Q4_0", "Q6_K", "Q8_0")
"""Quantisations to choose from if the user names none, the best first."""

_HOST = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/")
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})$")
_QUANT = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q|TQ)\d+(?:_[0-9A-Z]+)*|BF16|FP?16|FP?32|MXFP4(?:_MOE)?)(?=$|[-.])",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(r"mmproj|imatrix", re.IGNORECASE)
_OPENINGS = ("blob", "resolve", "tree")


@dataclass(frozen=True, slots=True)
class HubReference:
    """A repository of the hub and a model in it, as the user has named them."""

    repo: str
    which: str = ""
    """File or quantisation in the repository; empty = the first available of PREFERRED."""
    revision: str | None = None
    """Branch, tag or commit; None = the main branch."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model in a repository: one file, or the parts of a split model in their order."""

    name: str
    quant: str
    """Quantisation in capitals; empty if the name does not contain it."""
    files: tuple[HubFile, ...]
    parts: int
    """Number of files of the complete model."""

    @property
    def size(self) -> int:
        """Bytes of all files of the model."""
        return sum(file.size for file in self.files)


def parse_hub_reference(text: str, revision: str | None = None) -> HubReference:
    """Parse a reference: ORG/REPO[:FILE or QUANT], or the web address of a repository or file.

    Raises:
        UsageError: The text or the revision is not valid.
    """
    bare = _HOST.sub("", text.strip()).split("?")[0].rstrip("/")
    repo, _, which = bare.partition(":")
    parts = repo.split("/")
    if len(parts) > 3 and parts[2] in _OPENINGS:
        parts, revision = [*parts[:2], *parts[4:]], revision or parts[3]
    if len(parts) < 2 or not all(parts):
        raise UsageError(f"{text!r} does not name a model.", "Give ORG/REPO, or ORG/REPO:Q4_K_M.")
    if revision and (".." in revision or revision.startswith("/")):
        raise UsageError(f"{revision!r} is not a revision.", "Give a branch, a tag or a commit.")
    return HubReference("/".join(parts[:2]), which or "/".join(parts[2:]), revision)


def group_files_into_models(files: Sequence[HubFile]) -> list[HubModel]:
    """Group a repository's GGUF files into models; projectors and other files are left out."""
    grouped: dict[tuple[str, int], list[HubFile]] = {}
    for file in sorted(files, key=lambda file: file.name):
        stem = file.name[: -len(".gguf")]
        if not _NO_MODEL.search(stem.rpartition("/")[2]):
            split = _SPLIT.search(stem)
            name, parts = (stem[: split.start()], int(split[2])) if split else (stem, 1)
            grouped.setdefault((name, parts), []).append(file)
    return [
        HubModel(name, _parse_quant_or_empty(name), tuple(members), parts)
        for (name, parts), members in grouped.items()
    ]


def choose_model(repo: Repo, which: str) -> HubModel:
    """Choose the model of a repository that matches `which`.

    `which`: name of a file, or a quantisation in any case; empty = the first of PREFERRED.

    Raises:
        UsageError: No model or several match; the remedy lists them.
        DownloadError: Parts of the model are missing from the hub.
    """
    models = group_files_into_models(repo.files)
    if not models:
        raise UsageError(
            f"{repo.name} holds no model in the GGUF format.",
            "Look for a conversion: most are in repositories named ...-GGUF.",
        )
    found = (
        _match_by_name_or_else_quant(models, which)
        if which
        else _choose_only_model_or_preferred_quant(models)
    )
    if len({model.name for model in found}) != 1:
        what = f"{repo.name} has {'several models' if found else 'no model'} {which}".rstrip()
        choices = ", ".join(_format_quant_or_name_and_size(model) for model in found or models)
        raise UsageError(f"{what}.", f"Name one after a colon. It has: {choices}.")
    model = min(found, key=lambda model: model.parts)  # there may be a whole and a split one
    if len(model.files) != model.parts:
        raise DownloadError(
            f"{repo.name} holds {len(model.files)} of the {model.parts} parts of {model.name}.",
            "Choose another quantisation or repository.",
        )
    return model


def _match_by_name_or_else_quant(models: list[HubModel], which: str) -> list[HubModel]:
    """Find the models that match `which`: by file name, or else by quantisation.

    Last, it is tried as one of unsloth's dynamic quantisations (`UD-...`).
    """
    asked = which.lower()
    path = asked.removesuffix(".gguf")
    return (
        [
            model
            for model in models
            if any(_matches_lower_case_path_or_name(file, path) for file in model.files)
        ]
        or [model for model in models if path in _get_lower_path_and_last_part(model.name)]
        or [model for model in models if model.quant.lower() == asked]
        or [model for model in models if model.quant.lower() == f"ud-{asked}"]
    )


def _matches_lower_case_path_or_name(file: HubFile, path: str) -> bool:
    """Return whether `path` is the file's path or its last part.

    It is in lower case, without `.gguf`.
    """
    return path in _get_lower_path_and_last_part(file.name[: -len(".gguf")])


def _get_lower_path_and_last_part(stem: str) -> tuple[str, str]:
    """Return the lower-case path of a file or model, and the path's last part."""
    return stem.lower(), stem.lower().rpartition("/")[2]


def _choose_only_model_or_preferred_quant(models: list[HubModel]) -> list[HubModel]:
    """Choose the only model, or the models with the first quantisation of PREFERRED that exists."""
    if len(models) == 1:
        return models
    for quant in PREFERRED:
        if found := [model for model in models if model.quant == quant]:
            return found
    return []


def _parse_quant_or_empty(name: str) -> str:
    """Return the quantisation in a model's name, in capitals; empty if the name contains none."""
    found = _QUANT.findall(name.rpartition("/")[2]) or _QUANT.findall(name)
    return found[-1].upper() if found else ""


def _format_quant_or_name_and_size(model: HubModel) -> str:
    """Format a model's quantisation, or its name without one, and its size."""
    return f"{model.quant or model.name} ({format_bytes(model.size)})"
