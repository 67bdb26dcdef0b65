"""Formulates the subproblem of a question: the general problem to solve, written by the model.

A model that thinks writes it in its thinking, after a fixed cue sentence (arXiv 2604.01348). Any
other model would take the cue for the beginning of its answer. It is asked in a separate chat with
worked examples before the turn is opened, so that chat is not in the context of the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from rm_local.engine import (
    BranchEnded,
    BranchSpec,
    ContextOverflowReport,
    ContextUsage,
    EvaluatedTokenCounts,
    ModelInfo,
    SamplingParameters,
    TokenChunk,
)
from rm_local.errors import ContextOverflowError
from rm_local.loop import prompts
from rm_local.loop.branch_stream import (
    choose_model_or_plan_sampling,
    derive_seed,
    open_branch_stream,
)
from rm_local.loop.events import Formulated, Formulating
from rm_local.loop.formulation_examples import REQUEST, build_formulation_chat
from rm_local.loop.plan import Plan
from rm_local.loop.prefill import PrefillTimer
from rm_local.loop.subproblem import MAX_SUBPROBLEM_CHARS, extract_subproblem
from rm_local.loop.subproblem_check import is_usable_query, strip_numbers_if_enough_words
from rm_local.loop.turn_context import TurnContext
from rm_local.text import one_line

MAX_TOKENS = 100
"""Maximum number of tokens of a generated subproblem; the value of arXiv 2604.01348."""
MAX_QUESTION_CHARS = 2000
"""Maximum number of characters of the question in the separate chat; of a longer question the
beginning and the end are used."""


def needs_separate_chat(plan: Plan, info: ModelInfo | None) -> bool:
    """Return whether the model is asked for the subproblem in a separate chat, not in the turn.

    That is so for a model that converses but does not think, unless the plan requires the cue.
    """
    if info is None or plan.formulation == "cue" or plan.retrieval == "none":
        return False
    return info.converses and not (info.thinks and plan.thinking)


async def formulate_in_open_turn(
    turn: TurnContext, question: str, timer: PrefillTimer
) -> Formulated:
    """Let the model write the subproblem in the open turn, after the cue; return it.

    The text ends after the first sentence, at the end of the thinking, or after MAX_TOKENS. A
    subproblem in the overrides is used unchanged, without the model; then there is no
    `Formulating`. If the model's text is not usable, the question replaces it. Emits `Formulating`,
    then `Formulated`. The `timer` gets the evaluated tokens, and its clock is restarted at the end.

    Raises:
        EngineError: The model failed.
        CancelledByUserError: The user stopped the turn.
    """
    formulated = _get_overriding_subproblem(turn)
    if formulated is None:
        spec = _build_formulation_spec(
            turn,
            prompts.formulation_cue(),
            choose_model_or_plan_sampling(turn.plan, turn.engine.info),
        )
        began = perf_counter()
        draft = await _generate_draft(turn, spec, timer.add_formulation_tokens, shows_context=True)
        formulated = _choose_draft_or_question(turn, question, draft, perf_counter() - began)
    timer.restart_first_text_clock()
    turn.events.emit(formulated)
    return formulated


async def formulate_in_separate_chat(
    turn: TurnContext, question: str
) -> tuple[Formulated, EvaluatedTokenCounts]:
    """Let the model write the subproblem in a separate chat; return it and the evaluated tokens.

    The turn itself must be opened afterwards. Events, errors and replacements are those of
    `formulate_in_open_turn`; the question is also used if the chat does not fit the context.
    """
    evaluated = EvaluatedTokenCounts()
    formulated = _get_overriding_subproblem(turn)
    if formulated is None:
        began = perf_counter()
        try:
            draft, evaluated = await _generate_separate_draft(turn, question)
        except ContextOverflowError:
            draft = _SubproblemDraft(thinks=False)
        formulated = _choose_draft_or_question(turn, question, draft, perf_counter() - began)
    turn.events.emit(formulated)
    return formulated, evaluated


async def _generate_separate_draft(
    turn: TurnContext, question: str
) -> tuple[_SubproblemDraft, EvaluatedTokenCounts]:
    """Open the separate chat, and generate a draft in it; return it and the evaluated tokens.

    Raises:
        ContextOverflowError: The chat does not fit the context.
        EngineError: The model failed.
        CancelledByUserError: The user stopped the turn.
    """
    read: list[EvaluatedTokenCounts] = []
    turn.events.emit(Formulating(""))
    async with turn.control.on_stop(turn.engine.cancel):
        messages = build_formulation_chat(_cut_middle_of_long_question(question))
        opened = await turn.engine.open_turn(messages, thinking=False)
    turn.control.raise_if_stopped()
    # Greedy, since a search query does not profit from variety.
    spec = _build_formulation_spec(turn, "", SamplingParameters(temperature=0.0))
    draft = await _generate_draft(turn, spec, read.append, shows_context=False)
    prompt = opened.evaluated.prompt + sum(each.prompt for each in read)
    return draft, EvaluatedTokenCounts(prompt=prompt)


def _get_overriding_subproblem(turn: TurnContext) -> Formulated | None:
    """Return the subproblem in the turn's overrides; None if there is none."""
    given = one_line(turn.overrides.subproblem or "")
    return Formulated(given, 0.0, turn.overrides.author) if given else None


