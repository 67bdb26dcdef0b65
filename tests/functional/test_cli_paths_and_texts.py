"""Paths and texts as users write them: `~`, bytes that are not UTF-8, byte order marks, `-`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
LINE = b'{"subproblem": "How to dye wool?", "subroutine": "I should use onion skins."}\n'
NO_HOME = "There is no home folder for ~nosuch"

posix = pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are Unicode")


def run(*arguments: str | bytes, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The end of a process, whose streams accept only UTF-8."""
    return subprocess.run(
        [sys.executable, "-m", "rm_local", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict", **variables},
    )


def invoke(*arguments: str) -> Result:
    """The command within this process."""
    return CliRunner().invoke(cli, [*arguments])


def write_settings(content: bytes) -> Path:
    """Write the settings file."""
    file = paths.config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder, with a model, a store and entries."""
    home = Path.home()
    shutil.copy(paths.shipped_model(), home / "n.gguf")
    shutil.copy(paths.shipped_store(), home / "s.rms")
    (home / "a.jsonl").write_bytes(LINE)
    monkeypatch.chdir(home)
    return home


@pytest.mark.parametrize(
    "arguments",
    [
        ("--store=~/s.rms", "store", "info"),
        ("store", "info", "--store", "~/s.rms"),
        ("models", "info", "~/n.gguf"),
        ("--model=~/n.gguf", "models", "info"),
        ("store", "export", "--store", "~/s.rms", "--out", "~/out.jsonl"),
        ("store", "build", "~/a.jsonl", "--embedder", "static", "--out", "~/o.rms"),
        ("models", "add", "~/n.gguf"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_tilde_is_the_home_folder(arguments: tuple[str, ...]) -> None:
    """In every option and argument; a shell leaves it in `--store=~/s.rms` and in quotes."""
    result = invoke(*arguments)

    assert result.exit_code == 0, result.output
    assert not Path("~").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--store=~nosuch/s.rms", "store", "info"),
        ("search", "--store", "~nosuch/s.rms", "x"),
        ("models", "info", "~nosuch/n.gguf"),
        ("models", "remove", "~nosuch/n.gguf"),
        ("ask", "--lora", "~nosuch/x.gguf:0.5", "x"),
        ("ask", "--json-schema", "~nosuch/x.json", "x"),
        ("store", "export", "--out", "~nosuch/x.jsonl"),
        ("store", "gate", "~nosuch/x.jsonl"),
    ],
)
def test_an_unknown_user_is_one_message(arguments: tuple[str, ...]) -> None:
    """As wrong usage."""
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert result.stderr.count(NO_HOME) == 1


@pytest.mark.parametrize("variable", ["RM_LOCAL_MODEL", "RM_LOCAL_STORE", "RM_LOCAL_HOME"])
def test_an_unknown_user_in_a_variable_is_one_message(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the variable."""
    monkeypatch.setenv(variable, "~nosuch/x")
    result = invoke("search", "x")

    assert result.exit_code == 2
    assert variable in result.stderr
    assert "home folder" in result.stderr


@pytest.mark.parametrize(
    "line", ['model = "{}"', 'stores = "{}"', 'lora = ["{}:0.5"]', 'model_dirs = ["{}"]']
)
def test_a_tilde_in_settings(line: str) -> None:
    """It is the home folder, or one message that names the key."""
    write_settings(line.format("~/x.gguf").encode())
    known = invoke("store", "info")
    write_settings(line.format("~nosuch/x").encode())
    unknown = invoke("ask", "x")

    assert "home folder" not in known.stderr
    assert unknown.exit_code == 2
    assert f"{line.split()[0]}: {NO_HOME}" in unknown.stderr


@pytest.mark.usefixtures("home")
def test_a_name_can_begin_with_a_tilde() -> None:
    """When it is written with its folder."""
    shutil.copy("n.gguf", "~n.gguf")

    assert invoke("models", "info", "./~n.gguf").exit_code == 0
    assert invoke("models", "add", "./~n.gguf").exit_code == 0
    assert invoke("models", "remove", "./~n.gguf").exit_code == 0


def test_a_program_whose_folder_is_at_an_unknown_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of models says so, and shows the others."""
    monkeypatch.setenv("OLLAMA_MODELS", "~nosuch/y")
    result = invoke("models")

    assert result.exit_code == 0
    assert "OLLAMA_MODELS is ~nosuch/y" in result.stderr


@posix
def test_paths_that_are_not_unicode(home: Path) -> None:
    """Models, stores and entries at such paths are read, written and named."""
    os.rename(b"n.gguf", b"\xe9.gguf")
    os.rename(b"a.jsonl", b"\xfc.jsonl")
    folder = os.fsencode(home)
    model, lines = folder + b"/\xe9.gguf", folder + b"/\xfc.jsonl"
    one, two, both = (folder + name for name in (b"/caf\xe9.rms", b"/\xf1.rms", b"/\xff.rms"))

    for command in (
        ("store", "build", lines, "--embedder", "static", "--out", one),
        ("store", "compact", "--store", one),
        ("store", "build", lines, "--embedder", "static", "--out", two),
        ("store", "merge", one, two, "--out", both),
        ("store", "info", "--store", both),
        ("--model", model, "ask", "--plan", "direct", "What is 3 + 4?"),
        ("models", "add", model),
        ("models",),
    ):
        done = run(*command)
        assert done.returncode == 0, (command, done.stderr)
    assert run("ask", "-q", "--plan", "direct", "3+4", RM_LOCAL_MODEL=os.fsdecode(model)).stdout


@posix
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("search", "--domain", b"\xff", "x"), 0),
        (("search", b"wool \xff"), 0),
        (("store", "export", "--source", b"\xe9"), 0),
        (("sessions", "show", b"\xff"), 2),
        (("ask", "--plan", b"\xff", "x"), 2),
        (("models", "info", b"\xff"), 3),
        ((b"\xff",), 2),
    ],
)
def test_arguments_that_are_not_unicode(
    arguments: tuple[str | bytes, ...], code: int, own_home: Path
) -> None:
    """They are looked for, or named in a message."""
    done = run(*arguments)

    assert done.returncode == code, done.stderr
    assert b"Unicode" not in done.stderr
    assert [*own_home.rglob("crash-*")] == []


def test_settings_may_begin_with_a_mark() -> None:
    """They are read, and can be changed."""
    file = write_settings(BOM_UTF8 + b'plan = "direct"\n')

    assert invoke("store", "info").exit_code == 0
    assert invoke("models", "use", "rm-nano-q8_0").exit_code == 0
    assert b'plan = "direct"' in file.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_one_message(encoding: str, tmp_path: Path) -> None:
    """For settings, entries, schemas, grammars and questions."""
    wide = encoding.upper()
    entries = tmp_path / "a.jsonl"
    entries.write_bytes(LINE.decode().encode(encoding))
    question = CliRunner().invoke(cli, ["search"], input="wool".encode(encoding))
    results = [
        question,
        invoke("ask", "--json-schema", str(entries), "x"),
        invoke("ask", "--grammar", str(entries), "x"),
        invoke("store", "gate", str(entries)),
        invoke("store", "build", str(entries), "--embedder", "static", "--out", "x.rms"),
    ]
    write_settings('plan = "direct"\n'.encode(encoding))
    results.append(invoke("store", "info"))

    for result in results:
        assert result.exit_code == 2
        assert result.stderr.count(f"it is {wide}; save it as UTF-8") == 1


def test_entries_of_joined_files_may_have_marks(tmp_path: Path) -> None:
    """`cat a.jsonl b.jsonl` of files with marks."""
    file, store = tmp_path / "a.jsonl", tmp_path / "s.rms"
    file.write_bytes(BOM_UTF8 + LINE + BOM_UTF8 + LINE.replace(b"wool", b"silk"))

    result = invoke("store", "build", str(file), "--embedder", "static", "--out", str(store))

    assert result.exit_code == 0, result.output
    assert "2 entries" in result.output


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_a_dash_is_standard_output(name: str) -> None:
    """Where it can be, as its names on Unix are; nothing makes a file of that name."""
    exported = invoke("store", "export", "--out", name)

    assert exported.exit_code == 0
    assert len(exported.stdout.splitlines()) == 188
    assert exported.stdout == invoke("store", "export").stdout
    for refused in (
        ("store", "build", "a.jsonl", "--embedder", "static", "--out", name),
        ("store", "merge", "s.rms", "s.rms", "--out", name),
        ("store", "export", "--vectors", name),
        ("store", "generate", "--rows", "2", "--vectors", name),
        ("store", "bench", "--rows", "1000", "--keep", name),
    ):
        result = invoke(*refused)
        assert result.exit_code == 2, refused
        assert "cannot be written to standard output" in result.stderr
    assert not Path("-").exists()
