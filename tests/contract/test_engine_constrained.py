"""What a real worker's branches say under a grammar or a JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rm_local.engine.branches import BranchSpec, SamplingParameters
from rm_local.engine.client import Engine
from rm_local.engine.constraints.json_schema import grammar_from_schema
from rm_local.errors import EngineError, UsageError, WorkerCrashedError
from tests.support.engines import GREEDY, QUESTION, grown

ANYTHING = "root ::= [^\\x00]*"
LINES = 'root ::= line{2,3}\nline ::= "é" [a-c0-9]{1,4} ("漢" | "😀") "\\n"'
HOT = SamplingParameters(temperature=1.5, top_p=1.0)


def specs(grammar: str, count: int = 6, tokens: int = 300) -> list[BranchSpec]:
    """Branches of as many seeds."""
    return [BranchSpec("", seed, tokens, HOT, grammar=grammar) for seed in range(count)]


async def test_thinking_is_free_and_the_answer_follows_the_grammar(
    engine: Engine, nano: Path
) -> None:
    """From where the thinking closes only what the grammar allows is written, in any script."""
    info = await engine.load_model(nano)
    await engine.open_turn(QUESTION)

    texts, ends = await grown(engine, specs(LINES))

    done = [text for text, end in zip(texts, ends, strict=True) if end.stop == "end"]
    answers = [text["answer"] for text in done if text["answer"]]
    assert answers
    for answer in answers:
        assert re.fullmatch("(é[a-c0-9]{1,4}(漢|😀)\n){2,3}", answer)
    assert not info.thinks or all(text["thinking"] for text in texts)


async def test_without_thinking_the_grammar_holds_at_once(engine: Engine, nano: Path) -> None:
    """The first token is the grammar's, also after a forced text; another branch is free."""
    await engine.load_model(nano)
    await engine.open_turn(QUESTION, thinking=False)

    texts, ends = await grown(
        engine, [*specs('root ::= "yes" | "no"', 4), BranchSpec("", 0, 20, GREEDY)]
    )

    assert {text["answer"] for text in texts[:4]} <= {"yes", "no"}
    assert [end.stop for end in ends[:4]] == ["end"] * 4
    assert texts[4]["answer"] not in ("yes", "no")


async def test_a_grammar_that_allows_all_changes_nothing(engine: Engine, nano: Path) -> None:
    """The same tokens as without a grammar, greedy and drawn, for as long as the text is text."""
    await engine.load_model(nano)
    await engine.open_turn(QUESTION)
    free = [BranchSpec("", 0, 60, GREEDY), *(BranchSpec("", n, 60) for n in range(5))]

    without, _ = await grown(engine, free)
    under, _ = await grown(engine, [replace(spec, grammar=ANYTHING) for spec in free])

    assert under == without


async def test_the_likeliest_token_that_is_allowed_is_taken(engine: Engine, nano: Path) -> None:
    """Greedy, where the grammar refuses: of the model's likeliest tokens the first that fits."""
    await engine.load_model(nano)
    await engine.open_turn(QUESTION, thinking=False)
    spec = BranchSpec("", 0, 8, GREEDY, grammar="root ::= [a-z]{8,}", logprobs=10)

    _, (end,) = await grown(engine, [spec])

    fitting = [[one for one in drawn.top if one.text.isalpha()] for drawn in end.logprobs]
    lower = [[one.token for one in top if one.text == one.text.lower()] for top in fitting]
    pairs = [(top[0], drawn.token) for top, drawn in zip(lower, end.logprobs, strict=True) if top]
    assert len(pairs) > 2
    assert all(likeliest == taken for likeliest, taken in pairs)
    assert any(drawn.top[0].token != drawn.token for drawn in end.logprobs)


def known(data: Any) -> bool:
    """What SCHEMA says, in other words."""
    whole = isinstance(data["n"], int) and data["n"] >= 0 and 1 <= len(data["tags"]) <= 3
    tags = all(tag in ("a\nb", 'q"', None) for tag in data["tags"])
    rest = data.keys() <= {"n", "tags", "x"} and len(data.get("x", "")) <= 5
    return whole and tags and rest


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 0},
        "x": {"type": "string", "maxLength": 5},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["n", "tags"],
    "$defs": {"tag": {"enum": ["a\nb", 'q"', None]}},
}


