"""The shipped GGUF against the PyTorch model that it was exported from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from rm_local import paths

REFERENCES = Path(__file__).parent.parent / "data" / "nano.npz"
CHOOSE = """
import sys
import numpy as np
from llama_cpp import Llama, llama_cpp
from rm_local.engine.worker.llama.params import build_model_params

llama_cpp.llama_model_default_params = build_model_params
rows = np.load(sys.argv[2])["tokens"]
llama = Llama(sys.argv[1], n_ctx=1024, n_batch=1024, logits_all=True, verbose=False)
chosen = np.full(rows.shape, -1, np.int16)
for row, out in zip(rows, chosen):
    tokens = row[row >= 0].tolist()
    llama.reset()
    llama.eval(tokens)
    out[: len(tokens)] = llama.scores[: len(tokens)].argmax(-1)
np.save(sys.argv[3], chosen)
"""


def test_gguf_chooses_the_next_token_of_the_pytorch_model(tmp_path: Path) -> None:
    """At 2,000 places that the model has to decide, at least 99 % of the likeliest tokens agree."""
    out = tmp_path / "chosen.npy"
    subprocess.run(
        [sys.executable, "-c", CHOOSE, paths.shipped_model(), REFERENCES, out], check=True
    )
    wanted = np.load(REFERENCES)["wanted"]

    compared = wanted >= 0
    agree = np.load(out)[compared] == wanted[compared]

    assert compared.sum() == 2000
    assert agree.mean() >= 0.99
