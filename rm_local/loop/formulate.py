"""Lets the model name the subproblem in its thinking (arXiv 2604.01348) or in a separate chat.

A thinking model continues the paper's cue in its thinking. Any other model would take the cue for
the beginning of its answer, so it is asked in a separate chat with worked examples, before the
conversation is opened: the answer is then generated without that chat in the context.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from rm_local.engine import (
    BranchEnded,
    BranchSpec,
    ContextAdjusted,
    ContextUsage,
    EvaluatedTokens,
    ModelInfo,
    Sampling,
    TokenChunk,
)
from rm_local.errors import ContextOverflowError
from rm_local.loop import prompts
from rm_local.loop.branch_stream import branch_stream, choose_sampling, derive_seed
from rm_local.loop.events import Formulated, Formulating
from rm_local.loop.formulation_examples import REQUEST, formulation_messages
from rm_local.loop.plan import Plan
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.subproblem import MAX_SUBPROBLEM_CHARS, extract_subproblem
from rm_local.loop.subproblem_check import is_subproblem, strip_numbers
from rm_local.loop.turn_context import TurnContext
from rm_local.text import one_line

MAX_TOKENS = 100
"""Maximum number of tokens of a generated subproblem; the value of arXiv 2604.01348."""
MAX_QUESTION_CHARS = 2000
"""Number of characters of a question, from its beginning and end, shown in a separate chat."""


def needs_separate_chat(plan: Plan, info: ModelInfo | None) -> bool:
    """Whether a separate chat asks the model for the subproblem, before the turn is opened."""
    if info is None or plan.formulation == "cue" or plan.retrieval == "none":
        return False
    return info.converses and not (info.thinks and plan.thinking)


async def formulate_subproblem(turn: TurnContext, question: str, timer: PrefillTimer) -> Formulated:
    """Let the model name the subproblem in the open turn. Emits `Formulating`, then `Formulated`.

    Generation ends with the first sentence, with the model's thinking, or after MAX_TOKENS. A
    subproblem in the overrides is used unchanged. If the model names no usable subproblem, the
    question replaces it.

    Raises:
        EngineError: The model failed.
        CancelledByUserError: The user stopped the turn.
    """
    formulated = _find_given_subproblem(turn)
    if formulated is None:
        spec = _build_formulation_spec(
            turn, prompts.formulation_cue(), choose_sampling(turn.plan, turn.engine.info)
        )
        began = perf_counter()
        draft = await _generate_draft(turn, spec, timer.add_formulation, shows_context=True)
        formulated = _choose_subproblem(turn, question, draft, perf_counter() - began)
    timer.restart_wait()
    turn.events.emit(formulated)
    return formulated


async def formulate_in_separate_chat(
    turn: TurnContext, question: str
) -> tuple[Formulated, EvaluatedTokens]:
    """Let the model name the subproblem in a separate chat; also return the evaluation counts.

    The conversation is opened later. Events and errors are those of `formulate_subproblem`. If
    question and examples do not fit the context, the question replaces the subproblem.
    """
    evaluated = EvaluatedTokens()
    formulated = _find_given_subproblem(turn)
    if formulated is None:
        began = perf_counter()
        try:
            draft, evaluated = await _generate_separate_draft(turn, question)
        except ContextOverflowError:
            draft = _SubproblemDraft(thinks=False)
        formulated = _choose_subproblem(turn, question, draft, perf_counter() - began)
    turn.events.emit(formulated)
    return formulated, evaluated


async def _generate_separate_draft(
    turn: TurnContext, question: str
) -> tuple[_SubproblemDraft, EvaluatedTokens]:
    read: list[EvaluatedTokens] = []
    turn.events.emit(Formulating(""))
    async with turn.control.on_stop(turn.engine.cancel):
        messages = formulation_messages(_shorten_question(question))
        opened = await turn.engine.open_turn(messages, thinking=False)
    turn.control.raise_if_stopped()
    # Greedy, since a search query does not profit from variety.
    spec = _build_formulation_spec(turn, "", Sampling(temperature=0.0))
    draft = await _generate_draft(turn, spec, read.append, shows_context=False)
    prompt = opened.evaluated.prompt + sum(each.prompt for each in read)
    return draft, EvaluatedTokens(prompt=prompt)


def _find_given_subproblem(turn: TurnContext) -> Formulated | None:
    given = one_line(turn.overrides.subproblem or "")
    return Formulated(given, 0.0, turn.overrides.author) if given else None


async def _generate_draft(
    turn: TurnContext,
    spec: BranchSpec,
    add_evaluated: Callable[[EvaluatedTokens], None],
    *,
    shows_context: bool,
) -> _SubproblemDraft:
    """Let the model write the first sentence of the subproblem."""
    info = turn.engine.info
    draft = _SubproblemDraft(
        bool(spec.forced) and turn.plan.thinking and (info is None or info.thinks)
    )
    if shows_context:
        turn.events.emit(Formulating(""))
    async with branch_stream(turn, [spec]) as stream:
        async for event in stream:
            match event:
                case ContextUsage() | ContextAdjusted() if shows_context:
                    turn.events.emit(event)
                case EvaluatedTokens():
                    add_evaluated(event)
                case BranchEnded(tokens=tokens):
                    draft.tokens = tokens
                case TokenChunk() if not draft.complete:
                    if text := draft.add_chunk(event):
                        turn.events.emit(Formulating(text))
                    if draft.complete:
                        await turn.engine.cancel()
            await turn.events.drain()
    turn.control.raise_if_stopped()
    return draft


def _choose_subproblem(
    turn: TurnContext, question: str, draft: _SubproblemDraft, seconds: float
) -> Formulated:
    """Choose the draft's subproblem if it is usable, else the question."""
    found = extract_subproblem(draft.text, final=True)
    if turn.plan.formulation == "cue":
        if found:
            return Formulated(found, seconds, "model", draft.tokens)
        return Formulated(
            one_line(question, MAX_SUBPROBLEM_CHARS), seconds, "question", draft.tokens
        )
    if found and is_subproblem(found, question, (prompts.formulation_cue(), REQUEST)):
        return Formulated(found, seconds, "model", draft.tokens)
    return Formulated(strip_numbers(question), seconds, "question", draft.tokens)


def _shorten_question(question: str) -> str:
    if len(question) <= MAX_QUESTION_CHARS:
        return question
    half = MAX_QUESTION_CHARS // 2
    return f"{question[:half]} ... {question[-half:]}"


def _build_formulation_spec(turn: TurnContext, forced: str, draw: Sampling) -> BranchSpec:
    seed = derive_seed(turn.overrides.seed, 0)
    return BranchSpec(forced=forced, seed=seed, max_tokens=MAX_TOKENS, sampling=draw)


class _SubproblemDraft:
    """The text of the subproblem while the model writes it."""

    def __init__(self, thinks: bool) -> None:
        self.text = ""
        self.tokens = 0
        self.complete = False
        """Whether the first sentence is complete, or the model has closed its thinking."""
        self._thinks = thinks

    def add_chunk(self, chunk: TokenChunk) -> str:
        """Add a chunk; return its text, or an empty text if it is not part of the subproblem."""
        self.tokens = chunk.tokens
        if self._thinks and chunk.part == "answer":
            self.complete = True
            return ""
        self.text += chunk.text
        self.complete = extract_subproblem(self.text) is not None
        return chunk.text
