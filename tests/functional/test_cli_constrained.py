"""`rm-local ask` under a schema or a grammar: the files, and what reaches the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli
from tests.support.fake_runtime import FakeRuntime
from tests.support.fakes import FakeEngine, say, think

Use = Callable[..., FakeRuntime]
SCHEMA = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}


def run(*arguments: str) -> Result:
    """The command's end, with standard output and standard error apart."""
    return CliRunner().invoke(cli, ["ask", "-q", *arguments, "4 + 4?"])


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """A file with a schema."""
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_the_answer_is_the_json_alone(use: Use, schema: Path) -> None:
    """Standard output holds what the branches agreed on, to be read by a program."""
    engine = FakeEngine(branches=[[think("It is 8."), say('{"answer": 8}')]])
    use(engine=engine)

    result = run("--json-schema", str(schema))

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"answer": 8}
    assert all('"\\"answer\\""' in spec.grammar for spec in engine.grown[-1])


def test_a_grammar_is_given_as_it_is(use: Use, tmp_path: Path) -> None:
    """The file's text is every branch's grammar."""
    path = tmp_path / "yes.gbnf"
    path.write_text('root ::= "yes" | "né"\n', encoding="utf-8")
    engine = FakeEngine(branches=[[think("Yes."), say("yes")]])
    use(engine=engine)

    result = run("--grammar", str(path))

    assert result.stdout == "yes\n"
    assert {spec.grammar for spec in engine.grown[-1]} == {'root ::= "yes" | "né"\n'}


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--json-schema", b"{", "is not JSON"),
        ("--json-schema", b'{"type": "string", "pattern": "^a$"}', "#/pattern"),
        ("--json-schema", b"[" * 200_000, "nested too deep"),
        ("--json-schema", b" " * 2_000_000, "more than 1,024 KB"),
        ("--grammar", b"\xff\xfe", "is not UTF-8"),
        ("--grammar", b"", "is empty"),
        ("--grammar", b'root ::= "a"{9,1}', "{9,1} times"),
    ],
)
def test_a_file_that_is_not_right_is_refused_before_a_model_is_loaded(
    use: Use, tmp_path: Path, option: str, content: bytes, words: str
) -> None:
    """Exit code 2, what is wrong and where, and nothing is asked."""
    runtime = use()
    path = tmp_path / "file"
    path.write_bytes(content)

    result = run(option, str(path))

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not runtime.solved


def test_a_missing_file_and_two_files_are_wrong_usage(
    use: Use, schema: Path, tmp_path: Path
) -> None:
    """One file is asked for, and it has to be there."""
    use()

    missing = run("--grammar", str(tmp_path / "none.gbnf"))
    both = run("--grammar", str(schema), "--json-schema", str(schema))

    assert (missing.exit_code, both.exit_code) == (2, 2)
    assert "does not exist" in missing.stderr
    assert "Give one of them." in both.stderr
