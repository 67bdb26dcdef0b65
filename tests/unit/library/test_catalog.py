"""The catalog of public models."""

from __future__ import annotations

import re
from datetime import date

import pytest

from rm_local.errors import UsageError
from rm_local.library.hub.catalog import (
    CLASSES,
    LARGEST_MEMORY,
    CatalogEntry,
    find_catalog_entry,
    load_catalog,
)

BITS = {"Q4_K_M": (4.6, 5.3), "Q6_K": (6.4, 6.8), "Q8_0": (8.3, 8.8), "MXFP4": (4.2, 4.8)}
"""Bits a parameter, from the largest models to those with a large share of embeddings."""
SPDX = {"Apache-2.0", "MIT"}
ENTRIES = load_catalog().entries


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_is_plausible(entry: CatalogEntry) -> None:
    """Name, repository, licence and size have the shape that they must have."""
    assert re.fullmatch(r"[a-z0-9.-]+", entry.name)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo)
    low, high = BITS[entry.quant]
    assert low <= entry.gb * 8 / entry.parameters <= high
    for licence in entry.licence.split(" AND "):
        assert licence in SPDX or re.fullmatch(r"LicenseRef-[\w.-]+", licence)
    assert 10 < len(entry.good_at) < 80
    assert entry.gb < entry.estimated_memory_gb


def test_no_model_is_listed_twice() -> None:
    """Neither a name nor a file."""
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert len({(entry.repo, entry.quant) for entry in ENTRIES}) == len(ENTRIES)


def test_each_class_of_memory_has_one() -> None:
    """From 2 GB to 48 and more, in the order of what they need."""
    found = [entry.memory_class for entry in ENTRIES]
    assert found == sorted(found)
    assert {*found} == {*CLASSES, LARGEST_MEMORY}


def test_the_memory_is_reckoned() -> None:
    """File, cache of 16,384 tokens in 16 bits, and llama.cpp's buffers."""
    entry = find_catalog_entry("qwen3-8b")
    assert entry.estimated_memory_gb == pytest.approx(5.03 + 16384 * 36 * 8 * 128 * 4 / 1e9 + 0.4)
    assert entry.memory_class == 8


def test_the_catalog_states_when_it_was_gathered() -> None:
    """The day is stated, as sizes and repositories change."""
    assert date(2026, 1, 1) < load_catalog().gathered


def test_a_name_is_found_in_any_case() -> None:
    """And one that is not there gets the nearest."""
    assert find_catalog_entry("GPT-OSS-20B").repo == "ggml-org/gpt-oss-20b-GGUF"
    with pytest.raises(UsageError, match="gpt-oss-20b"):
        find_catalog_entry("gpt-os-20b")
