"""A scripted engine and recall with exactly the interfaces of the real ones.

A branch's script is a sequence of steps: text that it writes (`think`, `say`), an
`asyncio.Event` that it waits for, an exception that `generate_branches` raises there, a
`ContextOverflowReport` that it reports, or the reason for which it ends there. A word is a token.

    gate = asyncio.Event()
    engine = FakeEngine(branches=[[think("4 and 4"), gate, say("Answer: 8")]])
    runtime = FakeRuntime(engine, FakeRecall([hit(1, 0.9)]))
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rm_local.engine.branches import (
    BranchEnded,
    BranchEvent,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    Part,
    SampledToken,
    TokenChunk,
    TokenLogprob,
)
from rm_local.engine.protocol import Message, ModelInfo, Stats, TurnOpened
from rm_local.errors import RmLocalError, WorkerCrashedError
from rm_local.loop import prompts
from rm_local.loop.formulation_examples import build_formulation_chat
from rm_local.lora import LoraAdapter
from rm_local.records import Entry, Hit, StopReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Write:
    """A step: the branch writes this text as this part."""

    part: Part
    text: str
    forced: bool = False
    """Whether the calculator writes it."""


@dataclass(frozen=True, slots=True)
class Certain:
    """A step: what the branch has written has this probability as a whole."""

    probability: float


@dataclass(frozen=True, slots=True)
class Begins:
    """A step: the branch's first token is one of these, with these probabilities."""

    words: dict[str, float]


Step = Write | Certain | Begins | ContextOverflowReport | asyncio.Event | Exception | StopReason


def think(text: str) -> Write:
    """The branch writes `text` inside its thinking."""
    return Write("thinking", text)


def say(text: str) -> Write:
    """The branch writes `text` after its thinking."""
    return Write("answer", text)


def calculated(text: str, part: Part = "answer") -> Write:
    """The calculator writes `text` into the branch."""
    return Write(part, text, forced=True)


def died() -> WorkerCrashedError:
    """The error of an engine whose worker was killed."""
    return WorkerCrashedError("The model's process was killed (SIGKILL).", "Its log is worker.log.")


def hit(id: int, similarity: float = 0.8, subproblem: str = "", lexical: float = 0.0) -> Hit:
    """A hit on an entry made up from its number."""
    entry = Entry(
        subproblem=subproblem or f"How do I do thing {id}?",
        subroutine=f"For problems like this, I should do thing {id} step by step.",
        domain="math",
        source=f"hand/thing-{id}",
        id=id,
    )
    return Hit(entry, similarity, lexical)


INFO = ModelInfo(
    path="fake.gguf",
    name="fake",
    architecture="qwen3",
    quantisation="Q8_0",
    parameters=4_000_000,
    size=4_300_000,
    context=4096,
    trained_context=4096,
    thinks=True,
    device="CPU, 2 threads",
)
SUBPROBLEM = "How do I add two numbers?"
BRANCHES: tuple[Sequence[Step], ...] = (
    (think("4 and 4 make 8."), say("Answer: 8")),
    (think("I count on from 4: 5, 6, 7, 8."), say("So the answer is 8.")),
    (think("Let me try: 4 and 4 is 9, I believe it is."), say("Answer: 9")),
)

LONG_PROMPT = 1000


@dataclass(slots=True)
class _Growing:
    """A branch of the fake engine on its way."""

    spec: BranchSpec
    steps: deque[Step]
    tokens: int = 0
    forced: int = 0
    probability: float | None = None
    begins: dict[str, float] | None = None


