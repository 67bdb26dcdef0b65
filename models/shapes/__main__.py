"""Writes a GGUF of a published model's shape, with random weights: `python -m models.shapes NAME`.

Speed and memory are those of the real model; what it writes is noise. Nobody's weights are needed.

    python -m models.shapes qwen3-0.6b --out qwen3-0.6b.gguf
    rm-local models bench qwen3-0.6b.gguf
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models.shapes.shape import read_shapes
from models.shapes.weights import SCHEMES
from models.shapes.write import write_gguf
from rm_local.paths import shipped_model


def main() -> None:
    """Write the GGUF file that the command's options describe."""
    known = read_shapes()
    parser = argparse.ArgumentParser(
        prog="python -m models.shapes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=known)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--quant", choices=SCHEMES, default=SCHEMES[0])
    parser.add_argument("--layers", type=int, help="the first so many alone, for a smaller file")
    args = parser.parse_args()
    shape = known[args.name].keep_first_layers(args.layers or known[args.name].layers)
    write_gguf(shape, args.out, args.quant, shipped_model())
    print(f"{args.out}: {shape.name}, {args.quant}, {args.out.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
