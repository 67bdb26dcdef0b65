"""Merges base and adapter of rm-small into one GGUF: `python -m models.small.export OUT.gguf`."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.curriculum.texts.training_text import TEMPLATE
from models.small.base import find_smollm2
from models.small.train import ADAPTER
from rm_local.gguf.merge_adapter import merge_adapter

TEMPERATURE, TOP_P = 0.3, 0.95
"""What the file recommends."""
METADATA = {
    "general.name": "rm-small",
    "general.basename": "rm-small",
    "general.finetune": "rm-small",
    "general.license": "apache-2.0",
    "general.sampling.temp": TEMPERATURE,
    "general.sampling.top_p": TOP_P,
    "tokenizer.chat_template": TEMPLATE,
    "rm_local.calculator": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--adapter", type=Path, default=ADAPTER)
    args = parser.parse_args()
    merge_adapter(find_smollm2(), args.adapter, args.out, METADATA)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
