"""The figures of the picture of both models' training."""

from __future__ import annotations

import json
from pathlib import Path

from models import plot_training


def test_losses_are_averaged_over_equal_numbers_of_tokens(tmp_path: Path) -> None:
    """A step of the scale with fewer than three lines is left out."""
    log = tmp_path / "loss.jsonl"
    lines = [(210_000, 0.4), (230_000, 0.2), (299_999, 0.3), (310_000, 9.0)]
    log.write_text("".join(json.dumps({"tokens": t, "loss": loss}) + "\n" for t, loss in lines))

    assert plot_training.average_losses(log) == [[0.25, 0.3]]


def test_the_curves_of_both_models_are_committed() -> None:
    """With shares between 0 and 100 % at rising numbers of tokens, and the picture of them."""
    curves = json.loads(plot_training.CURVES.read_text(encoding="utf-8"))

    assert curves.keys() == {"rm-nano", "rm-small"}
    for curve in curves.values():
        for points in (curve["loss"], *curve["accuracy"].values()):
            assert [x for x, _ in points] == sorted({x for x, _ in points})
        assert all(0 <= y <= 100 for points in curve["accuracy"].values() for _, y in points)
    assert plot_training.PICTURE.read_text(encoding="utf-8").count("<svg") == 1
