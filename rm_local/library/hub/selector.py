"""Which files a user means: a repository, and one model among the GGUF files in it."""

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
"""What is taken from a repository when nothing is asked for, the best first."""

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
    """What was asked for."""

    repo: str
    which: str = ""
    """A file of it, or a quantisation; empty takes the one that suits most."""
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class HubModel:
    """One model of a repository: a file, or all parts of a split one, in their order."""

    name: str
    quant: str
    """Its quantisation in capitals; empty when the name does not tell."""
    files: tuple[HubFile, ...]
    parts: int
    """How many files it has to have."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def parse_reference(text: str, revision: str | None = None) -> HubReference:
    """ORG/REPO[:FILE or QUANT], or the address of a repository or of a file of it."""
    bare = _HOST.sub("", text.strip()).split("?")[0].rstrip("/")
    repo, _, which = bare.partition(":")
    parts = repo.split("/")
    if len(parts) > 3 and parts[2] in _OPENINGS:
        parts, revision = [*parts[:2], *parts[4:]], revision or parts[3]
    if len(parts) < 2 or not all(parts):
        raise UsageError(f"{text!r} is no model.", "Give ORG/REPO, or ORG/REPO:Q4_K_M.")
    if revision and (".." in revision or revision.startswith("/")):
        raise UsageError(f"{revision!r} is no revision.", "Give a branch, a tag or a commit.")
    return HubReference("/".join(parts[:2]), which or "/".join(parts[2:]), revision)


def models_of(files: Sequence[HubFile]) -> list[HubModel]:
    """The models among a repository's GGUF files; projectors and such left out."""
    grouped: dict[tuple[str, int], list[HubFile]] = {}
    for file in sorted(files, key=lambda file: file.name):
        stem = file.name[: -len(".gguf")]
        if not _NO_MODEL.search(stem.rpartition("/")[2]):
            split = _SPLIT.search(stem)
            name, parts = (stem[: split.start()], int(split[2])) if split else (stem, 1)
            grouped.setdefault((name, parts), []).append(file)
    return [
        HubModel(name, _quant(name), tuple(held), parts) for (name, parts), held in grouped.items()
    ]


def choose_model(repo: Repo, which: str) -> HubModel:
    """The model that `which` names: a file, or a quantisation in any case; empty: PREFERRED.

    Raises UsageError with what there is, DownloadError when parts are missing from the hub.
    """
    models = models_of(repo.files)
    if not models:
        raise UsageError(
            f"{repo.name} holds no model in the GGUF format.",
            "Look for a conversion: most are in repositories named ...-GGUF.",
        )
    found = _named(models, which) if which else _preferred(models)
    if len({model.name for model in found}) != 1:
        what = f"{repo.name} has {'several models' if found else 'no model'} {which}".rstrip()
        told = ", ".join(_listed(model) for model in found or models)
        raise UsageError(f"{what}.", f"Name one after a colon. It has: {told}.")
    model = min(found, key=lambda model: model.parts)  # the same may be there whole and split
    if len(model.files) != model.parts:
        raise DownloadError(
            f"{repo.name} holds {len(model.files)} of the {model.parts} parts of {model.name}.",
            "Choose another quantisation or repository.",
        )
    return model


def _named(models: list[HubModel], which: str) -> list[HubModel]:
    """Those of that file, else of that quantisation, else of unsloth's dynamic one."""
    asked = which.lower()
    path = asked.removesuffix(".gguf")
    return (
        [model for model in models if any(_is(file, path) for file in model.files)]
        or [model for model in models if path in _names(model.name)]
        or [model for model in models if model.quant.lower() == asked]
        or [model for model in models if model.quant.lower() == f"ud-{asked}"]
    )


def _is(file: HubFile, path: str) -> bool:
    return path in _names(file.name[: -len(".gguf")])


def _names(stem: str) -> tuple[str, str]:
    """What a file or model may be called: its path, or what stands behind the last slash."""
    return stem.lower(), stem.lower().rpartition("/")[2]


def _preferred(models: list[HubModel]) -> list[HubModel]:
    """The only model, or those of the first preferred quantisation that there is."""
    if len(models) == 1:
        return models
    for quant in PREFERRED:
        if found := [model for model in models if model.quant == quant]:
            return found
    return []


def _quant(name: str) -> str:
    found = _QUANT.findall(name.rpartition("/")[2]) or _QUANT.findall(name)
    return found[-1].upper() if found else ""


def _listed(model: HubModel) -> str:
    return f"{model.quant or model.name} ({format_bytes(model.size)})"
