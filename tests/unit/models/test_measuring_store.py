"""The store that models are measured with: what its entries are, and that they can be found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.curriculum.build_store import build_measuring_store, list_measuring_entries, main
from models.curriculum.families import read_families
from models.curriculum.family_entries import format_procedure, list_family_entries
from models.curriculum.gym.entries import FILE, read_gym_entries
from models.seed.build import list_seed_entries
from models.seed.checks import FIRST_PERSON
from rm_local.store import Store


def test_the_store_adds_families_and_generators_to_the_seed_store() -> None:
    """Each family and each generator has one entry, and each of these has a source of its own."""
    entries = list_measuring_entries()
    seeds = list_seed_entries()
    added = entries[len(seeds) :]

    assert entries[: len(seeds)] == seeds
    assert [entry.subproblem for entry in list_family_entries()] == [
        family.subproblem for family in read_families().values()
    ]
    assert len(added) == 100 + 12
    assert len({entry.source for entry in entries if entry in added}) == len(added)
    assert not {entry.source for entry in added} & {entry.source for entry in seeds}


def test_the_prose_of_a_family_says_what_is_given_and_each_of_its_steps() -> None:
    """In the first person; a step that is a whole sentence stays as it is."""
    families = read_families()

    assert format_procedure(families["remainder"]) == (
        "For problems like this, where an amount and the size of a group are given, and what is "
        "left over after making full groups is asked: I should first find the largest multiple of "
        "the group size that is not above the amount. Then I subtract this multiple from the "
        "amount."
    )
    for family in families.values():
        text = format_procedure(family)
        assert FIRST_PERSON.search(text)
        assert all(step[1:] in text for step in family.steps)
        assert not re.search(r"\b(?:I|first) (?:for|if|otherwise|the|where|while|with) ", text)


def test_entries_for_generators_are_general_procedures_in_the_first_person() -> None:
    """40 to 120 words, in the order of the file."""
    entries = read_gym_entries()

    assert len(entries) == 12
    assert list(entries) == sorted(entries, key=FILE.read_text("utf-8").index)
    for generator, entry in entries.items():
        assert entry.subproblem.startswith("How ")
        assert entry.subproblem.endswith("?")
        assert entry.subroutine.startswith("For problems like this, I should ")
        assert 40 <= len(entry.subroutine.split()) <= 120, generator


def test_entries_are_found_in_the_store_that_is_built(tmp_path: Path) -> None:
    """With their texts and labels; here embedded by the static table, which loads no torch."""
    out = tmp_path / "measuring.rms"
    entries = list(read_gym_entries().values())

    build_measuring_store(out, entries, embedder="static")

    with Store.open(out) as store:
        assert store.read_info().entries == len(entries)
        kept = {entry.source: entry for entry in store.get(range(1, len(entries) + 1))}
    assert {source: entry.subroutine for source, entry in kept.items()} == {
        entry.source: entry.subroutine for entry in entries
    }


def test_a_store_that_exists_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says so, and leaves the file as it was."""
    out = tmp_path / "measuring.rms"
    out.write_bytes(b"mine")

    assert main([str(out)]) == 4
    assert "exists already" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