@pytest.mark.parametrize(
    ("schema", "holds"),
    [
        (SCHEMA, known),
        ({"type": "object", "properties": {}}, lambda data: data == {}),
        ({"additionalProperties": {"type": "boolean"}}, lambda data: isinstance(data, dict)),
        (
            {"prefixItems": [{"type": "null"}, {"const": {"a": 1}}]},
            lambda data: data == [None, {"a": 1}],
        ),
        (
            {"anyOf": [{"type": ["number", "null"]}, {"type": "array", "maxItems": 0}]},
            lambda data: data is None or data == [] or isinstance(data, int | float),
        ),
        ({"type": "string", "minLength": 2, "maxLength": 9}, lambda data: 2 <= len(data) <= 9),
    ],
)
async def test_answers_are_json_of_their_schema(
    engine: Engine, nano: Path, schema: Any, holds: Callable[[Any], bool]
) -> None:
    """Every answer that came to its end can be read, and is what the schema allows."""
    await engine.load_model(nano)
    await engine.open_turn(QUESTION, thinking=False)

    texts, ends = await grown(engine, specs(grammar_from_schema(json.dumps(schema))))

    done = [t["answer"] for t, end in zip(texts, ends, strict=True) if end.stop == "end"]
    assert done
    assert all(holds(json.loads(text)) for text in done)


@pytest.mark.parametrize(
    ("grammar", "words"),
    [
        ('x ::= "a"', "does not contain a 'root' symbol"),
        ('root ::= root "a" | "b"', "left recursion"),
        ('root ::= "a" foo', "Undefined rule identifier 'foo'"),
        ('root ::= "a', "unexpected end of input"),
        ('root ::= "a"{99999999999999999999}', "does not take the grammar"),
        ('root ::= ((("a"{1,50}){1,50}){1,50}){1,50}', "reduce the number of repetitions"),
        ('root ::= "\\q"', "unknown escape"),
        ("hello {}", "does not take the grammar"),
        (" ", "is empty"),
    ],
)
async def test_a_broken_grammar_is_refused_and_the_model_stays(
    engine: Engine, tiny: Path, grammar: str, words: str
) -> None:
    """The parser's own reason is reported; the worker lives, and the same turn can continue."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)
    worker = engine.worker_pid

    with pytest.raises(UsageError) as caught:
        await grown(engine, [BranchSpec("", 0, 4), BranchSpec("", 0, 4, grammar=grammar)])

    assert words in caught.value.message
    assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].tokens
    assert engine.worker_pid == worker


async def test_a_grammar_that_llama_cpp_does_not_get_through_ends_in_a_sentence(
    engine: Engine, tiny: Path
) -> None:
    """2^30 ways to say nothing: the worker ends itself and says why; the next load works."""
    rules = "".join(f'n{n} ::= n{n + 1} n{n + 1} | ""\n' for n in range(30))
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION)

    with pytest.raises(WorkerCrashedError) as caught:
        await grown(engine, [BranchSpec("", 0, 4, grammar=f'root ::= n0\n{rules}n30 ::= "a"\n')])

    assert "can be read in too many ways" in caught.value.remedy
    await engine.load_model(tiny)
    assert (await engine.open_turn(QUESTION)).tokens


async def test_a_character_that_no_token_holds_is_an_error(engine: Engine, tiny: Path) -> None:
    """The grammar is right and cannot be followed: it says so, and the model stays."""
    await engine.load_model(tiny)
    await engine.open_turn(QUESTION, thinking=False)

    with pytest.raises(EngineError, match="no token for"):
        await grown(engine, [BranchSpec("", 0, 4, grammar='root ::= "\\U99999999"')])

    assert (await grown(engine, [BranchSpec("", 0, 4)]))[1][0].tokens
