"""The parts of the worker that need no llama.cpp."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from rm_local.engine import exit_reasons, protocol, wire
from rm_local.engine.branches import BranchEnded, TokenChunk
from rm_local.engine.process import SPINS, build_worker_environment
from rm_local.engine.worker.__main__ import make_import_error_reply
from rm_local.engine.worker.decoding.outbox import Outbox
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.load_errors import find_load_remedy_or_default
from rm_local.engine.worker.templates.marker_split import InsideMarkerSplitter
from tests.support.watchdog import HANG_SECONDS

NUMPY = """

IMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE!

Importing the numpy C-extensions failed. This error can happen for many reasons.

Original error was: libopenblas.so: failed to map segment from shared object
"""
"""How numpy says that there is no room for a library."""
MARKERS = ["<|im_end|>", "<|im", "</tool>", "\n\n", ">"]


@given(st.lists(st.sampled_from(["<think>", "</think>", "<|im_end|>", "<", "im", ">", "a\n\n"])))
def test_no_part_of_a_text_holds_a_marker(words: list[str]) -> None:
    """The parts joined are the text, and none of them holds a marker or a think tag."""
    text = "".join(words)

    parts = InsideMarkerSplitter(MARKERS).split_inside_markers(text)

    assert "".join(parts) == text
    for marker in ("<think>", "</think>", "<|im_end|>", "<|im"):
        assert not any(marker in part for part in parts)


def test_white_space_and_single_characters_are_left_whole() -> None:
    """Vocabularies hold line breaks and single signs as tokens; they mark nothing."""
    assert InsideMarkerSplitter(MARKERS).split_inside_markers("a > b\n\nc") == ["a > b\n\nc"]


class Letters:
    """An inbox fed by hand; `ended` is set when it has read all."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self.ended = threading.Event()
        self.inbox = Inbox(os.fdopen(reading, "rb"), on_end=self.ended.set)
        self.inbox.start_reading()

    def put(self, number: int, message: protocol.Request) -> None:
        os.write(self.writing, wire.encode_message(number, message))

    def close(self) -> None:
        os.close(self.writing)
        assert self.ended.wait(HANG_SECONDS)


def test_a_cancel_reaches_a_request_that_waits_and_no_other() -> None:
    """A cancel names its request: sent early it waits for it, sent late it does nothing."""
    letters = Letters()
    for number in (1, 2, 3):
        letters.put(number, protocol.CountTokens("x"))
    letters.put(0, protocol.Cancel(2, None, "cancelled"))
    letters.close()
    inbox = letters.inbox

    seen = []
    for _ in range(3):
        inbox.take_request()
        seen.append((inbox.cancel_reason, inbox.abort.value))
        inbox.mark_request_answered()

    assert seen == [(None, b""), ("cancelled", b"\1"), (None, b"")]


def test_a_cancel_of_a_request_that_runs_is_seen_at_once() -> None:
    """Branches are stopped one by one, each for its reason, without aborting the computation."""
    letters = Letters()
    letters.put(1, protocol.CountTokens("x"))
    letters.inbox.take_request()
    letters.put(0, protocol.Cancel(1, (2,), "outvoted"))
    letters.close()

    assert letters.inbox.find_branch_cancel_reason(2) == "outvoted"
    assert letters.inbox.find_branch_cancel_reason(1) is None
    assert letters.inbox.abort.value == b""


def test_pieces_of_a_branch_are_joined_and_ends_come_after_them() -> None:
    """One line carries what all branches wrote since the last; no text is lost or reordered."""
    sent: list[protocol.Reply] = []
    outbox = Outbox(sent.append)

    outbox.add_chunks([TokenChunk(0, "thinking", "a", 1), TokenChunk(1, "thinking", "x", 1)])
    outbox.add_chunks([TokenChunk(0, "thinking", "b", 2), TokenChunk(0, "answer", "c", 2)])
    outbox.flush_and_send_branch_end(BranchEnded(0, "end", 2, 0.1))

    assert sent == [
        protocol.TokenChunks(
            (
                TokenChunk(0, "thinking", "ab", 2),
                TokenChunk(1, "thinking", "x", 1),
                TokenChunk(0, "answer", "c", 2),
            )
        ),
        BranchEnded(0, "end", 2, 0.1),
    ]


