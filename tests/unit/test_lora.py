"""How adapters are written on the command line and in the settings: FILE or FILE:SCALE."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from rm_local.lora import LoraAdapter, drop_adapters_with_zero_scale, parse_lora

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.parametrize(
    ("text", "path", "scale"),
    [
        ("a.gguf", "a.gguf", 1.0),
        ("a.gguf:0.5", "a.gguf", 0.5),
        ("a.gguf:-2", "a.gguf", -2.0),
        ("a.gguf:.5", "a.gguf", 0.5),
        ("a.gguf:1e-2", "a.gguf", 0.01),
        (r"C:\x.gguf", r"C:\x.gguf", 1.0),
        (r"C:\x.gguf:0.5", r"C:\x.gguf", 0.5),
        ("a:b.gguf", "a:b.gguf", 1.0),
        ("a:b.gguf:3", "a:b.gguf", 3.0),
        ("style:2:1", "style:2", 1.0),
        ("a.gguf:", "a.gguf:", 1.0),
        ("a.gguf:1_0", "a.gguf:1_0", 1.0),
        ("a.gguf:\u0663", "a.gguf:\u0663", 1.0),
    ],
)
def test_only_a_last_part_that_is_a_number_is_the_scale(text: str, path: str, scale: float) -> None:
    """File names may hold colons, a drive's included."""
    assert parse_lora(text) == LoraAdapter(path, scale)


@given(path=st.text(min_size=1), scale=FINITE)
def test_any_path_with_a_scale_is_read_as_both(path: str, scale: float) -> None:
    """Whatever a file is called, with a scale after it the file is found."""
    assert parse_lora(f"{path}:{scale!r}") == LoraAdapter(path, scale)


@given(path=st.text(min_size=1).filter(lambda text: ":" not in text))
def test_a_name_without_a_colon_is_a_file(path: str) -> None:
    """Its scale is 1."""
    assert parse_lora(path) == LoraAdapter(path, 1.0)


@given(text=st.text())
def test_any_text_is_an_adapter_or_refused(text: str) -> None:
    """Nothing else is raised, and every scale is a number that llama.cpp can compute with."""
    try:
        adapter = parse_lora(text)
    except ValueError:
        return
    assert math.isfinite(adapter.scale)
    assert text.startswith(adapter.path)


@pytest.mark.parametrize("scale", ["nan", "-inf", "Infinity", "1e39", "1e999"])
def test_a_scale_that_is_not_finite_is_refused(scale: str) -> None:
    """Also one that is infinite as a 32-bit float only."""
    with pytest.raises(ValueError, match="not a finite number"):
        parse_lora(f"a.gguf:{scale}")


@pytest.mark.parametrize("text", ["", ":1", ":0.5"])
def test_an_adapter_without_a_file_is_refused(text: str) -> None:
    """A scale alone names no adapter."""
    with pytest.raises(ValueError, match="names no file"):
        parse_lora(text)


def test_an_adapter_of_scale_0_is_left_out() -> None:
    """Of either sign; the others stay in their order."""
    texts = ["a.gguf:0", "b.gguf:2", "c.gguf:-0.0", "d.gguf"]
    used = drop_adapters_with_zero_scale(map(parse_lora, texts))
    assert [adapter.path for adapter in used] == ["b.gguf", "d.gguf"]
