"""`python -m models.compare` on the real parts, with the shipped model."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.compare.__main__ import main
from models.compare.samples import read_samples
from rm_local import paths


def test_a_comparison_is_run_once_and_reported_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One question of each kind under both plans; the same command asks nothing a second time."""
    out = tmp_path / "run.jsonl"
    command = ["--model", str(paths.shipped_model()), "--out", str(out), "--limit", "1"]
    command += ["--seeds", "1", "--max-tokens", "8", "--threads", "1"]

    assert main(command) == 0
    first = capsys.readouterr().out
    samples = read_samples(out)
    assert main(command) == 0
    second = capsys.readouterr().out
    assert main([*command, "--report"]) == 0
    report = capsys.readouterr().out

    assert len(samples) == 4 * 2
    assert all(sample.tokens and sample.seconds for sample in samples.values())
    assert "8/8" in first
    assert "8/8  conversation" not in second
    assert first.endswith(second)
    assert second == report
    assert "memory minus direct" in report


def test_what_was_made_with_other_settings_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a model is loaded, with the option that helps."""
    out = tmp_path / "run.jsonl"
    out.write_text('{"model": "other"}\n', encoding="utf-8")

    assert main(["--model", str(paths.shipped_model()), "--out", str(out)]) == 2
    assert "--out" in capsys.readouterr().err
