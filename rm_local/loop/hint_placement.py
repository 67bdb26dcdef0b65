"""Builds the prompt of a branch: its hint in the thinking, or after the user's question."""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.engine import ModelInfo
from rm_local.loop import prompts
from rm_local.loop.plan import Plan
from rm_local.loop.turn_context import TurnContext
from rm_local.records import Hit


@dataclass(frozen=True, slots=True)
class BranchHintText:
    """The text that one branch reads in addition to the turn's conversation; may be empty."""

    forced: str = ""
    """Text at the beginning of the model's own output, which the model continues."""
    note: str = ""
    """Text appended to the user's message for this branch; later turns do not contain it."""

    @property
    def text(self) -> str:
        """Both texts joined, to count their tokens."""
        return self.note + self.forced


def puts_cue_and_hint_in_output(plan: Plan, info: ModelInfo | None) -> bool:
    """Return whether cue and hint are put at the beginning of the model's own output.

    That is so for a model that thinks, or if the plan requires it. The output of other models is
    shown from its first word, so their hint is put at the end of the user's message, without a cue.
    """
    return plan.cue == "always" or (plan.thinking and (info is None or info.thinks))


def build_hint_text(turn: TurnContext, subproblem: str | None, hint: Hit | None) -> BranchHintText:
    """Build the text that a branch reads for its hint, in the place that suits the model.

    It is empty without a subproblem, and without a hint unless the model reads the cue.
    """
    if subproblem is None:
        return BranchHintText()
    entry = hint.entry if hint else None
    if puts_cue_and_hint_in_output(turn.plan, turn.engine.info):
        procedure = (
            prompts.format_hint_for_thinking(entry.subproblem, entry.subroutine) if entry else None
        )
        return BranchHintText(forced=prompts.format_reasoning_cue(subproblem, procedure))
    if entry is None:
        return BranchHintText()
    return BranchHintText(
        note=prompts.format_hint_for_user_message(entry.subproblem, entry.subroutine, turn.question)
    )
