"""Names of before still work, each with one line of notice on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from rm_local import old_names, settings
from rm_local.cli.main import cli
from rm_local.errors import SettingsError
from rm_local.loop import PLANS, find_plan
from rm_local.settings import Settings
from tests.support.stores import toy_store

OLD_SETTINGS = {
    'store = "/my.rms"': ("stores", (Path("/my.rms"),)),
    'kv = "q8_0"': ("kv_cache_type", "q8_0"),
    'overflow = "stop"': ("context_overflow", "stop"),
    "idle_unload = 3": ("idle_unload_minutes", 3),
    'model_folders = ["/m"]': ("model_dirs", (Path("/m"),)),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def list_options() -> Iterator[tuple[str, str, str]]:
    """Command, old and new name of each option that has an old name."""
    for command, names in old_names.OPTIONS.items():
        for old, new in names.items():
            yield command, old, new


def find_command(path: str) -> click.Command:
    command: click.Command = cli
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


@pytest.mark.parametrize(
    "names",
    [
        old_names.SETTINGS,
        old_names.CONTEXT_OVERFLOW,
        old_names.PLANS,
        *old_names.COMMANDS.values(),
        *old_names.OPTIONS.values(),
    ],
)
def test_no_two_names_collide(names: dict[str, str]) -> None:
    """Each old name has one new name of its own, and is not itself a new name."""
    assert len(set(names.values())) == len(names)
    assert not names.keys() & set(names.values())


def test_new_names_exist_and_old_ones_do_not() -> None:
    """A table that names something else, or hides a present name, would mislead."""
    assert set(old_names.SETTINGS.values()) <= set(Settings.__slots__)
    assert not old_names.SETTINGS.keys() & set(Settings.__slots__)
    assert set(old_names.PLANS.values()) <= PLANS.keys()
    assert not old_names.PLANS.keys() & PLANS.keys()
    for path, names in old_names.COMMANDS.items():
        group = find_command(path)
        assert isinstance(group, click.Group)
        listed = group.list_commands(click.Context(group))
        assert set(names.values()) <= set(listed)
        assert not names.keys() & set(listed)
    for path, old, new in list_options():
        options = {option for each in find_command(path).params for option in each.opts}
        assert f"--{new}" in options
        assert f"--{old}" not in options


@pytest.mark.parametrize(("line", "found"), OLD_SETTINGS.items())
def test_an_old_settings_key_is_read(line: str, found: tuple[str, object], tmp_path: Path) -> None:
    """It sets what the new key sets, and the warning names both."""
    file = tmp_path / "config.toml"
    file.write_text(line)
    old, (new, value) = line.split()[0], found

    with pytest.warns(old_names.RenamedWarning, match=f"`{old}` is now `{new}`"):
        loaded = settings.load_settings(file)

    assert getattr(loaded, new) == value


def test_every_old_settings_key_is_tried() -> None:
    """The table of this test has all of them."""
    assert {line.split()[0] for line in OLD_SETTINGS} == old_names.SETTINGS.keys()


@pytest.mark.parametrize(("old", "new"), old_names.CONTEXT_OVERFLOW.items())
def test_an_old_overflow_value_is_read(old: str, new: str, tmp_path: Path) -> None:
    """Under the new key too."""
    file = tmp_path / "config.toml"
    file.write_text(f'context_overflow = "{old}"')

    with pytest.warns(old_names.RenamedWarning, match=new):
        assert settings.load_settings(file).context_overflow == new


def test_a_key_under_both_names_is_refused(tmp_path: Path) -> None:
    """Which of the two values counts cannot be known."""
    file = tmp_path / "config.toml"
    file.write_text('kv = "q8_0"\nkv_cache_type = "f16"\n')

    with (
        pytest.warns(old_names.RenamedWarning),
        pytest.raises(SettingsError, match=r"kv_cache_type.*twice"),
    ):
        settings.load_settings(file)


@pytest.mark.parametrize(("old", "new"), old_names.PLANS.items())
def test_an_old_plan_name_finds_the_plan(old: str, new: str, tmp_path: Path) -> None:
    """From Python, and from the settings."""
    file = tmp_path / "config.toml"
    file.write_text(f'plan = "{old}"')

    with pytest.warns(old_names.RenamedWarning, match=f"`plan {old}` is now `plan {new}`"):
        assert find_plan(old) is PLANS[new]
    with pytest.warns(old_names.RenamedWarning):
        assert settings.load_settings(file).plan == new


@pytest.mark.parametrize(("command", "old", "new"), list_options())
def test_an_old_option_is_the_new_one(command: str, old: str, new: str) -> None:
    """It is read as the new one, reported once, and absent from the help."""
    given = run(*command.split(), f"--{old}=none", f"--{old}=none")

    assert given.exit_code == 2
    assert f"Invalid value for '--{new}'" in given.stderr
    assert given.stderr.count(f"`--{old}` is now `--{new}`.\n") == 1
    assert f"--{old} " not in run(*command.split(), "--help").stdout


@pytest.mark.parametrize("group", old_names.COMMANDS)
def test_an_old_command_is_the_new_one(group: str) -> None:
    """It runs the new one, says so once, and is absent from the help."""
    for old, new in old_names.COMMANDS[group].items():
        shown = run(*group.split(), old, "--help")

        assert shown.exit_code == 0
        assert shown.stdout == run(*group.split(), new, "--help").stdout.replace(new, old, 1)
        assert shown.stderr == f"`{old}` is now `{new}`.\n"
        assert f"  {old} " not in run(*group.split(), "--help").stdout


def test_json_has_no_notice(tmp_path: Path) -> None:
    """Standard output is the object alone; each old name has one line on standard error."""
    path = toy_store(tmp_path / "s.rms")

    done = run("store", "tidy", "--for", "5", "--json", "--store", str(path))

    assert json.loads(done.stdout)["left"] is not None
    assert done.stderr.count("`tidy` is now `optimize`.\n") == 1
    assert done.stderr.count("`--for` is now `--max-seconds`.\n") == 1
