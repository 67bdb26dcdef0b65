"""Runs commands among files and sessions of a made-up user, and judges each run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click

from rm_local.cli import crash_report
from rm_local.cli.main import cli
from rm_local.errors import RmLocalError
from tests.support.command_fakes import fake_slow_parts
from tests.support.command_streams import CommandStreams, HungError
from tests.support.command_values import Invocation
from tests.support.restored_folders import RestoredFolders
from tests.support.run_verdicts import Run, find_fault

Path_ = tuple[str, ...]
ROOT = Path(__file__).resolve().parents[2]
SLOW_S = 2.0
PROCESS_S = 120.0
"""Time limit of a call in a process of its own, however busy the machine is."""


def list_commands(
    group: click.Command = cli, path: Path_ = ()
) -> Iterator[tuple[Path_, click.Command]]:
    """Yield each command below the group that does something by itself, with its path of names."""
    if not isinstance(group, click.Group) or group.invoke_without_command:
        yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from list_commands(command, (*path, name))


@dataclass
class Fault:
    """What was wrong with one run."""

    kind: str
    """Short, the same for faults of one cause."""
    invocation: Invocation
    details: str


@dataclass
class CommandRunner:
    """Runs commands in a folder of a made-up user, which is as before for each run."""

    root: Path
    hub: str = ""
    """Address of a hub on this machine."""
    calls: Counter[Path_] = field(default_factory=Counter)
    reached: Counter[Path_] = field(default_factory=Counter)
    """How often the body of each command was reached."""
    codes: Counter[object] = field(default_factory=Counter)
    slow: list[tuple[float, Invocation]] = field(default_factory=list)
    """Calls that took longer than SLOW_S, with their seconds."""
    crashes: list[str] = field(default_factory=list)
    """Tracebacks of the present call."""

    def __post_init__(self) -> None:
        self._folders = RestoredFolders(self.root)
        (self.root / "tmp").mkdir()

    @contextmanager
    def faked(self) -> Iterator[None]:
        """Put fakes where commands are slow, record crashes, and count the bodies reached."""
        with ExitStack() as stack:
            self.hub = stack.enter_context(fake_slow_parts(self._folders.pristine / "store.rms"))
            stack.enter_context(
                patch.object(crash_report, "write_crash_report", self._record_crash)
            )
            for path, command in list_commands():
                counted = self._count_calls(path, command.callback)
                stack.enter_context(patch.object(command, "callback", counted))
            yield

    def _record_crash(self, error: Exception) -> RmLocalError:
        self.crashes.append("".join(traceback.format_exception(error)))
        return RmLocalError("It crashed.", "See the recorded traceback.")

    def _count_calls(self, path: Path_, body: Callable[..., Any] | None) -> Callable[..., Any]:
        assert body is not None

        @wraps(body)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.reached[path] += 1
            return body(*arguments, **named)

        return counted

    def run(self, path: Path_, invocation: Invocation) -> Fault | None:
        """Run the command at `path` in this process; return what was wrong, or None."""
        self.crashes.clear()
        began = time.monotonic()
        code: object
        with self._surroundings(invocation):
            streams = CommandStreams(self.root, invocation)
            try:
                code = streams.call(invocation.arguments)
            except HungError:
                code = "hung"
            except BaseException:
                code = "raised"
                self.crashes.append(traceback.format_exc())
        return self._judge(path, invocation, began, code, streams.read_errors())

    def run_process(self, path: Path_, invocation: Invocation) -> Fault | None:
        """Run the command at `path` in a process of its own; return what was wrong, or None."""
        self.crashes.clear()
        began = time.monotonic()
        with self._surroundings(invocation), tempfile.TemporaryFile() as out:
            command = ["exec", *redirections(invocation), '"$@"']
            try:
                done = subprocess.run(
                    ["/bin/sh", "-c", " ".join(command), "sh", sys.executable, "-m", "rm_local",
                     *invocation.arguments],
                    input=invocation.stdin or b"", stdout=out, stderr=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=PROCESS_S, check=False,
                )  # fmt: skip
                code, said = done.returncode, done.stderr.decode(errors="replace")
            except subprocess.TimeoutExpired:
                code, said = -1, "It did not end."
        if "This is a bug in rm-local" in said:
            self.crashes.append(said)
        return self._judge(path, invocation, began, code, said)

    def _judge(
        self, path: Path_, invocation: Invocation, began: float, code: object, said: str
    ) -> Fault | None:
        self.calls[path] += 1
        self.codes[code] += 1
        seconds = time.monotonic() - began
        if seconds > SLOW_S:
            self.slow.append((seconds, invocation))
        changed = self._folders.restore()
        kind = find_fault(Run(path, invocation, code, said, self.crashes, changed))
        if not kind:
            return None
        return Fault(kind, invocation, f"exit {code}\n{said[:1500]}\n{_shorten(self.crashes)}")

    @contextmanager
    def _surroundings(self, invocation: Invocation) -> Iterator[None]:
        """Set the environment, the settings file and the current folder for one call."""
        hidden = ("RM_LOCAL_", "HF_", "XDG_", "LC_", "_RM_")
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(hidden)
        }
        home = str(self._folders.home)
        variables |= {"HOME": home, "RM_LOCAL_HOME": home, "HF_HOME": f"{home}/hf"}
        variables |= {
            "TMPDIR": str(self.root / "tmp"),
            "HF_ENDPOINT": self.hub or "http://127.0.0.1:9",
        }
        variables |= {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        for name, value in invocation.variables.items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        if invocation.settings is not None:
            (self._folders.home / "config.toml").write_bytes(invocation.settings)
        before = dict(os.environ), Path.cwd()
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(self._folders.work)
        tempfile.tempdir = None
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            os.chdir(before[1])
            tempfile.tempdir = None


def redirections(invocation: Invocation) -> list[str]:
    """The shell's redirections for the streams of an invocation."""
    words = ["0<&-"] if invocation.stdin is None else []
    for number, kind in ((1, invocation.stdout), (2, invocation.stderr)):
        words += {"closed": [f"{number}>&-"], "full": [f"{number}>/dev/full"]}.get(kind, [])
    return words


def _shorten(traces: list[str]) -> str:
    """The lines of tracebacks that are about rm_local, and the errors."""
    lines = [line for trace in traces for line in trace.splitlines()]
    own = [line for line in lines if "/rm_local/" in line or not line.startswith(" ")]
    return "\n".join(own[-30:])
