"""Results that the worker forces into branches, over scripted tokens: a character is a token."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from rm_local.engine.branches import BranchEnded, BranchSpec, Part, TokenChunk
from rm_local.engine.protocol import Reply, TokenChunks
from rm_local.engine.worker.decoding import nan_check
from rm_local.engine.worker.decoding.branch import BranchState
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.scheduler import BatchScheduler
from rm_local.engine.worker.decoding.stats import StatsRecorder
from rm_local.engine.worker.llama.kv_cache import CacheFullError

PROMPT = [1, 2, 3]
END = "\0"


class Letters:
    """A vocabulary of characters, without llama.cpp."""

    size = 0x110000

    def __init__(self, *, joins_equals: bool = True) -> None:
        self.joins_equals = joins_equals

    def tokenize_without_special_tokens(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def token_to_piece(self, token: int) -> bytes:
        return chr(token).encode()

    def is_end_token(self, token: int) -> bool:
        return chr(token) == END


class Cells:
    """A cache that remembers what each sequence holds, and the batches."""

    context = None
    rewinds = True

    def __init__(self, capacity: int, branches: int) -> None:
        self.capacity, self.branches, self.batch_size = capacity, branches, 16
        self.held: dict[int, list[int]] = {}
        self.batches: list[list[tuple[int, int, int, bool]]] = []

    def fork_sequence(self, source: int, target: int) -> None:
        self.held[target] = list(self.held.get(source, PROMPT[:-1]))

    def drop_sequence(self, sequence: int) -> None:
        self.held.pop(sequence, None)

    def move_sequence_to_prefix(self, sequence: int, tokens: Sequence[int]) -> None:
        self.held[0] = list(tokens)

    def decode_rows(self, rows: Sequence[tuple[int, int, int, bool]]) -> None:
        shared = len(PROMPT) - 1
        used = shared + sum(len(own) - shared for number, own in self.held.items() if number)
        if used + len(rows) > self.capacity:
            raise CacheFullError
        self.batches.append(list(rows))
        for token, place, sequence, _ in rows:
            assert place == len(self.held[sequence]), "tokens are evaluated in their order"
            self.held[sequence].append(token)


class NobodyStops:
    """An inbox without cancels."""

    cancelled = None

    def find_branch_cancel_reason(self, branch: int) -> None:
        return None


class Run:
    """What came of branches that write scripted texts."""

    def __init__(
        self,
        scripts: Sequence[str],
        monkeypatch: pytest.MonkeyPatch,
        *,
        spec: Callable[[int], BranchSpec] | None = None,
        capacity: int = 400,
        branches: int = 8,
        joins_equals: bool = True,
        start: Part = "answer",
        detects: bool = False,
        logprobs: object = None,
    ) -> None:
        self.cells = Cells(capacity, branches)
        self.stats = StatsRecorder()
        self.sent: list[Reply] = []
        self.branches: list[BranchState] = []
        monkeypatch.setattr(nan_check, "check_logits", lambda *_: None)
        monkeypatch.setattr(nan_check, "check_sampled_logit", lambda *_: None)
        for index, script in enumerate(scripts):
            asked = spec(index) if spec else BranchSpec("", index, 100, calculator=True)
            tokens = PROMPT + [ord(each) for each in asked.forced]
            detector = RepetitionDetector() if detects else None
            branch = BranchState(
                index, asked, tokens, start, repetition=detector, logprobs=cast(Any, logprobs)
            )
            letters = deque(script)
            monkeypatch.setattr(
                branch, "sample_token", lambda *_, own=letters: ord(own.popleft() if own else END)
            )
            self.branches.append(branch)
        scheduler = BatchScheduler(
            cast(Any, self.cells),
            cast(Any, Letters(joins_equals=joins_equals)),
            cast(Any, NobodyStops()),
            self.stats,
            self.branches,
            self.sent.append,
            share_prefix=lambda _branches: len(PROMPT) - 1,
            make_room=lambda _branches: False,
        )
        scheduler.run_batches()

    @property
    def chunks(self) -> list[TokenChunk]:
        return [c for reply in self.sent if isinstance(reply, TokenChunks) for c in reply.chunks]

    def text(self, branch: int = 0, *, forced: bool | None = None) -> str:
        return "".join(
            chunk.text
            for chunk in self.chunks
            if chunk.branch == branch and forced in (None, chunk.forced)
        )

    def end(self, branch: int = 0) -> BranchEnded:
        return next(e for e in self.sent if isinstance(e, BranchEnded) and e.branch == branch)

    def read(self, branch: int = 0) -> str:
        """What the branch's tokens spell after the prompt."""
        return "".join(map(chr, self.branches[branch].tokens[len(PROMPT) :]))


def test_a_result_is_forced_and_the_branch_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model reads the result as if it had written it; it is marked, and counted apart."""
    run = Run(["So <<12*12= apples"], monkeypatch)

    assert run.text() == run.read() == "So <<12*12=144>> apples"
    assert run.text(forced=True) == "144>>"
    assert (run.end().tokens, run.end().forced, run.end().stop) == (18, 5, "end")
    assert (run.stats.written, run.stats.calculated) == (18, 5)
    assert "".join(chr(token) for token in run.cells.held[0][2:]).endswith("144>> apples")


def test_results_are_forced_in_thinking_and_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Part by part, in order, each piece by who wrote it."""
    run = Run(["<<2*3= <<6+1=.</think>It is <<7=."], monkeypatch, start="thinking")

    chunks = [(chunk.part, chunk.forced, chunk.text) for chunk in run.chunks]
    joined: list[tuple[str, bool, str]] = []
    for part, forced, text in chunks:
        if joined and joined[-1][:2] == (part, forced):
            text = joined.pop()[2] + text
        joined.append((part, forced, text))
    assert joined == [
        ("thinking", False, "<<2*3="),
        ("thinking", True, "6>>"),
        ("thinking", False, " <<6+1="),
        ("thinking", True, "7>>"),
        ("thinking", False, "."),
        ("answer", False, "It is <<7="),
        ("answer", True, "7>>"),
        ("answer", False, "."),
    ]


