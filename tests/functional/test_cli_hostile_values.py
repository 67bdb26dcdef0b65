"""Values that no command can use, in processes of their own: one message, its exit code, soon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.special_files import NO_FILES
from tests.support.watchdog import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
LINE = b'{"subproblem": "How to add?", "subroutine": "I should add.", %b}\n'


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """Exit code, and standard error with the message."""
    done = subprocess.run(
        [sys.executable, "-m", "rm_local", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        input=stdin,
        timeout=HANG_SECONDS,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "bug in rm-local" not in said
    return done.returncode, said


@pytest.mark.parametrize(
    "option",
    [
        "--samples=100000000000", "--samples=257", "--samples=0", "--hints=9999999999999999999",
        "--max-tokens=99999999999", "--max-seconds=nan", "--max-seconds=inf", "--max-seconds=1e300",
        "--max-seconds=-1", "--temperature=nan", "--temperature=inf", "--temperature=1e30",
        "--seed=-1", "--seed=99999999999999999999", f"--seed={'9' * 5001}",
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused_before_anything_is_loaded(option: str) -> None:
    """Exit code 2, with the option."""
    code, said = run("ask", option, "4 + 4?")

    assert code == 2
    assert option.partition("=")[0] in said


@pytest.mark.parametrize("effort", ["nan", "inf", "-1", "9" * 400, ""])
def test_an_effort_that_the_model_does_not_have_is_refused(effort: str) -> None:
    """Exit code 2, except for no effort at all."""
    code, said = run("ask", "-q", "--plan", "direct", "--effort", effort, "4 + 4?")

    assert code == (2 if effort else 0), said


@pytest.mark.parametrize("make", NO_FILES)
def test_what_is_no_file_is_no_model_adapter_or_store(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Exit codes 3, 3 and 4 at once, also where opening it would wait forever, or never end."""
    path = make(tmp_path)

    for code, arguments in (
        (3, ["--model", str(path)]),
        (3, ["--lora", str(path)]),
        (4, ["--store", str(path)]),
    ):
        plan = "memory" if "--store" in arguments else "direct"
        found, said = run("ask", "-q", "--plan", plan, *arguments, "4 + 4?")
        assert found == code, said
        assert len(said.splitlines()) == 2, said


def test_a_number_in_a_field_that_is_ignored_may_be_of_any_length(tmp_path: Path) -> None:
    """5,001 digits, as a whole number, a fraction, or within a list."""
    digits = b"9" * 5001
    store = tmp_path / "new.rms"
    entries = tmp_path / "entries.jsonl"
    entries.write_bytes(
        b"".join(
            LINE.replace(b"add", b"add %d" % number) % extra
            for number, extra in enumerate(
                [b'"n": %b' % digits, b'"n": -%b.5' % digits, b'"n": [1, %b]' % digits]
            )
        )
    )

    code, said = run("store", "build", "--embedder", "static", "--out", str(store), str(entries))

    assert code == 0, said
    assert store.exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("deep.jsonl", b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "line 1"),
        ("list.jsonl", b"[]", "line 1"),
        ("empty.jsonl", b"", "no entries"),
        ("blank.jsonl", b"\n\n \n", "no entries"),
        ("lying.gz", LINE % b'"a": 1', "unpacked"),
        ("lying.zst", LINE % b'"a": 1', "unpacked"),
        ("cut.gz", b"\x1f\x8b\x08\x00", "unpacked"),
        ("digits.jsonl", b'{"subproblem": %b}' % (b"9" * 5001), "not text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sources_that_hold_no_entries_are_refused(
    name: str, content: bytes, word: str, tmp_path: Path
) -> None:
    """Exit code 2, with the file; no store is begun."""
    source, store = tmp_path / name, tmp_path / "new.rms"
    source.write_bytes(content)

    code, said = run("store", "build", "--embedder", "static", "--out", str(store), str(source))

    assert code == 2, said[:1000]
    assert word in said
    assert name in said
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [name]
