"""Merges base and adapter of rm-small into one GGUF: `python -m models.small.export OUT.gguf`."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.small.base import find_smollm2
from rm_local.gguf import merge_adapter_as_q8_0
from rm_local.library import RM_SMALL_METADATA
from rm_local.paths import shipped_adapter


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--adapter", type=Path, default=shipped_adapter())
    args = parser.parse_args()
    merge_adapter_as_q8_0(find_smollm2(), args.adapter, args.out, RM_SMALL_METADATA)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
