"""Draws the loss and the accuracy of rm-nano and rm-small against the tokens of their training.

    python -m models.plot_training [--loss models/small/run/loss.jsonl]

The figures are those of models/training_curves.json. `--loss` first puts the mean losses of a
trainer's log into it as rm-small's. Needs matplotlib, which the extra `eval` brings.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CURVES = HERE / "training_curves.json"
PICTURE = HERE.parent / "docs" / "measurements" / "training.svg"
STEP = 0.1
"""Million tokens over which losses are averaged."""
MIN_LOGGED = 3
"""Lines of the log that a mean is taken of, at least."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loss", type=Path, help="JSON Lines with `tokens` and `loss`")
    args = parser.parse_args()
    curves = json.loads(CURVES.read_text(encoding="utf-8"))
    if args.loss:
        curves["rm-small"]["loss"] = average_losses(args.loss)
        CURVES.write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    draw_curves(curves, PICTURE)
    print(PICTURE)


def average_losses(log: Path) -> list[list[float]]:
    """Read a trainer's log; return [million tokens, mean loss] for each `STEP` million tokens."""
    groups: dict[int, list[float]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        logged = json.loads(line)
        groups.setdefault(int(logged["tokens"] / (STEP * 1e6)), []).append(logged["loss"])
    return [
        [round((group + 0.5) * STEP, 3), round(sum(losses) / len(losses), 4)]
        for group, losses in sorted(groups.items())
        if len(losses) >= MIN_LOGGED
    ]


def draw_curves(curves: dict[str, Any], out: Path) -> None:
    """Write an SVG: a row for each model, with its loss on the left and accuracies on the right."""
    from matplotlib import pyplot, rcParams

    rcParams["svg.hashsalt"] = "rm-local"  # the same figures make the same file
    figure, axes = pyplot.subplots(len(curves), 2, figsize=(9, 3 * len(curves)), squeeze=False)
    for (name, curve), (left, right) in zip(curves.items(), axes, strict=True):
        left.plot(*zip(*curve["loss"], strict=True), marker=".")
        left.set(title=f"{name}: loss", xlabel="million tokens", ylim=(0, None))
        for stratum, points in curve["accuracy"].items():
            right.plot(*zip(*points, strict=True), marker="o", label=stratum)
        right.set(title=f"{name}: % right", xlabel="million tokens", ylim=(0, 100))
        right.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main()
