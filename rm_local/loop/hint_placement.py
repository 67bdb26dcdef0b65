"""Where a branch reads its hint: in its thoughts, or at the end of the user's message."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.engine import ModelInfo
from rm_local.loop import prompts
from rm_local.loop.plan import Plan
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit


@dataclass(frozen=True, slots=True)
class BranchPrompt:
    """What one branch reads besides the conversation; both are data to the worker."""

    forced: str = ""
    """Put where the model continues."""
    note: str = ""
    """Put at the end of the user's message. No later turn reads it."""

    @property
    def text(self) -> str:
        """All of it, to be counted."""
        return self.note + self.forced


def uses_cue(plan: Plan, info: ModelInfo | None) -> bool:
    """Whether the cue and the hint stand where the model continues.

    They do in an open thinking block. What a model says instead of thinking is shown from its first
    word, so nothing is put there, unless the plan wants it so.
    """
    return plan.cue == "always" or (plan.thinking and (info is None or info.thinks))


def place_hint(turn: TurnContext, subproblem: str | None, hint: Hit | None) -> BranchPrompt:
    """What a branch under this hint reads. Without a subproblem, nothing."""
    if subproblem is None:
        return BranchPrompt()
    entry = hint.entry if hint else None
    if uses_cue(turn.plan, turn.engine.info):
        procedure = prompts.hint_text(entry.subproblem, entry.subroutine) if entry else None
        return BranchPrompt(forced=prompts.reasoning_cue(subproblem, procedure))
    if entry is None:
        return BranchPrompt()
    return BranchPrompt(note=prompts.hint_note(entry.subproblem, entry.subroutine, turn.question))
