"""`rm-local ask` with a real public model: SmolLM2-135M-Instruct."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from rm_local.cli.main import cli
from tests.support.smollm2 import require_smollm2


def test_ask_prints_json_of_the_schema(tmp_path: Path) -> None:
    """`--json-schema`: standard output is one object with the schema's fields, nothing else."""
    fields = {"city": {"type": "string", "maxLength": 12}, "large": {"type": "boolean"}}
    schema = tmp_path / "answer.json"
    schema.write_text(
        json.dumps({"type": "object", "properties": fields, "required": list(fields)}),
        encoding="utf-8",
    )
    model = str(require_smollm2())
    options = ["--quiet", "--plan", "direct", "--max-tokens", "64", "--json-schema", str(schema)]

    result = CliRunner().invoke(cli, ["ask", "Describe Paris.", "--model", model, *options])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout).keys() == fields.keys()


def test_ask_answers_a_greeting(tmp_path: Path) -> None:
    """With the default plan, and the answer alone on standard output."""
    model = str(require_smollm2())
    options = ["--quiet", "--max-tokens", "16", "--samples", "1"]

    result = CliRunner().invoke(cli, ["ask", "Hello, who are you?", "--model", model, *options])

    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
