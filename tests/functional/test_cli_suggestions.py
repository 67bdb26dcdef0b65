"""What `rm-local` suggests for a command line that it does not understand."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from rm_local.cli.main import cli


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, [*arguments], prog_name="rm-local")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["What is 3 + 4?"], 'To ask a question: rm-local ask "What is 3 + 4?"'),
        (["hello"], 'To ask a question: rm-local ask "hello"'),
        (["why", "is", "it", "so"], 'To ask a question: rm-local ask "why is it so"'),
        (["cost: $3?"], "To ask a question: rm-local ask 'cost: $3?'"),
        ([""], 'To ask a question: rm-local ask "..."'),
        (["x" * 500], 'To ask a question: rm-local ask "..."'),
        (["--plan", "none"], 'Did you mean `rm-local ask --plan none "the question"`?'),
        (["--plan", "none", "Why so?"], 'Did you mean `rm-local ask --plan none "Why so?"`?'),
        (["--plam", "none", "Why?"], 'Did you mean `rm-local ask --plan none "Why?"`?'),
        (["--sampels=3", "Why?"], 'Did you mean `rm-local ask --samples=3 "Why?"`?'),
        (["-c", "And?"], 'Did you mean `rm-local ask -c "And?"`?'),
        (["aks", "hi there"], 'Did you mean `rm-local ask "hi there"`?'),
        (["serach", "x"], "Did you mean `rm-local search x`?"),
        (["ASK", "x"], "Did you mean `rm-local ask x`?"),
        (["docter"], "Did you mean `rm-local doctor`?"),
        (["pull", "qwen3-8b"], "Did you mean `rm-local models pull qwen3-8b`?"),
        (["bench"], "Did you mean `rm-local models bench` or `rm-local store bench`?"),
        (["synth", "--rows", "3"], "Did you mean `rm-local store generate --rows 3`?"),
        (["help"], "Did you mean `rm-local --help`?"),
        (["store", "buidl", "x"], "Did you mean `rm-local store build x`?"),
        (["store", "tidi"], "Did you mean `rm-local store optimize`?"),
        (["store", "shrink"], "Use one of: build, info, verify"),
        (["models", "pul", "x"], "Did you mean `rm-local models pull x`?"),
        (["sessions", "shwo"], "Did you mean `rm-local sessions show`?"),
        (["ask", "--sample", "3", "x"], "`rm-local ask` has no option --sample. Did you mean"),
        (["search", "--plan", "x"], "It is an option of `rm-local ask`."),
        (["store", "info", "--repair"], "It is an option of `rm-local store verify`."),
        (["models", "--al"], "Did you mean --all or"),
    ],
)
def test_what_was_meant_is_suggested(arguments: list[str], meant: str) -> None:
    """As a command that can be copied; exit code 2."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert meant in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["--xyzzy"], ["ask", "--xyzzy", "x"], ["store", "--xyzzy"]])
def test_nothing_is_suggested_without_a_likeness(arguments: list[str]) -> None:
    """The fact alone."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert "has no option --xyzzy." in result.stderr
    assert "Did you mean" not in result.stderr


@pytest.mark.parametrize("option", ["--all", "--json"])
def test_an_option_before_a_command_of_models_is_refused(option: str) -> None:
    """It would have no effect there."""
    result = run("models", option, "info", "rm-nano")

    assert result.exit_code == 2
    assert f"Write it after the command: rm-local models info {option}" in result.stderr
