"""Parses an expression into a syntax tree by recursive descent.

The precedence is that of Python, from low to high: `or`; `and`; `not`; comparisons, `in`; `+ -`;
`* / // %` and `of`; signs; `**`; calls, indices, slices, methods. `20% of 85` is `20 / 100 * 85`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.engine.calculator.calculator_limits import DEPTH, NotEvaluableError
from rm_local.engine.calculator.expression_tokens import END, Token, tokenize_expression


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """The syntax node of a number; `text` is the number as written."""

    text: str


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """The syntax node of a string; `text` is its content without quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class ConstantName:
    """The syntax node of a constant: True, False or pi; other names have no value."""

    name: str


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """The syntax node of a list in square brackets, with the nodes of its elements."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """The syntax node of an operator with its operands, of an index, or of a slice."""

    name: str
    """The operator's sign, or a word such as `negative`, `percent`, `index` or `slice`."""
    operands: tuple[Node | None, ...]
    """The operands in order; None = an omitted bound of a slice."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The syntax node of a chain of comparisons, such as `a < b < c`: true if each one is true."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The syntax node of a call: of a function, or of a method of the value `owner`."""

    name: str
    arguments: tuple[Node, ...]
    owner: Node | None = None
    reverse: Node | None = None
    """The node of the argument `reverse=` of `sorted`; None if it is not given."""


Node = NumberLiteral | StringLiteral | ConstantName | ListLiteral | Operation | Comparison | Call
"""A node of a syntax tree."""
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
_KEYWORDS = {"and", "or", "not", "in", "of"}


def parse_expression(text: str) -> Node:
    """Parse an expression into a syntax tree.

    Raises:
        NotEvaluableError: The expression does not follow the grammar, or is nested too deep.
    """
    parser = _Parser(tokenize_expression(text))
    tree = parser.parse_disjunction()
    if parser.upcoming_token != END:
        raise NotEvaluableError
    return tree


