"""Which files a user means."""

from __future__ import annotations

import pytest

from rm_local.errors import DownloadError, UsageError
from rm_local.library.hub.hub_client import HubFile, Repo
from rm_local.library.hub.selector import (
    HubReference,
    choose_model,
    group_files_into_models,
    parse_hub_reference,
)

UNSLOTH = [
    "M-Q4_K_M.gguf",
    "M-Q8_0.gguf",
    "M-UD-Q4_K_XL.gguf",
    "M-UD-IQ1_S.gguf",
    "BF16/M-BF16-00001-of-00002.gguf",
    "BF16/M-BF16-00002-of-00002.gguf",
    "mmproj-F16.gguf",
    "imatrix_unsloth.gguf",
]


def repo(*names: str) -> Repo:
    """A repository of such files."""
    return Repo("o/r", "0" * 40, "mit", tuple(HubFile(name, 10, "0" * 64) for name in names))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("o/r", HubReference("o/r")),
        ("o/r:Q4_K_M", HubReference("o/r", "Q4_K_M")),
        ("o/r:sub/file.gguf", HubReference("o/r", "sub/file.gguf")),
        ("hf.co/o/r:Q8_0", HubReference("o/r", "Q8_0")),
        ("https://huggingface.co/o/r/", HubReference("o/r")),
        ("https://huggingface.co/o/r/tree/dev", HubReference("o/r", "", "dev")),
        ("https://huggingface.co/o/r/blob/main/a/b.gguf", HubReference("o/r", "a/b.gguf", "main")),
        ("o/r/b.gguf", HubReference("o/r", "b.gguf")),
    ],
)
def test_a_reference_is_read_in_all_its_forms(text: str, wanted: HubReference) -> None:
    """A repository alone, with a quantisation or file, or an address."""
    assert parse_hub_reference(text) == wanted


@pytest.mark.parametrize("text", ["", "o", "o/", "/r", "o//r"])
def test_a_reference_without_a_repository_is_refused(text: str) -> None:
    """UsageError with the shape that it has to have."""
    with pytest.raises(UsageError, match="ORG/REPO"):
        parse_hub_reference(text)


@pytest.mark.parametrize(
    ("which", "name"),
    [
        ("", "M-Q4_K_M"),
        ("q8_0", "M-Q8_0"),
        ("Q4_K_XL", "M-UD-Q4_K_XL"),
        ("ud-iq1_s", "M-UD-IQ1_S"),
        ("bf16", "BF16/M-BF16"),
        ("M-BF16-00002-of-00002.gguf", "BF16/M-BF16"),
        ("M-Q8_0.gguf", "M-Q8_0"),
        ("m-q8_0", "M-Q8_0"),
    ],
)
def test_one_model_is_chosen(which: str, name: str) -> None:
    """By file, by quantisation in any case, or the preferred one; all parts of it."""
    chosen = choose_model(repo(*UNSLOTH), which)
    assert (chosen.name, len(chosen.files)) == (name, chosen.parts)


@pytest.mark.parametrize(
    ("name", "quant"),
    [
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("qwq-32b-q4_k_m.gguf", "Q4_K_M"),
        ("Model.IQ4_XS.gguf", "IQ4_XS"),
        ("Qwen3-0.6B-Q8_0.gguf", "Q8_0"),
        ("model-f16.gguf", "F16"),
        ("model.gguf", ""),
        ("TQ1_0/model-TQ1_0-00001-of-00001.gguf", "TQ1_0"),
        ("model-Q4_K_M.imat.gguf", "Q4_K_M"),
    ],
)
def test_the_quantisation_is_read_from_the_name(name: str, quant: str) -> None:
    """In capitals; empty when the name does not say it."""
    (model,) = group_files_into_models(repo(name).files)
    assert model.quant == quant


def test_the_only_model_is_taken() -> None:
    """Whatever its quantisation is."""
    assert choose_model(repo("odd.gguf"), "").name == "odd"


def test_a_whole_file_is_preferred_to_a_split_one() -> None:
    """Where a repository holds the same model in both shapes."""
    both = ["m-Q8_0.gguf", "m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"]
    assert len(choose_model(repo(*both), "q8_0").files) == 1


def test_several_models_of_one_quantization_are_refused() -> None:
    """UsageError that lists those alone, not a guess."""
    with pytest.raises(UsageError, match="several models Q8_0"):
        choose_model(repo("a-Q8_0.gguf", "b-Q8_0.gguf"), "Q8_0")


def test_missing_parts_are_a_download_error() -> None:
    """DownloadError: it is the hub's fault, not the user's."""
    with pytest.raises(DownloadError, match="1 of the 2 parts"):
        choose_model(repo("m-Q8_0-00002-of-00002.gguf"), "Q8_0")
