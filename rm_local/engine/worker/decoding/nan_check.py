"""Detects NaN and infinite logits, a symptom of damaged weights."""

from __future__ import annotations

import math
from typing import Any

import llama_cpp

from rm_local.engine.worker.decoding.candidates import view_logits
from rm_local.errors import InvalidModelError


def check_logits(context: Any, row: int, vocabulary: int) -> None:
    """Check that no logit in row `row` of the last decoded batch is NaN or plus infinity.

    Minus infinity is valid: it marks a token that is never sampled. The check takes 20
    microseconds for 150,000 logits.

    Raises:
        InvalidModelError: A logit is NaN or plus infinity.
    """
    values = view_logits(context, row, vocabulary)
    if math.isnan(values.min()) or values.max() == math.inf:
        raise _make_nan_error()


def check_sampled_logit(context: Any, row: int, token: int) -> None:
    """Check that the logit of the sampled token is finite.

    One logit suffices during decoding, because a fault there makes all logits NaN.

    Raises:
        InvalidModelError: The logit is NaN or infinite.
    """
    if not math.isfinite(llama_cpp.llama_get_logits_ith(context, row)[token]):
        raise _make_nan_error()


def _make_nan_error() -> InvalidModelError:
    return InvalidModelError(
        "The model produced NaN or infinite logits.",
        "Its file is damaged: copy or download it again, or choose another model.",
    )
