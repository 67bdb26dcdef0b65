"""Solves a question: formulates a subproblem, retrieves entries, reasons with each, and votes.

`solve` runs these steps and yields their events; a `Plan` holds the parameters of the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.loop.answers import normalize_answer as normalize_answer
    from rm_local.loop.control import TurnControl as TurnControl, TurnOverrides as TurnOverrides
    from rm_local.loop.events import (
        Answered as Answered,
        Author as Author,
        BranchFinished as BranchFinished,
        BranchStarted as BranchStarted,
        Event as Event,
        Failed as Failed,
        Formulated as Formulated,
        Formulating as Formulating,
        GateDecided as GateDecided,
        HintCutOrLeftOut as HintCutOrLeftOut,
        HitJudgement as HitJudgement,
        HitsJudged as HitsJudged,
        ModelLoading as ModelLoading,
        ModelUnloaded as ModelUnloaded,
        Notice as Notice,
        Prefilled as Prefilled,
        Prefilling as Prefilling,
        Retrieved as Retrieved,
        RunEvent as RunEvent,
        event_as_json as event_as_json,
        event_from_json as event_from_json,
        hit_as_json as hit_as_json,
        make_failed_event as make_failed_event,
    )
    from rm_local.loop.gate import (
        GATE_MODELS as GATE_MODELS,
        GateFeatures as GateFeatures,
        GateModel as GateModel,
        GateVerdict as GateVerdict,
        compute_gate_features as compute_gate_features,
    )
    from rm_local.loop.gate_trials import (
        GateTrial as GateTrial,
        LabelledQuestion as LabelledQuestion,
        compute_gate_curve as compute_gate_curve,
        find_unknown_labels as find_unknown_labels,
        read_labelled_questions as read_labelled_questions,
        run_gate_trial as run_gate_trial,
    )
    from rm_local.loop.interfaces import LanguageModel as LanguageModel, Retriever as Retriever
    from rm_local.loop.plan import (
        DEFAULT_PLAN as DEFAULT_PLAN,
        PLANS as PLANS,
        Plan as Plan,
        QuestionGate as QuestionGate,
        find_plan as find_plan,
    )
    from rm_local.loop.prompts import (
        CUE_OPENING as CUE_OPENING,
        format_hint_for_thinking as format_hint_for_thinking,
        format_hint_for_user_message as format_hint_for_user_message,
        format_reasoning_cue as format_reasoning_cue,
        formulation_cue as formulation_cue,
        list_fixed_prompt_texts as list_fixed_prompt_texts,
    )
    from rm_local.loop.retrieve import StoreRetriever as StoreRetriever
    from rm_local.loop.run_events import RunEventRouter as RunEventRouter
    from rm_local.loop.solver import solve as solve
    from rm_local.loop.time_left import compute_max_seconds_left as compute_max_seconds_left
    from rm_local.loop.turn import (
        Span as Span,
        Turn as Turn,
        TurnBranch as TurnBranch,
        apply_event as apply_event,
        create_initial_turn_state as create_initial_turn_state,
        get_answer_text_or_result as get_answer_text_or_result,
        mark_turn_interrupted_if_in_progress as mark_turn_interrupted_if_in_progress,
    )
    from rm_local.loop.turn_queue import TurnQueue as TurnQueue

__getattr__ = export_lazily(
    __name__,
    {
        "answers": ["normalize_answer"],
        "control": ["TurnControl", "TurnOverrides"],
        "events": [
            "Answered",
            "Author",
            "BranchFinished",
            "BranchStarted",
            "Event",
            "Failed",
            "Formulated",
            "Formulating",
            "GateDecided",
            "HintCutOrLeftOut",
            "HitsJudged",
            "HitJudgement",
            "ModelLoading",
            "ModelUnloaded",
            "Notice",
            "Prefilled",
            "Prefilling",
            "Retrieved",
            "RunEvent",
            "event_as_json",
            "event_from_json",
            "make_failed_event",
            "hit_as_json",
        ],
        "plan": ["DEFAULT_PLAN", "PLANS", "Plan", "QuestionGate", "find_plan"],
        "gate": [
            "GATE_MODELS",
            "GateFeatures",
            "GateModel",
            "GateVerdict",
            "compute_gate_features",
        ],
        "gate_trials": [
            "GateTrial",
            "LabelledQuestion",
            "compute_gate_curve",
            "read_labelled_questions",
            "run_gate_trial",
            "find_unknown_labels",
        ],
        "interfaces": ["LanguageModel", "Retriever"],
        "prompts": [
            "CUE_OPENING",
            "list_fixed_prompt_texts",
            "formulation_cue",
            "format_hint_for_user_message",
            "format_hint_for_thinking",
            "format_reasoning_cue",
        ],
        "retrieve": ["StoreRetriever"],
        "run_events": ["RunEventRouter"],
        "solver": ["solve"],
        "time_left": ["compute_max_seconds_left"],
        "turn": [
            "Span",
            "Turn",
            "TurnBranch",
            "apply_event",
            "create_initial_turn_state",
            "get_answer_text_or_result",
            "mark_turn_interrupted_if_in_progress",
        ],
        "turn_queue": ["TurnQueue"],
    },
)
