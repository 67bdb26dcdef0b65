"""Numbers given to options are numbers, in every command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from rm_local.cli.main import cli

Option = tuple[tuple[str, ...], str]


def options(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[Option]:
    """Each option of a command below `group` that takes a number with a fraction."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from options(command, (*path, name))
        for parameter in command.params:
            if isinstance(parameter.type, click.types.FloatParamType):
                yield (*path, name), parameter.opts[0]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_what_is_not_finite_is_refused(number: str) -> None:
    """With exit code 2 and the option's name, before anything is done."""
    found = list(options(cli))
    for path, option in found:
        result = CliRunner().invoke(cli, [*path, f"{option}={number}"])

        assert result.exit_code == 2, (path, option)
        assert option in result.stderr
        assert not result.stdout

    assert (("ask",), "--max-seconds") in found
    assert (("store", "optimize"), "--max-seconds") in found


def test_a_finite_number_within_the_bounds_is_taken() -> None:
    """The bounds still hold, and the help still names them."""
    run = CliRunner().invoke

    assert run(cli, ["models", "catalog", "--memory", "8.5"]).exit_code == 0
    assert run(cli, ["models", "catalog", "--memory", "-1"]).exit_code == 2
    assert "0.1<=x<=16" in run(cli, ["search", "--help"]).stdout
