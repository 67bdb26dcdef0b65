"""The open turn: its prompt in the cache, and branches grown from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from rm_local.engine import context_policy
from rm_local.engine.branches import BranchSpec
from rm_local.engine.protocol import ModelInfo, OpenTurn, Progress, Reply, TurnOpened
from rm_local.engine.worker.context.overflow import ContextAdjuster
from rm_local.engine.worker.context.prompt import Conversation
from rm_local.engine.worker.decoding.branch import Branch
from rm_local.engine.worker.decoding.candidates import Candidates
from rm_local.engine.worker.decoding.grammar_sampler import Constraint
from rm_local.engine.worker.decoding.logprobs import Logprobs
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import Penalties
from rm_local.engine.worker.decoding.scheduler import BatchScheduler
from rm_local.engine.worker.decoding.stats import StatsRecorder
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.kv_cache import Aborted, Cache, Full, common
from rm_local.engine.worker.llama.loading import Plan
from rm_local.engine.worker.llama.model import Model
from rm_local.errors import ContextOverflow, EngineError, ModelInvalid, RmLocalError, Stopped

_LEAD = 2
"""Tokens of white space that a model may write between its thinking and a constrained answer."""
_BLAMED = (
    "One of its LoRA adapters may be the cause: give it a smaller scale, or leave it out of --lora "
    "and of `lora` in the settings."
)


class Turn:
    """A loaded model at work. One turn is open at a time; the cache outlives it."""

    def __init__(self, model: Model, cache: Cache, plan: Plan, inbox: Inbox) -> None:
        self.stats = StatsRecorder()
        self._model = model
        self._cache = cache
        self._plan = plan
        self._inbox = inbox
        self._candidates = Candidates()
        self._talk: Conversation | None = None

    def open(self, request: OpenTurn, send: Callable[[Reply], None]) -> TurnOpened:
        """Evaluate the prompt of these messages, but for the last token: branches need its logits.

        `send` gets `Progress` between its batches, and `ContextAdjusted` when it does not fit.

        Raises:
            ContextOverflow: It does not fit; nothing was evaluated.
            Stopped: The request was cancelled; no turn is open.
        """
        self._talk, before = None, self.stats.evaluated_so_far()
        talk = Conversation(self._model, request)
        self._room = ContextAdjuster(talk, self._cache, self._plan)
        if not context_policy.comfortable(len(talk.tokens), self._cache.capacity):
            self._make_room(len(talk.tokens), send)
        self._check_room(talk, "The question", len(talk.tokens))
        places = () if self._model.rewinds else talk.places()
        self.stats.boundary = len(talk.tokens)
        try:
            self._hold(
                talk.tokens[:-1],
                known=0,
                places=places,
                more=True,
                tell=lambda share: send(Progress(share)),
            )
        except Aborted:
            raise Stopped("Reading the question was stopped.") from None
        self._talk = talk
        return TurnOpened(len(talk.tokens), self.stats.evaluated_since(before))

    def generate_branches(self, specs: Sequence[BranchSpec], send: Callable[[Reply], None]) -> None:
        """Generate branches from the prompt; `send` gets their events.

        Raises:
            ContextOverflow: A forced text does not fit; nothing was evaluated.
            ModelInvalid: The model computes logits that are not numbers.
        """
        if not self._talk:
            raise EngineError("No turn is open.", "Open one first.")
        if not specs:
            return
        branches = self._branches(self._talk, specs, send)
        scheduler = BatchScheduler(
            self._cache,
            self._model.vocab,
            self._inbox,
            self.stats,
            branches,
            send,
            share_prefix=self._share_prefix,
            make_room=partial(self._make_room_for, self._talk, send),
        )
        try:
            scheduler.run()
        except Aborted:
            scheduler.abandon()
        except ModelInvalid as error:
            self._cache.hold(())  # what is no number is not kept for the next turn
            if self._model.info.lora:
                raise ModelInvalid(error.message, _BLAMED) from None
            raise
        except Full:
            raise EngineError("The context has no room left.", "Set a larger `context`.") from None
        finally:
            scheduler.close()

    @property
    def info(self) -> ModelInfo:
        """The model, with the context that it really has (llama.cpp rounds it up)."""
        cache, placement = self._cache, self._cache.placement
        kept = placement.layers and not placement.cache_on_device
        return replace(
            self._model.info,
            context=cache.capacity,
            device=self._model.info.device + "; keys and values in main memory" * bool(kept),
            kv=self._plan.asked.kv,
            flash_attention=cache.flash,
            cache=cache.size,
            notes=self._plan.notes(placement),
        )

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._model.vocab.data(text))

    def make_room(self, texts: Sequence[int], writing: int, send: Callable[[Reply], None]) -> int:
        """Tokens that fit behind the prompt, once room was made for texts of so many tokens, each
        with `writing` more, where it was missing.

        A text that is longer than the context is no reason to leave earlier turns out.
        """
        if not self._talk:
            raise EngineError("No turn is open.", "Open one first.")
        talk, capacity = self._talk, self._cache.capacity
        if self._plan.context_overflow == "drop_oldest":
            texts = [tokens for tokens in texts if tokens + writing < capacity]
        needed = len(talk.tokens) + max(texts, default=0)
        if needed + writing >= capacity:
            self._make_room(needed, send)
            self.stats.boundary = len(talk.tokens)
        return max(0, self._cache.capacity - len(talk.tokens) - 1)

    def close(self) -> None:
        """Free the cache."""
        self._cache.close()

    def _share_prefix(self, branches: Sequence[Branch]) -> int:
        """Put the common prefix of all branches into the root, and leave each at least one token.

        Returns the length of the prefix.
        """
        first = branches[0].tokens
        shared = min(common(first, branch.tokens) for branch in branches)
        shared = min(shared, *(len(branch.tokens) - 1 for branch in branches))
        self._hold(first[:shared], known=self.stats.boundary - 1)
        return shared

    def _make_room_for(
        self, talk: Conversation, send: Callable[[Reply], None], branches: Sequence[Branch]
    ) -> bool:
        """Make room for branches of which one fills the context; whether they can continue."""
        before, context = len(talk.tokens), self._cache.capacity
        ends = [len(talk.with_note(branch.note)) for branch in branches]
        self._make_room(max(len(branch.tokens) for branch in branches), send)
        for branch, end in zip(branches, ends, strict=True):
            branch.tokens[:end] = talk.with_note(branch.note)
        self._mark_boundary(talk, [branch.note for branch in branches])
        return len(talk.tokens) < before or self._cache.capacity > context

    def _mark_boundary(self, talk: Conversation, notes: Sequence[str]) -> None:
        """Count as prompt what all branches read: with notes, up to where these begin."""
        self.stats.boundary = talk.note_place if any(notes) else len(talk.tokens)

    def _branches(
        self, talk: Conversation, specs: Sequence[BranchSpec], send: Callable[[Reply], None]
    ) -> list[Branch]:
        forced = [self._model.vocab.data(spec.forced) for spec in specs]
        both = list(zip(specs, forced, strict=True))

        def longest() -> int:
            return max(len(talk.with_note(spec.note)) + len(own) for spec, own in both)

        if longest() >= self._cache.capacity:
            self._make_room(longest(), send)
        self._mark_boundary(talk, [spec.note for spec in specs])
        self._check_room(talk, "The question with what is put before its answer", longest())
        branches: list[Branch] = []
        try:
            for spec, own in both:
                branches.append(self._branch(talk, len(branches), spec, own))
        except RmLocalError:
            for branch in branches:
                branch.free()
            raise
        return branches

    def _branch(
        self, talk: Conversation, index: int, spec: BranchSpec, forced: list[int]
    ) -> Branch:
        vocab, options, constraint = self._model.vocab, self._plan.options, None
        penalties = Penalties(vocab.handle, options.repeat_penalty, options.dry)
        logprobs = None if spec.logprobs is None else Logprobs(vocab, spec.logprobs)
        if spec.grammar:
            lead = _LEAD if talk.starts == "thinking" else 0
            constraint = Constraint(vocab, self._candidates, spec.grammar, lead=lead)
        return Branch(
            index,
            spec,
            talk.with_note(spec.note) + forced,
            talk.starts,
            vocab.markers,
            constraint=constraint,
            logprobs=logprobs,
            repetition=RepetitionDetector() if options.end_loops and not spec.endless else None,
            penalties=None if constraint else penalties,
        )

    def _make_room(self, tokens: int, send: Callable[[Reply], None]) -> None:
        if room := self._room.make(tokens):
            send(room)

    def _hold(
        self,
        tokens: list[int],
        known: int,
        *,
        places: Sequence[int] = (),
        more: bool = False,
        tell: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """Make the root hold these tokens; the first `known` of those it held are no reuse."""
        with self.stats.prefill():
            kept = self._cache.hold(tokens, places=places, more=more, tell=tell)
        self.stats.reused += max(0, kept - known)
        self.stats.evaluated(kept, len(tokens))

    def _check_room(self, talk: Conversation, what: str, tokens: int) -> None:
        """ContextOverflow when so many tokens do not fit, with what was tried and what helps."""
        capacity, trained = self._cache.capacity, self._model.info.trained_context
        if tokens < capacity:
            return
        what = f"{what} and the turns before it" if talk.droppable else what
        need = "need" if talk.droppable else "needs"
        told = f"{what} {need} {tokens:,} tokens; the context holds {capacity:,}."
        raise ContextOverflow(
            f"{told} {self._room.in_vain}".strip(),
            context_policy.remedy(talk.droppable, tokens, trained),
        )
