"""A folder as a user may have it: files that each command can use, and files that none can."""

from __future__ import annotations

import gzip
import os
import socket
import struct
from pathlib import Path

import numpy as np
import zstandard

from rm_local.embed import load_shipped_static
from rm_local.store.store import Store
from tests.support import lora_files, tiny_gguf
from tests.support.stores import entries, toy_store

OLD_SESSION = Path(__file__).parents[1] / "data" / "written-by-0.1.0" / "session.jsonl"
STORES = ["store.rms", "other.rms", "folder/third.rms"]
MODELS = ["model.gguf", "folder/plain.gguf", "rm-nano"]
ENTRIES = ["entries.jsonl", "more.jsonl", "entries.jsonl.gz", "entries.jsonl.zst", "-"]
SESSIONS = ["20250102-030405-0001", "20250102-0304", "last"]
TEXTS = ["add", "two", "numbers?", "What is 4 + 4?", "Grüße", "π", "日本"]
HOSTILE_TEXTS = [
    "", " ", "\t\n", "-", "--", "-x", "--model", "nan", "-1", "0", "9" * 40, "1e999", "\x1b[31m",
    "\u202e", "\udcff", "a" * 300, "x" * 70_000, "%s%n{0}", "../..", "last:0", "last:x",
    "last:99999999999999999999", "²", "[", "*", "?", "'; DROP TABLE", ":", "::", "/", "//", "a/b",
    "a/b:c", "org/tiny-GGUF:q6_k", "NUL", "~", "~nobody/x", "0x10", "1_000", "٣", "true", "null",
]  # fmt: skip
HOSTILE_NUMBERS = [
    "nan", "-nan", "inf", "-inf", "1e400", "-1", "0", "-0", "0.0", "1e-400", "100000000000",
    "9" * 19, "9" * 400, "9" * 5001, "1" + "0" * 400, "0x10", "1_0", "٣", " 5", "5 ", "", "five",
    "1,5", "--5", "+5", "1e3", ".5", "5.", "½", "true", "2147483648", "4294967296",
    "18446744073709551616",
]  # fmt: skip
HOSTILE_PATHS = [
    "missing", "missing/deeper", "folder", "empty", "loop", "loop/x", "dangling", "fifo", "socket",
    "notes.txt", "notes.txt/below", "/dev/null", "/dev/zero", "/dev/full", "n" * 255, "n" * 256,
    "d/" * 2600 + "x", "", ".", "..", "/", "-", "./-", "~", "~/x", "~nobody/x", "cut.gguf",
    "big-endian.gguf", "part-00002-of-00002.gguf", "adapter.gguf", "cut.rms", "toy.rms",
    "lying.gz", "lying.zst", "deep.jsonl", "digits.jsonl", "list.jsonl", "latin.jsonl", "nul.jsonl",
    "wide.npy", "objects.npy", "name:0.5", ":", ":1", "x:nan", "x:inf", "adapter.gguf:nan",
    "with\nline.jsonl", "\x1b]0;x\x07", "caf\udce9.jsonl", "/proc/self/mem", "/proc/self/fd/0",
    "schema.json", "deep.json", "contradiction.json", "left.gbnf", "Grüße.jsonl", "read-only",
]  # fmt: skip


def make_user_files(folder: Path) -> None:
    """Fill an empty folder with the files that the lists above name."""
    (folder / "folder").mkdir()
    table = load_shipped_static()
    _make_stores(folder)
    _make_entries(folder)
    _make_models(folder)
    _make_oddities(folder)
    rows = table.embed([entry.subproblem for entry in entries(4)])
    np.save(folder / "vectors.npy", rows)
    np.save(folder / "wide.npy", np.ones((4, 7), np.float32))
    np.save(folder / "objects.npy", np.array([{}, 1, None, "x"], dtype=object))
    (folder / "labelled.jsonl").write_text(
        '{"question": "add two numbers?", "entries": ["How to find the zorb1 of two numbers?"]}\n'
    )
    (folder / "schema.json").write_text('{"type": "object", "properties": {"a": {"type": "null"}}}')
    (folder / "deep.json").write_text('{"items":' * 5000 + "true" + "}" * 5000)
    (folder / "contradiction.json").write_text('{"type": "string", "enum": [1]}')
    (folder / "grammar.gbnf").write_text('root ::= "a" | "b"\n')
    (folder / "left.gbnf").write_text("root ::= root root\n")