class _Parser:
    """Parses the tokens of one expression by recursive descent; one method per precedence."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    @property
    def upcoming_token(self) -> Token:
        """The token to be parsed next; it is not consumed."""
        return self._tokens[self._place]

    def _take_token_if_one_of(self, *texts: str) -> str:
        """Consume the next token if it is one of `texts`; return its text, or "" for another."""
        token = self.upcoming_token
        if token.kind in ("sign", "name") and token.text in texts:
            self._place += 1
            return token.text
        return ""

    def _expect_token(self, text: str) -> None:
        """Consume the token `text`.

        Raises:
            NotEvaluableError: The next token is another one.
        """
        if not self._take_token_if_one_of(text):
            raise NotEvaluableError

    def parse_disjunction(self) -> Node:
        """Parse a whole expression: operands joined by `or`, which binds least."""
        self._depth += 1
        if self._depth > DEPTH:
            raise NotEvaluableError
        tree = self._parse_conjunction()
        while self._take_token_if_one_of("or"):
            tree = Operation("or", (tree, self._parse_conjunction()))
        self._depth -= 1
        return tree

    def _parse_conjunction(self) -> Node:
        tree = self._parse_negation()
        while self._take_token_if_one_of("and"):
            tree = Operation("and", (tree, self._parse_negation()))
        return tree

    def _parse_negation(self) -> Node:
        negations = 0
        while self._take_token_if_one_of("not"):
            negations += 1
        tree = self._parse_comparison()
        if not negations:
            return tree
        tree = Operation("not", (tree,))
        return tree if negations % 2 else Operation("not", (tree,))

    def _parse_comparison(self) -> Node:
        operands, operators = [self._parse_sum()], list[str]()
        while operator := self._take_comparison_operator():
            operators.append(operator)
            operands.append(self._parse_sum())
        return Comparison(tuple(operands), tuple(operators)) if operators else operands[0]

    def _take_comparison_operator(self) -> str:
        """Consume a comparison operator, and return it; "" if the next token is another one."""
        if self._take_token_if_one_of("not"):
            self._expect_token("in")
            return "not in"
        return self._take_token_if_one_of("in", *_COMPARISONS)

    def _parse_sum(self) -> Node:
        tree = self._parse_product()
        while sign := self._take_token_if_one_of("+", "-"):
            tree = Operation(sign, (tree, self._parse_product()))
        return tree

    def _parse_product(self) -> Node:
        tree = self._parse_signed()
        while sign := self._take_token_if_one_of("*", "/", "//", "%", "of"):
            if sign == "%" and self._take_token_if_one_of("of"):
                tree, sign = Operation("percent", (tree,)), "of"
            tree = Operation("*" if sign == "of" else sign, (tree, self._parse_signed()))
        return tree

    def _parse_signed(self) -> Node:
        negative = signed = False
        while sign := self._take_token_if_one_of("+", "-"):
            negative, signed = negative != (sign == "-"), True
        tree = self._parse_power()
        return Operation("negative" if negative else "positive", (tree,)) if signed else tree

    def _parse_power(self) -> Node:
        base = self._parse_postfix()
        if not self._take_token_if_one_of("**"):
            return base
        self._depth += 1
        if self._depth > DEPTH:
            raise NotEvaluableError
        tree = Operation("**", (base, self._parse_signed()))
        self._depth -= 1
        return tree

    def _parse_postfix(self) -> Node:
        """Parse a simple expression and the indices, slices and method calls after it."""
        tree = self._parse_primary()
        while sign := self._take_token_if_one_of("[", "."):
            if sign == ".":
                name = self.upcoming_token
                if name.kind != "name":
                    raise NotEvaluableError
                self._place += 1
                self._expect_token("(")
                tree = self._parse_call(name.text, tree)
            else:
                tree = self._parse_subscript(tree)
        return tree

    def _parse_subscript(self, owner: Node) -> Node:
        """Parse an index or a slice of `owner`, after its opening bracket."""
        parts: list[Node | None] = [
            None if self.upcoming_token.text == ":" else self.parse_disjunction()
        ]
        while len(parts) < 3 and self._take_token_if_one_of(":"):
            parts.append(
                None if self.upcoming_token.text in (":", "]") else self.parse_disjunction()
            )
        self._expect_token("]")
        if len(parts) == 1:
            return Operation("index", (owner, parts[0]))
        return Operation("slice", (owner, *parts, *[None] * (3 - len(parts))))

    def _parse_primary(self) -> Node:
        """Parse a number, string, constant, function call, list, or expression in brackets."""
        token = self.upcoming_token
        self._place += token != END
        match token:
            case Token("number", text):
                return NumberLiteral(text)
            case Token("string", text):
                return StringLiteral(text)
            case Token("name", name) if name not in _KEYWORDS:
                return (
                    self._parse_call(name, None)
                    if self._take_token_if_one_of("(")
                    else ConstantName(name)
                )
            case Token("sign", "("):
                tree = self.parse_disjunction()
                self._expect_token(")")
                return tree
            case Token("sign", "["):
                return ListLiteral(tuple(self._parse_list("]")))
        raise NotEvaluableError

    def _parse_list(self, closing: str) -> list[Node]:
        """Parse the elements of a list and its closing bracket; a trailing comma is allowed."""
        items: list[Node] = []
        while not self._take_token_if_one_of(closing):
            items.append(self.parse_disjunction())
            if not self._take_token_if_one_of(","):
                self._expect_token(closing)
                break
        return items

    def _parse_call(self, name: str, owner: Node | None) -> Call:
        """Parse the arguments of a call, after its opening bracket; `owner`: None = a function."""
        arguments: list[Node] = []
        reverse: Node | None = None
        while not self._take_token_if_one_of(")"):
            if self._tokens[self._place : self._place + 2] == _REVERSE and reverse is None:
                self._place += 2
                reverse = self.parse_disjunction()
            elif reverse is None:
                arguments.append(self.parse_disjunction())
            else:
                raise NotEvaluableError
            if not self._take_token_if_one_of(","):
                self._expect_token(")")
                break
        return Call(name, tuple(arguments), owner, reverse)


_REVERSE = [Token("name", "reverse"), Token("sign", "=")]
