"""Places the hint of a branch: in the model's thinking, or at the end of the user's message."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.engine import ModelInfo
from rm_local.loop import prompts
from rm_local.loop.plan import Plan
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit


@dataclass(frozen=True, slots=True)
class BranchPrompt:
    """The text that one branch reads in addition to the conversation."""

    forced: str = ""
    """Text for the model to continue."""
    note: str = ""
    """Text at the end of the user's message; later turns do not contain it."""

    @property
    def text(self) -> str:
        """Both texts joined, to count their tokens."""
        return self.note + self.forced


def uses_cue(plan: Plan, info: ModelInfo | None) -> bool:
    """Whether the model continues after the cue and the hint.

    A thinking model does. The text of any other model is shown from its first word, so nothing is
    placed before that text unless the plan requires it.
    """
    return plan.cue == "always" or (plan.thinking and (info is None or info.thinks))


def place_hint(turn: TurnContext, subproblem: str | None, hint: Hit | None) -> BranchPrompt:
    """Build the prompt of a branch with this hint; empty without a subproblem."""
    if subproblem is None:
        return BranchPrompt()
    entry = hint.entry if hint else None
    if uses_cue(turn.plan, turn.engine.info):
        procedure = prompts.hint_text(entry.subproblem, entry.subroutine) if entry else None
        return BranchPrompt(forced=prompts.reasoning_cue(subproblem, procedure))
    if entry is None:
        return BranchPrompt()
    return BranchPrompt(note=prompts.hint_note(entry.subproblem, entry.subroutine, turn.question))
