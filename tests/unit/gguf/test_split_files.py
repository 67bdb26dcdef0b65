"""The files of a split model, and which of them is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rm_local.errors import ModelNotFoundError
from rm_local.gguf import resolve_first_part_path
from rm_local.library import read_model_description
from tests.support.bad_models import split


def test_any_part_leads_to_the_first(tmp_path: Path) -> None:
    """The second and third of three; a file that is no part stays."""
    first, *others = split(tmp_path)

    assert {resolve_first_part_path(part) for part in others} == {first}
    assert resolve_first_part_path(first) == first
    assert resolve_first_part_path(tmp_path / "other.gguf") == tmp_path / "other.gguf"


@pytest.mark.parametrize("kept", [1, 2])
def test_without_the_first_part_it_is_the_first_that_is_missing(kept: int, tmp_path: Path) -> None:
    """The message names the file that is there, its number, and the missing file."""
    parts = split(tmp_path)
    for part in parts:
        if part != parts[kept]:
            part.unlink()

    with pytest.raises(ModelNotFoundError) as refused:
        read_model_description(parts[kept])

    assert f"{parts[kept]} is number {kept + 1} of the 3 files" in refused.value.message
    assert f"{parts[0].name}, is missing" in refused.value.message
    assert "folder" in refused.value.remedy


def test_a_part_that_is_not_there_either_does_not_exist(tmp_path: Path) -> None:
    """No claim is made about a file that nobody has."""
    path = tmp_path / "model-00002-of-00002.gguf"

    with pytest.raises(ModelNotFoundError, match="does not exist"):
        read_model_description(path)