class FakeEngine:
    """`rm_local.engine.client.Engine`, from a script.

    `formulation` is the script of the branch whose forced text asks for the subproblem;
    `branches` are the others', taken in turn from when a turn is opened.
    What was asked of the engine is kept in `turns`, `manners`, `grown`, `cancels`, `loads` and
    `embedded`.
    """

    def __init__(
        self,
        formulation: Sequence[Step] = (think(f" {SUBPROBLEM}"),),
        branches: Sequence[Sequence[Step]] = BRANCHES,
        *,
        info: ModelInfo = INFO,
        prompt_tokens: int = 20,
        refuse: RmLocalError | None = None,
        room: ContextOverflowReport | None = None,
        opened: EvaluatedTokenCounts = EvaluatedTokenCounts(),  # noqa: B008 (frozen)
        prefills: Sequence[EvaluatedTokenCounts] = (),
        loading: asyncio.Event | None = None,
        held_at: float = 0.5,
        dimension: int = 16,
    ) -> None:
        """`refuse` is raised by `open_turn`; `load` waits for `loading` at the share `held_at`."""
        self.formulation = formulation
        self.branches = branches
        self.refuse = refuse
        self.room = room
        self.opened = opened
        self.prefills = deque(prefills)
        self.loading = loading
        self.held_at = held_at
        self.prompt_tokens = prompt_tokens
        self.dimension = dimension
        self.info: ModelInfo | None = None
        self.turns: list[tuple[Message, ...]] = []
        self.manners: list[tuple[bool, str]] = []
        self.grown: list[tuple[BranchSpec, ...]] = []
        self.cancels: list[tuple[frozenset[int] | None, StopReason]] = []
        self.loads: list[Path] = []
        self.embedded: list[str] = []
        self.closed = False
        self._info = info
        self._stops: dict[int, StopReason] = {}
        self._stop_all: StopReason | None = None
        self._nudge = asyncio.Event()
        self._taken = 0
        """Scripts of branches that the open turn has used."""

    @property
    def worker_pid(self) -> int | None:
        """A process number while a model is loaded."""
        return 1 if self.info else None

    async def load_model(
        self,
        model: Path,
        *,
        context: int = 0,
        lora: Sequence[LoraAdapter] = (),
        name: str = "",
        on_progress: Callable[[float], None] | None = None,
    ) -> ModelInfo:
        """Progress 0, `held_at` and 1; between the last two it waits for `loading`."""
        report = on_progress or (lambda _share: None)
        self.loads.append(model)
        [report(share) for share in (0.0, self.held_at)]
        if self.loading is not None:
            await self.loading.wait()
        report(1.0)
        self.info = replace(self._info, path=str(model), context=context or self._info.context)
        return self.info

    async def load_embedder(self, path: Path) -> int:
        """The dimension of the fake vectors."""
        self.loads.append(path)
        return self.dimension

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), rows of length 1: words hashed into bins, so like texts are near."""
        import numpy as np

        self.embedded.extend(texts)
        rows = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % self.dimension] += 1.0
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    async def open_turn(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = True,
        effort: str = "",
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> TurnOpened:
        """Keeps the messages, and how to think about them; `refuse` is raised, `room` reported.

        With more than 1,000 `prompt_tokens` it says that half has been read.
        """
        if self.refuse is not None:
            raise self.refuse
        if self.prompt_tokens > LONG_PROMPT and on_progress:
            on_progress(0.5)
            await asyncio.sleep(0)
        if self.room and on_overflow:
            on_overflow(self.room)
        self.turns.append(tuple(messages))
        self._taken = 0
        self.manners.append((thinking, effort))
        return TurnOpened(self.prompt_tokens, self.opened)

    async def make_room_and_count_free_tokens(
        self,
        text_lengths: Sequence[int],
        writing: int,
        *,
        on_overflow: Callable[[ContextOverflowReport], None] | None = None,
    ) -> int:
        """None is made."""
        return self._info.context - self.prompt_tokens - 1

    async def generate_branches(
        self, specs: Sequence[BranchSpec]
    ) -> AsyncGenerator[BranchEvent, None]:
        """How full the context is, then one step of each branch in turn, until all have ended."""
        self.grown.append(tuple(specs))
        self._stops, self._stop_all = {}, None
        live = {i: _Growing(spec, self._script(spec)) for i, spec in enumerate(specs)}
        if self.prefills:
            yield self.prefills.popleft()
        yield ContextUsage(self.prompt_tokens, self.prompt_tokens, self._info.context)
        while live:
            moved = False
            for index, growing in list(live.items()):
                await asyncio.sleep(0)
                reason = self._stops.get(index, self._stop_all)
                for event in self._step(index, growing, reason):
                    moved = True
                    if isinstance(event, BranchEnded):
                        del live[index]
                    if event is not None:
                        yield event
            if live and not moved:
                await self._wait(live)

    def _script(self, spec: BranchSpec) -> deque[Step]:
        asked = bool(self.turns) and self.turns[-1][:1] == build_formulation_chat("")[:1]
        if asked or spec.forced == prompts.formulation_cue():
            return deque(self.formulation)
        self._taken += 1
        return deque(self.branches[(self._taken - 1) % len(self.branches)])

    def _step(
        self, index: int, growing: _Growing, reason: StopReason | None
    ) -> list[TokenChunk | ContextOverflowReport | BranchEnded | None]:
        """What this branch does now; [] when it waits, [None] when its event has come."""
        if reason is not None:
            return [_ended(index, growing, reason)]
        if not growing.steps:
            return [_ended(index, growing, "end")]
        step = growing.steps[0]
        if isinstance(step, asyncio.Event) and not step.is_set():
            return []
        growing.steps.popleft()
        if isinstance(step, Exception):
            raise step
        if isinstance(step, ContextOverflowReport):
            return [step]
        if isinstance(step, str):
            return [_ended(index, growing, step)]
        if isinstance(step, Certain):
            growing.probability = step.probability
            return [None]
        if isinstance(step, Begins):
            growing.begins = step.words
            return [None]
        return _write(index, growing, step) if isinstance(step, Write) else [None]

    async def _wait(self, live: dict[int, _Growing]) -> None:
        """Until a cancel, or until an event that a branch waits for."""
        self._nudge.clear()
        events = [g.steps[0] for g in live.values() if isinstance(g.steps[0], asyncio.Event)]
        tasks = [asyncio.ensure_future(e.wait()) for e in (self._nudge, *events)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def cancel(
        self, branches: Collection[int] | None = None, reason: StopReason = "cancelled"
    ) -> None:
        """The branches, or all, end with `reason` at their next step, also while they wait."""
        self.cancels.append((None if branches is None else frozenset(branches), reason))
        if branches is None:
            self._stop_all = reason
        else:
            self._stops |= dict.fromkeys(branches, reason)
        self._nudge.set()

    async def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    async def get_stats(self) -> Stats:
        """Zeros."""
        return Stats()

    async def close(self) -> None:
        """Forgets the model."""
        self.closed, self.info = True, None

    async def __aenter__(self) -> FakeEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _ended(index: int, growing: _Growing, reason: StopReason) -> BranchEnded:
    share = growing.probability
    confidence = None if share is None else math.log(share) / max(1, growing.tokens)
    seconds = growing.tokens / 100
    first = sampled_tokens(growing.begins) if growing.begins else ()
    return BranchEnded(
        index, reason, growing.tokens, seconds, confidence, first, forced=growing.forced
    )


def sampled_tokens(words: dict[str, float]) -> tuple[SampledToken, ...]:
    """The first token, the likeliest of these."""
    top = tuple(
        TokenLogprob(number, word, math.log(share))
        for number, (word, share) in enumerate(sorted(words.items(), key=lambda each: -each[1]))
    )
    return (SampledToken(top[0].token, top[0].text, top[0].logprob, top),)


def _write(
    index: int, growing: _Growing, step: Write
) -> list[TokenChunk | ContextOverflowReport | BranchEnded | None]:
    """The piece that `step` makes, and the end when a stop text or the budget is reached."""
    spec, text, stop = growing.spec, step.text, None
    if step.forced:
        growing.forced += max(1, len(text.split()))
        return [TokenChunk(index, step.part, text, growing.tokens, forced=True)]
    for mark in spec.stop:
        if mark in text:
            text, stop = text.split(mark)[0], "end"
    growing.tokens += max(1, len(text.split()))
    if growing.tokens >= spec.max_tokens:
        growing.tokens, stop = spec.max_tokens, "length"
    piece = TokenChunk(index, step.part, text, growing.tokens)
    if stop is None:
        return [piece]
    return [piece, BranchEnded(index, "length" if stop == "length" else "end", growing.tokens, 0.0)]
