"""A calculator for expressions in a model's text; they are parsed, never run as Python code.

`evaluate_expression` returns the value of an expression as text, `ExpressionFinder` detects the
end of an expression in a stream of text, and `calculator_limits` limits sizes and work
(docs/design/calculator.md).
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