def test_pieces_of_the_model_and_of_the_calculator_stay_apart_and_in_order() -> None:
    """What was written before and after a result is not joined across it."""
    sent: list[protocol.Reply] = []
    outbox = Outbox(sent.append)

    outbox.add_chunks([TokenChunk(0, "answer", "2*3", 2), TokenChunk(0, "answer", "=", 3)])
    outbox.add_chunks(
        [TokenChunk(0, "answer", "6>>", 3, forced=True), TokenChunk(0, "answer", "!", 4)]
    )
    outbox.flush()

    assert sent == [
        protocol.TokenChunks(
            (
                TokenChunk(0, "answer", "2*3=", 3),
                TokenChunk(0, "answer", "6>>", 3, forced=True),
                TokenChunk(0, "answer", "!", 4),
            )
        )
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "out of memory"),
        (-4, "instructions"),
        (-6, "SIGABRT"),
        (-11, "SIGSEGV"),
        (3, "status 3"),
    ],
)
def test_deaths_are_described_in_words(tmp_path: Path, code: int, words: str) -> None:
    """The message names the signal in words; the remedy names the log and its last line."""
    log = tmp_path / "worker.log"
    log.write_bytes(b"an earlier worker's line\nthe last line\n\n")

    error = exit_reasons.make_crash_error(code, log, 25)

    assert words in error.message
    assert str(log) in error.remedy
    assert "the last line" in error.remedy
    assert "earlier" not in exit_reasons.make_crash_error(code, log, log.stat().st_size).remedy


@pytest.mark.parametrize(
    "line",
    [
        "OpenBLAS error: Memory allocation still failed after 10 retries, giving up.",
        "MemoryError",
        "RuntimeError: can't start new thread",
    ],
)
def test_a_start_that_lacks_memory_says_so(tmp_path: Path, line: str) -> None:
    """Also where a library ends the process with an exit status, and writes on after that."""
    log = tmp_path / "worker.log"
    log.write_text(f"{line}\nsomething else\n")

    error = exit_reasons.make_start_error(1, log, 0)

    assert "it ran out of memory (status 1)" in error.message
    assert "ulimit -v" in error.remedy
    assert "doctor" not in error.remedy


@pytest.mark.parametrize(
    ("line", "words", "quoted"),
    [
        (
            "/x/llama.cpp:13: GGML_ASSERT(n > 0) failed",
            "failed an internal assertion",
            '"GGML_ASSERT(n > 0)',
        ),
        ("  what():  std::bad_alloc", "ran out of memory", "std::bad_alloc"),
        ("terminate called", "aborted", "terminate called"),
    ],
)
def test_why_llama_cpp_gave_up_is_in_its_log(
    tmp_path: Path, line: str, words: str, quoted: str
) -> None:
    """A failed assertion is distinguished from exhausted memory; Python's stacks are left out."""
    log = tmp_path / "worker.log"
    stacks = 'Fatal Python error: Aborted\n\n  File "x.py", line 1 in main\nExtension modules: a'
    log.write_text(f"loading\n{line}\n{stacks}\n")

    error = exit_reasons.make_crash_error(-6, log, 0)

    assert words in error.message
    assert quoted in error.remedy
    assert "Extension modules" not in error.remedy


def test_the_workers_threads_wait_asleep_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GNU's OpenMP gets a short wait; what the user's environment says of it takes precedence."""
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    assert build_worker_environment()["GOMP_SPINCOUNT"] == SPINS

    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert build_worker_environment()["GOMP_SPINCOUNT"] == "7"

    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert "GOMP_SPINCOUNT" not in build_worker_environment()


def test_a_death_in_loading_names_the_file(tmp_path: Path) -> None:
    """It may well be the file's fault: nobody is asked to try again and again."""
    error = exit_reasons.make_load_crash_error(
        exit_reasons.make_crash_error(-6, tmp_path / "log", 0), Path("/m/bad.gguf")
    )

    assert error.message.startswith("/m/bad.gguf could not be loaded.")
    assert "SIGABRT" in error.message
    assert "damaged" in error.remedy
    assert "Ask again" not in error.remedy


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("unknown model architecture: 'qwen99'", "newer llama.cpp"),
        ("tensor 'x' has invalid ggml type 99. should be in [0, 43)", "newer llama.cpp"),
        ("failed to open GGUF file 'a-00002-of-00003.gguf' (No such file or directory)", "folder"),
        ("mmap failed: Cannot allocate memory", "smaller model"),
        ("tensor 'blk.0.attn_q.weight' not found", "damaged"),
        ("it did not say why", "damaged"),
    ],
)
def test_what_to_do_follows_from_what_llama_cpp_says(reason: str, words: str) -> None:
    """A newer program, another file, or a smaller model: never all of them at once."""
    assert words in find_load_remedy_or_default(reason)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError(NUMPY), "too little memory to load llama.cpp: Original error was: lib"),
        (MemoryError(), "too little memory to load llama.cpp: MemoryError."),
        (OSError("x.so: cannot open shared object file\n."), "cannot be used: x.so: cannot open"),
        (RuntimeError("no\n\nsuch library."), "cannot be used: such library."),
        (ImportError(""), "cannot be used: ImportError."),
    ],
)
def test_why_llama_cpp_cannot_be_imported_is_one_line(error: Exception, words: str) -> None:
    """However long a library explains it; without memory that is the reason."""
    reply = make_import_error_reply(error)

    assert words in reply.message
    assert len(reply.message.splitlines()) == 1
