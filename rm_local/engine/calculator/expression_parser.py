"""The grammar: tokens to a tree, by recursive descent.

Precedence is Python's, from loosest to tightest: `or`; `and`; `not`; comparisons, `in`; `+ -`;
`* / // %` and `of`; signs; `**`; calls, indices, slices, methods. `20% of 85` is `20 / 100 * 85`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rm_local.engine.calculator.calculator_limits import DEPTH, NotEvaluable
from rm_local.engine.calculator.expression_tokens import END, Token, read_tokens


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name that stands by itself: True, False or pi."""

    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands, one or two; a slice and an index, too."""

    name: str
    operands: tuple[Node | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Operands with the operators between them, all of which have to hold."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a method of `owner`, with its arguments."""

    name: str
    arguments: tuple[Node, ...]
    owner: Node | None = None
    reverse: Node | None = None
    """The argument `reverse=`."""


Node = Literal | Text | Name | Items | Operation | Comparison | Call
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
_KEYWORDS = {"and", "or", "not", "in", "of"}


def parse_expression(text: str) -> Node:
    """The tree of an expression.

    Raises:
        NotEvaluable: It is no expression of the grammar, or its nesting is too deep.
    """
    parser = _Parser(read_tokens(text))
    tree = parser.choice()
    if parser.next != END:
        raise NotEvaluable
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._place]

    def _take(self, *texts: str) -> str:
        """The next token's text if it is a sign or word among these, which is then taken."""
        token = self.next
        if token.kind in ("sign", "name") and token.text in texts:
            self._place += 1
            return token.text
        return ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise NotEvaluable

    def choice(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH:
            raise NotEvaluable
        tree = self._conjunction()
        while self._take("or"):
            tree = Operation("or", (tree, self._conjunction()))
        self._depth -= 1
        return tree

    def _conjunction(self) -> Node:
        tree = self._negation()
        while self._take("and"):
            tree = Operation("and", (tree, self._negation()))
        return tree

    def _negation(self) -> Node:
        negations = 0
        while self._take("not"):
            negations += 1
        tree = self._comparison()
        if not negations:
            return tree
        tree = Operation("not", (tree,))
        return tree if negations % 2 else Operation("not", (tree,))

    def _comparison(self) -> Node:
        operands, operators = [self._sum()], list[str]()
        while operator := self._comparing():
            operators.append(operator)
            operands.append(self._sum())
        return Comparison(tuple(operands), tuple(operators)) if operators else operands[0]

    def _comparing(self) -> str:
        if self._take("not"):
            self._expect("in")
            return "not in"
        return self._take("in", *_COMPARISONS)

    def _sum(self) -> Node:
        tree = self._product()
        while sign := self._take("+", "-"):
            tree = Operation(sign, (tree, self._product()))
        return tree

    def _product(self) -> Node:
        tree = self._signed()
        while sign := self._take("*", "/", "//", "%", "of"):
            if sign == "%" and self._take("of"):
                tree, sign = Operation("percent", (tree,)), "of"
            tree = Operation("*" if sign == "of" else sign, (tree, self._signed()))
        return tree

    def _signed(self) -> Node:
        negative = signed = False
        while sign := self._take("+", "-"):
            negative, signed = negative != (sign == "-"), True
        tree = self._power()
        return Operation("negative" if negative else "positive", (tree,)) if signed else tree

    def _power(self) -> Node:
        base = self._postfix()
        if not self._take("**"):
            return base
        self._depth += 1
        if self._depth > DEPTH:
            raise NotEvaluable
        tree = Operation("**", (base, self._signed()))
        self._depth -= 1
        return tree

    def _postfix(self) -> Node:
        tree = self._primary()
        while sign := self._take("[", "."):
            if sign == ".":
                name = self.next
                if name.kind != "name":
                    raise NotEvaluable
                self._place += 1
                self._expect("(")
                tree = self._call(name.text, tree)
            else:
                tree = self._subscript(tree)
        return tree

    def _subscript(self, owner: Node) -> Node:
        parts: list[Node | None] = [None if self.next.text == ":" else self.choice()]
        while len(parts) < 3 and self._take(":"):
            parts.append(None if self.next.text in (":", "]") else self.choice())
        self._expect("]")
        if len(parts) == 1:
            return Operation("index", (owner, parts[0]))
        return Operation("slice", (owner, *parts, *[None] * (3 - len(parts))))

    def _primary(self) -> Node:
        token = self.next
        self._place += token != END
        match token:
            case Token("number", text):
                return Literal(text)
            case Token("string", text):
                return Text(text)
            case Token("name", name) if name not in _KEYWORDS:
                return self._call(name, None) if self._take("(") else Name(name)
            case Token("sign", "("):
                tree = self.choice()
                self._expect(")")
                return tree
            case Token("sign", "["):
                return Items(tuple(self._list("]")))
        raise NotEvaluable

    def _list(self, closing: str) -> list[Node]:
        """What stands up to the closing bracket, which is taken; a comma may come before it."""
        items: list[Node] = []
        while not self._take(closing):
            items.append(self.choice())
            if not self._take(","):
                self._expect(closing)
                break
        return items

    def _call(self, name: str, owner: Node | None) -> Call:
        arguments: list[Node] = []
        reverse: Node | None = None
        while not self._take(")"):
            if self._tokens[self._place : self._place + 2] == _REVERSE and reverse is None:
                self._place += 2
                reverse = self.choice()
            elif reverse is None:
                arguments.append(self.choice())
            else:
                raise NotEvaluable
            if not self._take(","):
                self._expect(")")
                break
        return Call(name, tuple(arguments), owner, reverse)


_REVERSE = [Token("name", "reverse"), Token("sign", "=")]