@pytest.mark.parametrize("written", ["<<9**9**9=x", "<<x=", "<<1/0=0", "1+1=2", "<<3>="])
def test_what_has_no_value_is_left_as_written(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """Nothing is forced, nothing is lost."""
    run = Run([written], monkeypatch)

    assert run.text() == run.read() == written
    assert run.end().forced == 0


@pytest.mark.parametrize(
    "spec", [BranchSpec("", 0, 9), BranchSpec("", 0, 9, endless=True, calculator=True)]
)
def test_without_the_calculator_nothing_is_forced(
    monkeypatch: pytest.MonkeyPatch, spec: BranchSpec
) -> None:
    """A branch has it only if its spec says so, and not if it is endless."""
    run = Run(["<<1+1="], monkeypatch, spec=lambda _: spec)

    assert "2>>" not in run.text()


def test_a_vocabulary_without_the_double_sign_waits_for_the_next_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`=` and `=` make a comparison there; any other token is replaced by the result."""
    run = Run(["<<3==3=?.", "<<3*3=8.", "<<3*3="], monkeypatch, joins_equals=False)

    assert [run.text(n) for n in range(3)] == ["<<3==3=True>>.", "<<3*3=9>>.", "<<3*3=9>>"]
    assert [run.read(n) for n in range(3)] == [run.text(n) for n in range(3)]
    assert run.end(1).tokens == len("<<3*3=.")


def test_other_branches_write_a_token_in_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result takes the rows that are free; the branches next to it never wait for it."""
    long = "<<'ab'*20="
    run = Run([long, "x" * 30, "y" * 30], monkeypatch, branches=8)

    steps = run.cells.batches[1:]
    busy = [step for step in steps if len({row[2] for row in step}) == 3]
    assert run.text(0) == f"{long}'{'ab' * 20}'>>"
    assert all(len(step) <= 8 for step in steps)
    assert len(busy) >= 10
    for step in busy:
        assert [len([r for r in step if r[2] == s]) for s in {r[2] for r in step}].count(1) >= 2
    assert run.text(1) == "x" * 30


def test_a_result_does_not_count_against_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch writes all the tokens that it may."""
    run = Run(
        ["<<2**60=abcdef"], monkeypatch, spec=lambda _: BranchSpec("", 0, 10, calculator=True)
    )

    assert run.text() == "<<2**60=1152921504606846976>>ab"
    assert (run.end().tokens, run.end().stop) == (10, "length")


def test_a_result_that_does_not_fit_ends_at_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is evaluated than the context holds."""
    run = Run(["<<2**90=abcdef"], monkeypatch, capacity=24)

    assert run.end().stop == "context"
    assert max(len(held) for held in run.cells.held.values()) <= 24
    assert run.text().startswith("<<2**90=1237940039285380274899124224>>")


def test_a_branch_that_has_to_wait_gets_its_whole_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without free cells a branch waits, and continues where it was, also within a result."""
    scripts = [f"{'z' * n}<<2**60=end" for n in range(4)]
    run = Run(scripts, monkeypatch, capacity=64, branches=4)

    for index, script in enumerate(scripts):
        assert run.text(index) == script.replace("=", "=1152921504606846976>>")
        assert run.read(index) == run.text(index)


@pytest.mark.parametrize(
    ("stop", "text", "forced"),
    [
        (">>", "<<1+1=2", "2"),
        ("=2", "<<1+1", ""),
        ("=3", "<<1+1=2>>.", "2>>"),
        ("2>>.", "<<1+1=", ""),
    ],
)
def test_a_stop_text_may_be_in_a_result_or_across_it(
    monkeypatch: pytest.MonkeyPatch, stop: str, text: str, forced: str
) -> None:
    """The branch ends there, and what was held back is attributed to who wrote it."""
    spec = BranchSpec("", 0, 50, stop=(stop,), calculator=True)
    run = Run(["<<1+1=."], monkeypatch, spec=lambda _: spec)

    assert (run.text(), run.text(forced=True)) == (text, forced)
    assert run.end().stop == "end"


def test_repeated_calculations_are_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector of repetition sees what was forced, too."""
    run = Run(
        ["so a <<1+1=" * 200],
        monkeypatch,
        capacity=9999,
        spec=lambda _: BranchSpec("", 0, 5000, calculator=True),
        detects=True,
    )

    assert run.end().stop == "repeating"
    assert run.end().forced > 0


def test_an_expression_may_begin_in_the_forced_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model only has to close it."""
    run = Run(["=!"], monkeypatch, spec=lambda _: BranchSpec("I do <<12*12", 0, 9, calculator=True))

    assert run.text() == "=144>>!"


def test_a_result_with_a_marker_in_it_is_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result closes the thinking."""
    run = Run(["<<'</thi'+'nk>'=."], monkeypatch, start="thinking")

    assert {chunk.part for chunk in run.chunks} == {"thinking"}
    assert run.end().forced == 0


def test_log_probabilities_are_of_what_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing forced is noted, so that `confidence` is the mean of the model's own tokens."""
    noted: list[int] = []

    class Notes:
        def record_token(self, context: None, row: int, token: int) -> None:
            noted.append(token)

        def copy_with_logprobs_and_confidence(self, ended: BranchEnded) -> BranchEnded:
            return ended

    Run(["<<1+1=."], monkeypatch, logprobs=Notes())

    assert "".join(map(chr, noted)) == "<<1+1=."
