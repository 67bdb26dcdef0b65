"""LoRA adapters on the command line: `ask --lora`, `models info`, `models use`, `doctor`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli
from tests.support import lora_files, tiny_gguf

ALONE = ("--plan", "direct", "--max-tokens", "12", "--temperature", "0")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of random weights that does not think."""
    path = tmp_path / "models" / "tiny.gguf"
    path.parent.mkdir()
    return tiny_gguf.write(path, template=tiny_gguf.PLAIN_TEMPLATE, think=False)


@pytest.fixture
def adapter(model: Path) -> Path:
    """An adapter of it, which says more than it has to."""
    path = model.with_name("style:v1.gguf")
    return lora_files.write(path, model, rank=2, alpha=4, base="tiny", calculator=True)


def run(*arguments: object) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def saved(stdout: str) -> str:
    """The text of the answer among the lines of `--json`."""
    lines = [json.loads(line) for line in stdout.splitlines()]
    (answered,) = [line for line in lines if line["event"] == "answered"]
    return str(answered["text"])


def configure(text: str) -> None:
    """Write the settings file."""
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(text, encoding="utf-8")


def test_ask_answers_with_an_adapter(model: Path, adapter: Path) -> None:
    """The answer is another; the session's file names adapter, scale and hash, and so does the
    narration."""
    ask = ("ask", "Why?", "--model", model, *ALONE)
    alone = run(*ask, "--json")
    unused = run(*ask, "--json", "--lora", f"{adapter}:0")
    adapted = run(*ask, "--json", "--lora", adapter)
    scaled = run(*ask, "--lora", f"{adapter}:-1.5")

    for result in (alone, unused, adapted, scaled):
        assert result.exit_code == 0, result.output
    assert saved(alone.stdout) == saved(unused.stdout) != saved(adapted.stdout)
    assert "tiny-f16 + style:v1.gguf:-1.5" in scaled.stderr
    headers = [
        json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        for path in paths.sessions_dir().iterdir()
    ]
    loaded = [header["lora"] for header in sorted(headers, key=lambda header: header["started"])]
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    expected = {"path": str(adapter), "scale": 1.0, "sha256": digest}
    assert loaded == [[], [], [expected], [{**expected, "scale": -1.5}]]


@pytest.mark.parametrize(
    ("name", "said", "done"),
    [
        ("none.gguf", "does not exist", "Give the path"),
        ("tiny.gguf", "is a model, not a LoRA adapter", "--model"),
        ("other.gguf", "does not fit", "--lora"),
        ("cut.gguf", "is cut short", "again"),
        ("tuned.gguf", "was made for the architecture llama", "--lora"),
    ],
)
def test_an_adapter_that_cannot_be_used_ends_with_exit_code_3(
    name: str, said: str, done: str, model: Path, adapter: Path
) -> None:
    """What happened, and what to do, of `ask`, `models info` and `doctor` alike."""
    folder = model.parent
    wide = tiny_gguf.write(folder / "wide.gguf", tiny_gguf.Shape(width=128))
    lora_files.write(folder / "other.gguf", wide)
    (folder / "cut.gguf").write_bytes(adapter.read_bytes()[:-100])
    lora_files.write(folder / "tuned.gguf", model, architecture="llama")
    named = ("--model", model, "--lora", folder / name)

    asked = run("ask", "Why?", *named, *ALONE)
    described = run("models", "info", model, "--lora", folder / name)
    checked = json.loads(run("doctor", "--json", *named).stdout)

    for result in (asked, described):
        assert result.exit_code == 3
        assert said in result.stderr
        assert done in result.stderr
    (check,) = [each for each in checked["checks"] if each["name"] == "Adapter"]
    assert check["level"] == "bad"
    assert said in check["found"]


def test_an_adapter_in_the_place_of_the_model_is_refused(adapter: Path) -> None:
    """It is called what it is, and the option for it is named."""
    result = run("ask", "Why?", "--model", adapter, *ALONE)
    assert result.exit_code == 3
    assert "is an adapter, not a model" in result.stderr
    assert "--lora" in result.stderr


def test_info_describes_an_adapter(adapter: Path) -> None:
    """Rank, alpha, architecture, tensors, size and base model, for people and for programs."""
    text = run("models", "info", adapter)
    output = json.loads(run("models", "info", adapter, "--json").stdout)

    assert text.exit_code == 0, text.output
    assert text.stderr == ""
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    for word in ("LoRA adapter", "qwen3", "2, alpha 4", "6 matrices, 12 tensors", digest, "tiny"):
        assert word in text.stdout
    assert output == {
        "kind": "adapter",
        "title": adapter.stem,
        "path": str(adapter),
        "sha256": digest,
        "architecture": "qwen3",
        "ranks": [2],
        "alpha": 4.0,
        "matrices": 6,
        "tensors": 12,
        "size": adapter.stat().st_size,
        "base": "tiny",
        "calculator": True,
    }


def test_info_of_a_model_shows_its_adapters(model: Path, adapter: Path) -> None:
    """Named with it, or those of the settings where it is the model in use; their bytes are
    counted, and what they say of the calculator is."""

    def memory(*arguments: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run("models", "info", *arguments, "--json").stdout)
        return found

    alone, adapted = memory(model), memory(model, "--lora", f"{adapter}:0.5")
    text = run("models", "info", model, "--lora", f"{adapter}:0.5").stdout
    configure(f'model = "{model}"\nlora = ["{adapter}:0.5"]\n')
    used, other = memory(), memory(paths.shipped_model())

    weights = 2 * 2 * 2 * (4 * 64 + 64 + 96)
    assert adapted["memory"]["weights"] == alone["memory"]["weights"] + weights
    assert (alone["calculator"], adapted["calculator"]) == (False, True)
    assert "style:v1.gguf: scale 0.5, rank 2, alpha 4" in text
    assert used["lora"] == adapted["lora"]
    assert [each["scale"] for each in used["lora"]] == [0.5]
    assert alone["lora"] == other["lora"] == []


def test_adapters_are_not_listed_among_models(model: Path, adapter: Path) -> None:
    """`--all` shows them, with their kind."""
    configure(f'model_dirs = ["{model.parent}"]\n')
    listed, every = run("models"), run("models", "list", "--all")

    assert "tiny" in listed.stdout
    assert "style" not in listed.stdout
    assert "1 adapter (--all shows them)" in listed.stderr
    (line,) = [line for line in every.stdout.splitlines() if "style" in line]
    assert "adapter" in line


def test_another_model_in_use_warns_of_adapters_that_do_not_fit(model: Path, adapter: Path) -> None:
    """The settings keep them; the next start would refuse them."""
    configure(f'model = "{paths.shipped_model()}"\nlora = ["{adapter}"]\n')
    fits = run("models", "use", model)
    misfits = run("models", "use", "--default")

    assert (fits.exit_code, fits.stderr) == (0, "")
    assert misfits.exit_code == 0
    assert "change `lora` in the settings" in misfits.stderr
    assert "lora" in paths.config_file().read_text(encoding="utf-8")


def test_an_adapter_cannot_be_the_model_in_use(adapter: Path) -> None:
    """`models use` and `models add` refuse it."""
    for command in ("use", "add"):
        result = run("models", command, adapter)
        assert result.exit_code == 3
        assert "is an adapter, not a model" in result.stderr


@pytest.mark.parametrize("command", [(), ("ask",), ("doctor",), ("models", "info")])
def test_help_names_the_option(command: tuple[str, ...]) -> None:
    """Wherever a model is named."""
    assert "--lora FILE[:SCALE]" in run(*command, "--help").stdout