def _make_stores(folder: Path) -> None:
    table = load_shipped_static()
    made = entries(12)
    for number, name in enumerate(STORES):
        held = made[: 12 - number]
        with Store.create(folder / name, embedder=table.id) as store:
            store.add_entries(held, table.embed([entry.subproblem for entry in held]))
    toy_store(folder / "toy.rms", 3)
    data = (folder / "store.rms").read_bytes()
    (folder / "cut.rms").write_bytes(data[: len(data) // 2])


def _make_entries(folder: Path) -> None:
    lines = b"".join(
        b'{"subproblem": "How to do %d?", "subroutine": "I should do it."}\n' % number
        for number in range(4)
    )
    for name in ("entries.jsonl", "more.jsonl", "Grüße.jsonl", "with\nline.jsonl", "name:0.5"):
        (folder / name).write_bytes(lines)
    (folder / os.fsdecode(b"caf\xe9.jsonl")).write_bytes(lines)
    (folder / "entries.jsonl.gz").write_bytes(gzip.compress(lines, mtime=0))
    (folder / "entries.jsonl.zst").write_bytes(zstandard.compress(lines))
    (folder / "lying.gz").write_bytes(lines)
    (folder / "lying.zst").write_bytes(gzip.compress(lines))
    (folder / "deep.jsonl").write_bytes(b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n" + lines)
    (folder / "digits.jsonl").write_bytes(lines.replace(b"}", b', "n": %s}' % (b"9" * 5001)))
    (folder / "list.jsonl").write_bytes(b"[]")
    (folder / "latin.jsonl").write_bytes(lines.replace(b"do it", b"do \xe9t"))
    (folder / "nul.jsonl").write_bytes(lines.replace(b"do it", b"do\\u0000it\\ud800"))


def _make_models(folder: Path) -> None:
    model = tiny_gguf.write(folder / "model.gguf")
    plain = folder / "folder" / "plain.gguf"
    tiny_gguf.write(plain, template=tiny_gguf.PLAIN_TEMPLATE, think=False)
    (folder / "cut.gguf").write_bytes(model.read_bytes()[:5000])
    (folder / "big-endian.gguf").write_bytes(b"GGUF" + struct.pack(">IQQ", 3, 0, 0))
    (folder / "part-00002-of-00002.gguf").write_bytes(model.read_bytes())
    lora_files.write(folder / "adapter.gguf", model)


def _make_oddities(folder: Path) -> None:
    (folder / "empty").touch()
    (folder / "notes.txt").write_text("These are my notes.\n")
    (folder / ("n" * 255)).write_text("long name")
    (folder / "loop").symlink_to("loop2")
    (folder / "loop2").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "read-only").write_text("x")
    (folder / "read-only").chmod(0o400)
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        before = os.getcwd()
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        try:
            bound.bind("socket")
        finally:
            os.chdir(before)


def make_home(home: Path) -> None:
    """Fill the folder RM_LOCAL_HOME with sessions that can be read, and with some that cannot."""
    sessions = home / "data" / "sessions"
    sessions.mkdir(parents=True)
    good = OLD_SESSION.read_bytes()
    (sessions / "20250102-030405-0001.jsonl").write_bytes(good)
    deep = b'{"event": "answered", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    (sessions / "20250103-deep.jsonl").write_bytes(good + deep)
    (sessions / "20250104-digits.jsonl").write_bytes(
        good + b'{"event": "asked", "n": %s}\n' % (b"9" * 5001)
    )
    (sessions / "20250105-binary.jsonl").write_bytes(bytes(range(256)) * 20)
    (sessions / "20250106-empty.jsonl").touch()
    (sessions / "20250107-folder.jsonl").mkdir()
    (sessions / "20250108-list.jsonl").write_bytes(b"[]\n[]\n")
    (sessions / "20250109-loop.jsonl").symlink_to("20250109-loop.jsonl")
    os.mkfifo(sessions / "20250110-fifo.jsonl")