async def _generate_draft(
    turn: TurnContext,
    spec: BranchSpec,
    add_evaluated: Callable[[EvaluatedTokenCounts], None],
    *,
    shows_context: bool,
) -> _SubproblemDraft:
    """Generate the branch `spec` up to the end of its first sentence; return its text as a draft.

    Emits `Formulating` for each piece. `add_evaluated` is called with the counts of evaluated
    tokens. `shows_context`: the branch is part of the turn, so an empty `Formulating` comes first,
    and events of the context are emitted, too.
    """
    info = turn.engine.info
    draft = _SubproblemDraft(
        bool(spec.forced) and turn.plan.thinking and (info is None or info.thinks)
    )
    if shows_context:
        turn.events.emit(Formulating(""))
    async with open_branch_stream(turn, [spec]) as stream:
        async for event in stream:
            match event:
                case ContextUsage() | ContextOverflowReport() if shows_context:
                    turn.events.emit(event)
                case EvaluatedTokenCounts():
                    add_evaluated(event)
                case BranchEnded(tokens=tokens):
                    draft.tokens = tokens
                case TokenChunk() if not draft.complete:
                    if text := draft.add_chunk_if_subproblem(event):
                        turn.events.emit(Formulating(text))
                    if draft.complete:
                        await turn.engine.cancel()
            await turn.events.wait_if_many_unread()
    turn.control.raise_if_stopped()
    return draft


def _choose_draft_or_question(
    turn: TurnContext, question: str, draft: _SubproblemDraft, seconds: float
) -> Formulated:
    """Return the first sentence of the draft if it is usable, else the question without numbers.

    Under the formulation "cue" every sentence is usable, and the question keeps its numbers.
    """
    found = extract_subproblem(draft.text, final=True)
    if turn.plan.formulation == "cue":
        if found:
            return Formulated(found, seconds, "model", draft.tokens)
        return Formulated(
            one_line(question, MAX_SUBPROBLEM_CHARS), seconds, "question", draft.tokens
        )
    if found and is_usable_query(found, question, (prompts.formulation_cue(), REQUEST)):
        return Formulated(found, seconds, "model", draft.tokens)
    return Formulated(strip_numbers_if_enough_words(question), seconds, "question", draft.tokens)


def _cut_middle_of_long_question(question: str) -> str:
    """Cut the middle out of a question longer than MAX_QUESTION_CHARS."""
    if len(question) <= MAX_QUESTION_CHARS:
        return question
    half = MAX_QUESTION_CHARS // 2
    return f"{question[:half]} ... {question[-half:]}"


def _build_formulation_spec(turn: TurnContext, forced: str, draw: SamplingParameters) -> BranchSpec:
    """Build the branch that writes the subproblem after the text `forced`."""
    seed = derive_seed(turn.overrides.seed, 0)
    return BranchSpec(forced=forced, seed=seed, max_tokens=MAX_TOKENS, sampling=draw)


class _SubproblemDraft:
    """Collects the text of a subproblem while the model writes it.

    `thinks`: the subproblem is part of the thinking, so text of the answer does not belong to it.
    """

    def __init__(self, thinks: bool) -> None:
        self.text = ""
        self.tokens = 0
        self.complete = False
        """Whether the first sentence is complete, or the model has closed its thinking."""
        self._thinks = thinks

    def add_chunk_if_subproblem(self, chunk: TokenChunk) -> str:
        """Append the text of a chunk and return it; "" if it is not part of the subproblem."""
        self.tokens = chunk.tokens
        if self._thinks and chunk.part == "answer":
            self.complete = True
            return ""
        self.text += chunk.text
        self.complete = extract_subproblem(self.text) is not None
        return chunk.text
