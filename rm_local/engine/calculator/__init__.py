"""A calculator for what a model writes: expressions of a grammar of its own, never run as code.

`evaluate_expression` gives an expression's value as text, `ExpressionFinder` says when a stream of
text has closed an expression, `calculator_limits` how large everything may be (docs/calculator.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.engine.calculator.evaluator import evaluate_expression as evaluate_expression
    from rm_local.engine.calculator.expression_finder import (
        CLOSE as CLOSE,
        OPEN as OPEN,
        ExpressionFinder as ExpressionFinder,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "evaluator": ["evaluate_expression"],
        "expression_finder": ["CLOSE", "OPEN", "ExpressionFinder"],
    },
)
