"""Runs the turns of a loaded model: evaluates a prompt, and generates branches from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from rm_local.engine import context_policy
from rm_local.engine.branches import BranchSpec
from rm_local.engine.protocol import ModelInfo, OpenTurn, Progress, Reply, TurnOpened
from rm_local.engine.worker.context.overflow import ContextOverflowHandler
from rm_local.engine.worker.context.prompt import Conversation
from rm_local.engine.worker.decoding.branch import BranchState
from rm_local.engine.worker.decoding.candidates import CandidateSampler
from rm_local.engine.worker.decoding.grammar_sampler import GrammarSampler
from rm_local.engine.worker.decoding.logprobs import LogprobRecorder
from rm_local.engine.worker.decoding.repetition import RepetitionDetector
from rm_local.engine.worker.decoding.sampler import RepetitionPenalties
from rm_local.engine.worker.decoding.scheduler import BatchScheduler
from rm_local.engine.worker.decoding.stats import StatsRecorder
from rm_local.engine.worker.inbox import Inbox
from rm_local.engine.worker.llama.kv_cache import (
    CacheFullError,
    DecodeAbortedError,
    KVCache,
    count_common_prefix,
)
from rm_local.engine.worker.llama.loading import LoadPlan
from rm_local.engine.worker.llama.model import Model
from rm_local.errors import (
    CancelledByUserError,
    ContextOverflowError,
    EngineError,
    InvalidModelError,
    RmLocalError,
)

_LEAD = 2
"""Maximum number of white-space tokens between thinking and an answer that follows a grammar."""
_ADAPTER_REMEDY = (
    "One of its LoRA adapters may be the cause: give it a smaller scale, or leave it out of --lora "
    "and of `lora` in the settings."
)


class TurnRunner:
    """Runs the turns of a loaded model, one at a time; the KV cache is kept between turns."""

    def __init__(self, model: Model, cache: KVCache, load_plan: LoadPlan, inbox: Inbox) -> None:
        self.stats = StatsRecorder()
        self._model = model
        self._cache = cache
        self._load_plan = load_plan
        self._inbox = inbox
        self._candidates = CandidateSampler()
        self._conversation: Conversation | None = None

    def open_turn_and_evaluate_prompt(
        self, request: OpenTurn, send: Callable[[Reply], None]
    ) -> TurnOpened:
        """Open a turn: evaluate its prompt except the last token, which the branches evaluate.

        `send` is called with `Progress` between batches, and with `ContextOverflowReport` if
        the prompt is too long.

        Raises:
            ContextOverflowError: The prompt does not fit; nothing was evaluated.
            CancelledByUserError: The request was cancelled; no turn is open.
        """
        self._conversation, before = None, self.stats.get_prefill_totals()
        conversation = Conversation(self._model, request)
        self._adjuster = ContextOverflowHandler(conversation, self._cache, self._load_plan)
        if not context_policy.leaves_quarter_free(len(conversation.tokens), self._cache.capacity):
            self._try_to_make_room_and_send_event(len(conversation.tokens), send)
        self._check_fits(conversation, "The question", len(conversation.tokens))
        checkpoints = () if self._model.rewinds else conversation.list_checkpoint_positions()
        self.stats.boundary = len(conversation.tokens)
        try:
            self._prefill_prefix_and_update_stats(
                conversation.tokens[:-1],
                already_counted=0,
                checkpoints=checkpoints,
                keep_rest=True,
                on_progress=lambda share: send(Progress(share)),
            )
        except DecodeAbortedError:
            raise CancelledByUserError("Reading the question was stopped.") from None
        self._conversation = conversation
        return TurnOpened(len(conversation.tokens), self.stats.compute_prefill_since(before))

    def generate_branches(self, specs: Sequence[BranchSpec], send: Callable[[Reply], None]) -> None:
        """Generate branches from the open turn's prompt; `send` is called with their events.

        Raises:
            ContextOverflowError: A forced text does not fit; nothing was evaluated.
            InvalidModelError: The model produced NaN or infinite logits.
        """
        if not self._conversation:
            raise EngineError("No turn is open.", "Open one first.")
        if not specs:
            return
        branches = self._make_room_and_create_branches(self._conversation, specs, send)
        scheduler = BatchScheduler(
            self._cache,
            self._model.vocab,
            self._inbox,
            self.stats,
            branches,
            send,
            share_prefix=self._prefill_common_prefix,
            make_room=partial(self._make_room_and_update_branches, self._conversation, send),
        )
        try:
            scheduler.run_batches()
        except DecodeAbortedError:
            scheduler.end_all_branches_as_cancelled()
        except InvalidModelError as error:
            self._cache.prefill_prefix_and_count_reused(
                ()
            )  # the next turn must not reuse NaN values
            if self._model.info.lora:
                raise InvalidModelError(error.message, _ADAPTER_REMEDY) from None
            raise
        except CacheFullError:
            raise EngineError("The context has no room left.", "Set a larger `context`.") from None
        finally:
            scheduler.free_remaining_branches()

    @property
    def info(self) -> ModelInfo:
        """The model's description, with context, device, cache and notes as they are now."""
        cache, placement = self._cache, self._cache.placement
        kept = placement.layers and not placement.cache_on_device
        return replace(
            self._model.info,
            context=cache.capacity,
            device=self._model.info.device + "; keys and values in main memory" * bool(kept),
            kv=self._load_plan.asked.kv,
            flash_attention=cache.flash_attention,
            cache=cache.size,
            notes=self._load_plan.list_placement_notes(placement),
        )

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text with the model's tokenizer."""
        return len(self._model.vocab.tokenize_without_special_tokens(text))

    def make_room_and_count_free_tokens(
        self, text_lengths: Sequence[int], writing: int, send: Callable[[Reply], None]
    ) -> int:
        """Make room in the context after the open turn's prompt for forced texts.

        `text_lengths`: number of tokens of each text. `writing`: number of tokens written after
        each of them. No turn is dropped for a text longer than the context. Return the number of
        tokens that fit after the prompt.
        """
        if not self._conversation:
            raise EngineError("No turn is open.", "Open one first.")
        conversation, capacity = self._conversation, self._cache.capacity
        if self._load_plan.context_overflow == "drop_oldest":
            text_lengths = [tokens for tokens in text_lengths if tokens + writing < capacity]
        needed = len(conversation.tokens) + max(text_lengths, default=0)
        if needed + writing >= capacity:
            self._try_to_make_room_and_send_event(needed, send)
            self.stats.boundary = len(conversation.tokens)
        return max(0, self._cache.capacity - len(conversation.tokens) - 1)

    def free_cache(self) -> None:
        """Free the KV cache; the model is not freed."""
        self._cache.close()

    def _prefill_common_prefix(self, branches: Sequence[BranchState]) -> int:
        """Prefill the tokens that all branches have in common at their start; return their number.

        The last token of each branch is never part of them.
        """
        first = branches[0].tokens
        shared = min(count_common_prefix(first, branch.tokens) for branch in branches)
        shared = min(shared, *(len(branch.tokens) - 1 for branch in branches))
        self._prefill_prefix_and_update_stats(
            first[:shared], already_counted=self.stats.boundary - 1
        )
        return shared

    def _make_room_and_update_branches(
        self,
        conversation: Conversation,
        send: Callable[[Reply], None],
        branches: Sequence[BranchState],
    ) -> bool:
        """Make room for branches, one of which fills the context; return whether it succeeded.

        The prompt in the branches' tokens is replaced by the shortened one.
        """
        before, context = len(conversation.tokens), self._cache.capacity
        ends = [len(conversation.tokenize_prompt_with_note(branch.note)) for branch in branches]
        self._try_to_make_room_and_send_event(max(len(branch.tokens) for branch in branches), send)
        for branch, end in zip(branches, ends, strict=True):
            branch.tokens[:end] = conversation.tokenize_prompt_with_note(branch.note)
        self._set_prompt_boundary_in_stats(conversation, [branch.note for branch in branches])
        return len(conversation.tokens) < before or self._cache.capacity > context

    def _set_prompt_boundary_in_stats(
        self, conversation: Conversation, notes: Sequence[str]
    ) -> None:
        """Set the number of tokens that the statistics count as prompt.

        If there is a note, they end where it is inserted; otherwise they are the whole prompt.
        """
        self.stats.boundary = conversation.note_position if any(notes) else len(conversation.tokens)

    def _make_room_and_create_branches(
        self, conversation: Conversation, specs: Sequence[BranchSpec], send: Callable[[Reply], None]
    ) -> list[BranchState]:
        """Create the states of branches, and make room for the longest.

        Raises:
            ContextOverflowError: A branch does not fit into the context.
            UsageError: A grammar or a number of alternatives is invalid.
        """
        forced = [self._model.vocab.tokenize_without_special_tokens(spec.forced) for spec in specs]
        both = list(zip(specs, forced, strict=True))

        def count_longest_branch_tokens() -> int:
            return max(
                len(conversation.tokenize_prompt_with_note(spec.note)) + len(own)
                for spec, own in both
            )

        if count_longest_branch_tokens() >= self._cache.capacity:
            self._try_to_make_room_and_send_event(count_longest_branch_tokens(), send)
        self._set_prompt_boundary_in_stats(conversation, [spec.note for spec in specs])
        self._check_fits(
            conversation,
            "The question with the text forced before its answer",
            count_longest_branch_tokens(),
        )
        branches: list[BranchState] = []
        try:
            for spec, own in both:
                branches.append(self._create_branch(conversation, len(branches), spec, own))
        except RmLocalError:
            for branch in branches:
                branch.free_samplers()
            raise
        return branches

    def _create_branch(
        self, conversation: Conversation, index: int, spec: BranchSpec, forced: list[int]
    ) -> BranchState:
        """Create a branch's state, with its samplers; `forced`: the tokens of its forced text."""
        vocab, options, constraint = self._model.vocab, self._load_plan.options, None
        penalties = RepetitionPenalties(vocab.handle, options.repeat_penalty, options.dry)
        logprobs = None if spec.logprobs is None else LogprobRecorder(vocab, spec.logprobs)
        if spec.grammar:
            lead = _LEAD if conversation.starts == "thinking" else 0
            constraint = GrammarSampler(vocab, self._candidates, spec.grammar, lead=lead)
        return BranchState(
            index,
            spec,
            conversation.tokenize_prompt_with_note(spec.note) + forced,
            conversation.starts,
            vocab.markers,
            constraint=constraint,
            logprobs=logprobs,
            repetition=RepetitionDetector() if options.end_loops and not spec.endless else None,
            penalties=None if constraint else penalties,
        )

    def _try_to_make_room_and_send_event(self, tokens: int, send: Callable[[Reply], None]) -> None:
        """Make room after `tokens` tokens if the policy allows it, and send the event about it."""
        if event := self._adjuster.try_to_make_room_and_report(tokens):
            send(event)

    def _prefill_prefix_and_update_stats(
        self,
        tokens: list[int],
        already_counted: int,
        *,
        checkpoints: Sequence[int] = (),
        keep_rest: bool = False,
        on_progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """Prefill the cache's prefix sequence, and count its tokens as evaluated or reused.

        Of the reused tokens, the first `already_counted` are not counted again. For the other
        arguments see `KVCache.prefill_prefix_and_count_reused`.
        """
        with self.stats.time_prefill():
            kept = self._cache.prefill_prefix_and_count_reused(
                tokens, checkpoints=checkpoints, keep_rest=keep_rest, on_progress=on_progress
            )
        self.stats.reused += max(0, kept - already_counted)
        self.stats.count_as_prompt_or_forced(kept, len(tokens))

    def _check_fits(self, conversation: Conversation, what: str, tokens: int) -> None:
        """Check that `tokens` tokens fit into the context; `what`: their name in the error message.

        Raises:
            ContextOverflowError: They do not fit.
        """
        capacity, trained = self._cache.capacity, self._model.info.trained_context
        if tokens < capacity:
            return
        what = f"{what} and the turns before it" if conversation.can_drop_turn else what
        need = "need" if conversation.can_drop_turn else "needs"
        message = f"{what} {need} {tokens:,} tokens; the context holds {capacity:,}."
        raise ContextOverflowError(
            f"{message} {self._adjuster.failure}".strip(),
            context_policy.suggest_overflow_remedy(conversation.can_drop_turn, tokens, trained),
        )
