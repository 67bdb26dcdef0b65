"""Each room, imported in a fresh process, holds only what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "apsw", "gguf", "httpx2", "huggingface_hub", "llama_cpp", "numpy", "sentence_transformers",
    "textual", "torch",
)  # fmt: skip
LIST = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"
HELP = """
import json, sys
before = set(sys.modules)
from rm_local.cli.main import cli
cli(["--help"], standalone_mode=False)
print(json.dumps(sorted(set(sys.modules) - before)))
"""

MAY_HOLD = {
    "rm_local": (),
    "rm_local.records": (),
    "rm_local.errors": (),
    "rm_local.settings": (),
    "rm_local.store": (),
    "rm_local.engine": (),
    "rm_local.loop": (),
    "rm_local.tui": (),
    "rm_local.text": (),
    "rm_local.engine.protocol": (),
    "rm_local.engine.client": ("numpy",),
    "rm_local.engine.calculator.evaluator": (),
    "rm_local.library.models": (),
    "rm_local.engine.placement.requirements": (),
    "rm_local.store.store": ("apsw", "numpy"),
    "rm_local.embed.minilm": ("numpy",),
    "rm_local.embed.query": ("numpy",),
    "rm_local.library.hub.cache": (),
    "rm_local.library.hub.catalog": (),
    "rm_local.library.hub.selector": (),
    "rm_local.library.hub.hub_client": ("httpx2", "huggingface_hub"),
    "rm_local.library.hub.hub_variables": (),
    "rm_local.loop.plan": (),
    "rm_local.loop.events": (),
    "rm_local.loop.solver": ("numpy",),
    "rm_local.sessions": (),
    "rm_local.runtime": ("apsw", "numpy"),
    "rm_local.cli.main": (),
    "rm_local.cli.ask": (),
    "rm_local.cli.search": (),
    "rm_local.cli.sessions": (),
    "rm_local.cli.doctor": (),
    "rm_local.cli.models": (),
    "rm_local.cli.models.catalog": (),
    "rm_local.cli.models.pull": (),
    "rm_local.cli.store": (),
    "rm_local.cli.models.list": (),
    "rm_local.tui.app": ("apsw", "numpy", "textual"),
}


def modules(room: str) -> set[str]:
    """Names of all modules in a process that has imported `room`."""
    done = subprocess.run(
        [sys.executable, "-c", LIST.format(room)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("room", MAY_HOLD)
def test_a_room_brings_only_what_it_needs(room: str) -> None:
    """No heavy package comes along that the room has no use for; none ever brings torch."""
    assert modules(room) & set(HEAVY) <= set(MAY_HOLD[room])


def test_help_imports_only_what_it_needs() -> None:
    """`--help` imports click and the commands; of the standard library not asyncio, its dearest."""
    command = [sys.executable, "-c", HELP]

    # Coverage is not measured in that process: a user's has none.
    plain = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=plain, text=True)

    loaded = json.loads(done.stdout.splitlines()[-1])
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    rooms = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("rm_local")}
    assert packages == {"click", "rm_local"}
    assert "asyncio" not in loaded
    # Limits of memory, adapters, home folders, bounds and old names are read with the command line.
    small = ("address_space", "errors", "home", "lazy", "limits", "lora", "old_names")
    assert rooms == {"rm_local", "rm_local.cli"} | {f"rm_local.{name}" for name in small}


def test_imports_run_one_way() -> None:
    """The contracts of pyproject.toml hold."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)

    assert done.returncode == 0, done.stdout
