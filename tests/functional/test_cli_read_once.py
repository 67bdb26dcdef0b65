"""Commands that read what can be read only once, as processes of their own with real pipes."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import zstandard

from rm_local import paths
from rm_local.records import Entry
from rm_local.store.store import Store
from tests.support.stores import TOY, entries, vectors

COUNT = 4200
"""More than a block of lines."""
SOURCES = ["-", "/dev/stdin", "descriptor", "fifo", "file as /dev/stdin"]


def jsonl(held: list[Entry]) -> bytes:
    """The entries, an object a line."""
    lines = ({"subproblem": e.subproblem, "subroutine": e.subroutine} for e in held)
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def few() -> bytes:
    """Three entries."""
    return jsonl(entries(3))


def many() -> bytes:
    """COUNT of them."""
    return jsonl([Entry(f"How to find number {n}?", "I should look.") for n in range(COUNT)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty store of the static embedder."""
    from rm_local.embed import static

    path = tmp_path / "s.rms"
    with Store.create(path, embedder=static.load_shipped_static().id):
        return path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """An empty store whose embedder is not here."""
    path = tmp_path / "toy.rms"
    with Store.create(path, embedder=TOY):
        return path


def run(*arguments: object, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """`rm-local store` to its end."""
    command = [sys.executable, "-m", "rm_local", "store", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **how)


def send(writing: int, data: bytes) -> None:
    """Write all of it, and close the pipe."""
    with open(writing, "wb") as pipe:
        pipe.write(data)


def piped(kind: str, data: bytes, folder: Path, *arguments: object) -> dict[str, Any]:
    """What a command says that reads `data` from an input of that kind, in the place of IN."""
    reading, writing = os.pipe()
    fifo, file = folder / "fifo", folder / "file"
    name = f"/dev/fd/{reading}" if kind == "descriptor" else kind
    how: dict[str, Any] = {"input": data}
    if kind == "descriptor":
        how = {"pass_fds": [reading]}
        Thread(target=send, args=(writing, data), daemon=True).start()
    elif kind == "fifo":
        os.mkfifo(fifo)
        name, how = str(fifo), {}
        Thread(target=fifo.write_bytes, args=(data,), daemon=True).start()
    elif kind == "file as /dev/stdin":
        file.write_bytes(data)
        name, how = "/dev/stdin", {"stdin": file.open("rb")}
    shown = run(*(name if each == "IN" else each for each in arguments), "--json", **how)
    assert shown.returncode == 0, shown.stderr
    output: dict[str, Any] = json.loads(shown.stdout)
    return output


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_import_adds_what_comes_only_once(
    store: Path, tmp_path: Path, kind: str, pack: object
) -> None:
    """All of its entries are in the store, and nothing else is left on the disk."""
    assert callable(pack)
    output = piped(kind, pack(few()), tmp_path, "import", "IN", "--store", store)
    assert (output["added"], output["there"]) == (3, 0)
    with Store.open(store) as held:
        assert held.get([1, 2, 3])[2].subproblem == entries(3)[2].subproblem
    assert not [path for path in (paths.cache_dir() / "import").iterdir() if path.is_dir()]


@pytest.mark.parametrize("kind", SOURCES)
def test_build_takes_what_comes_only_once(tmp_path: Path, kind: str) -> None:
    """In the same ways as an import."""
    out = tmp_path / "new.rms"
    output = piped(kind, many(), tmp_path, "build", "IN", "--out", out, "--embedder", "static")
    assert output["entries"] == COUNT
    assert not (tmp_path / "new.rms.input").exists()


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_vectors_may_come_only_once(toy: Path, tmp_path: Path, kind: str, pack: object) -> None:
    """They are the vectors of the entries, in order."""
    assert callable(pack)
    np.save(tmp_path / "v.npy", vectors(3))
    (tmp_path / "a.jsonl").write_bytes(few())
    data = pack((tmp_path / "v.npy").read_bytes())
    arguments = ("import", tmp_path / "a.jsonl", "--embeddings", "IN", "--store", toy)
    assert piped(kind, data, tmp_path, *arguments)["added"] == 3
    with Store.open(toy) as held:
        found = held.read_vectors([1, 2, 3])
    assert np.all(np.einsum("ij,ij->i", found, vectors(3)) > 0.99)


@pytest.mark.parametrize(
    ("arguments", "data", "words"),
    [
        (["-", "-"], few(), "standard input: one stream is named twice"),
        (["-", "/dev/stdin"], few(), "one stream is named twice"),
        (["-", "--embeddings", "-"], few(), "one stream is named twice"),
        (["-"], b"", "standard input: no entries"),
        (["/dev/stdin"], b"\n\n", "/dev/stdin: no entries"),
        (["-"], few() + b"{}\n", "standard input, line 4: it has no subproblem"),
        (["-"], gzip.compress(many(), mtime=0)[:-9], "standard input cannot be unpacked"),
        (["-"], zstandard.compress(many())[:-9], "standard input cannot be unpacked"),
    ],
)
def test_what_cannot_be_imported_is_refused(
    store: Path, arguments: list[str], data: bytes, words: str
) -> None:
    """By the name that the user gave; nothing is added, and nothing is left on the disk."""
    shown = run("import", *arguments, "--store", store, input=data)
    assert (shown.returncode, shown.stdout) == (2, b"")
    assert words in shown.stderr.decode()
    with Store.open(store) as held:
        assert held.count_entries() == 0
    place = paths.cache_dir() / "import"
    assert not place.exists() or not [path for path in place.iterdir() if path.is_dir()]


@pytest.mark.parametrize("option", ["--json-schema", "--grammar"])
def test_standard_input_gives_the_question_or_its_form(option: str) -> None:
    """Asked for both it is refused before a model is loaded, whichever of its names is used."""
    for name in ("-", "/dev/stdin"):
        command = [sys.executable, "-m", "rm_local", "ask", option, name]
        shown = subprocess.run(command, input=b"{}", capture_output=True, timeout=120, check=False)
        assert (shown.returncode, shown.stdout) == (2, b"")
        assert b"named twice" in shown.stderr


def test_a_schema_may_come_only_once() -> None:
    """The answer follows the one that is piped in."""
    command = [sys.executable, "-m", "rm_local", "ask", "-q", "--samples", "1", "--max-tokens"]
    command += ["40", "--plan", "direct", "--no-thinking", "--json-schema", "-", "What is 3 + 4?"]
    schema = b'{"enum": ["a fixed answer"]}'
    shown = subprocess.run(command, input=schema, capture_output=True, timeout=120, check=False)
    assert shown.stdout == b'"a fixed answer"\n', shown.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_import_leaves_nothing(store: Path, number: signal.Signals) -> None:
    """While it waits for more of the stream; what a killed one left goes with the next one."""
    command = [sys.executable, "-m", "rm_local", "store", "import", "-", "--store", str(store)]
    place = paths.cache_dir() / "import"
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(many())
        process.stdin.flush()
        process.stderr.read(1)  # it has read a block
        assert [path for path in place.iterdir() if path.is_dir()]
        process.send_signal(number)
        assert process.wait(120) not in (0, 1)
    if number == signal.SIGKILL:
        assert run("import", "-", "--store", store, input=few()).returncode == 0
    assert not [path for path in place.iterdir() if path.is_dir()]
    with Store.open(store) as held:
        assert held.count_entries() == (3 if number == signal.SIGKILL else 0)
