"""Runs commands in this process, among files and sessions of a made-up user, and judges each run.

Where a command would load a model or an embedder, a fake one answers; files and stores are real.
"""

from __future__ import annotations

import importlib
import io
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np

from rm_local.cli.main import cli
from tests.support.command_values import Invocation, Stream
from tests.support.corpora import TinyEmbedder, tiny_sentences
from tests.support.fakes import FakeEngine
from tests.support.local_hub import Hub, data, serving
from tests.support.user_files import make_home, make_user_files

EXIT_CODES = {0, 1, 2, 3, 4, 130}
CHANGERS = {("store", name) for name in ("import", "compact", "optimize", "verify")}
"""Commands that change a store also if they then fail: what they did by then is kept."""
LONGEST_S = 20.0
"""Time limit of one call, far above what any needs; it is what a hang runs into."""
SLOW_S = 2.0
QUIET_FAILURES = {("store", "diff"), ("store", "verify"), ("doctor",)}
"""Commands whose exit code reports a result, without a message of an error."""


def list_commands(
    group: click.Command = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
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
    calls: Counter[tuple[str, ...]] = field(default_factory=Counter)
    reached: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often the body of each command was reached."""
    codes: Counter[object] = field(default_factory=Counter)
    slow: list[tuple[float, Invocation]] = field(default_factory=list)
    """Calls that took longer than SLOW_S, with their seconds."""
    crashes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, make in (("work", make_user_files), ("home", make_home)):
            (self.root / "pristine" / name).mkdir(parents=True)
            make(self.root / "pristine" / name)
            shutil.copytree(
                self.root / "pristine" / name, self.work.parent / name, symlinks=True,
                copy_function=_copy, ignore=_leave_out_special,
            )  # fmt: skip
            self._make_special(name)
        (self.root / "tmp").mkdir()
        self._before = self._scan()

    @property
    def work(self) -> Path:
        """The current folder of the runs."""
        return self.root / "work"

    def _make_special(self, name: str) -> None:
        """Put links to FIFOs and sockets, which cannot be copied, in their places."""
        for path in (self.root / "pristine" / name).rglob("*"):
            if path.is_fifo() or path.is_socket():
                target = self.root / name / path.relative_to(self.root / "pristine" / name)
                target.symlink_to(path)

    def _scan(self) -> dict[str, tuple[int, ...]]:
        """The state of each file, by its path."""
        found = {}
        for top in ("work", "home"):
            stack = [str(self.root / top)]
            while stack:
                for entry in os.scandir(stack.pop()):
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                        found[entry.path] = (status.st_mode,)
                    else:
                        found[entry.path] = (status.st_mode, status.st_size, status.st_mtime_ns)
        return found

    def _restore(self) -> list[str]:
        """Put the files back as they were; return the paths of those that were changed or lost."""
        after = self._scan()
        changed = [path for path, state in self._before.items() if after.get(path) != state]
        for path in sorted(after, reverse=True):
            if path not in self._before:
                with suppress(FileNotFoundError):
                    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else (
                        os.unlink(path)
                    )
        for path in sorted(changed):
            relative = Path(path).relative_to(self.root)
            if stat_is_folder(self._before[path]):
                Path(path).mkdir(exist_ok=True)
                continue
            with suppress(FileNotFoundError):
                os.unlink(path)
            _copy(str(self.root / "pristine" / relative), path)
            status = os.lstat(path)
            self._before[path] = (status.st_mode, status.st_size, status.st_mtime_ns)
        return changed

    def run(self, path: tuple[str, ...], invocation: Invocation) -> Fault | None:
        """Run the command at `path` as the invocation says; return what was wrong, or None."""
        self.calls[path] += 1
        start = time.monotonic()
        self.crashes.clear()
        with self._surroundings(invocation):
            streams = _Streams(self.root, invocation)
            try:
                code = streams.call(invocation.arguments)
            except Hung:
                code = "hung"
            except BaseException:
                code = "raised"
                self.crashes.append(traceback.format_exc())
        self.codes[code] += 1
        changed = self._restore()
        if time.monotonic() - start > SLOW_S:
            self.slow.append((time.monotonic() - start, invocation))
        kind = self._judge(path, invocation, code, streams, changed)
        if not kind:
            return None
        said = streams.text(streams.err)
        return Fault(kind, invocation, f"exit {code}\n{said[:1500]}\n{_shorten(self.crashes)}")

    def _judge(
        self,
        path: tuple[str, ...],
        invocation: Invocation,
        code: object,
        streams: _Streams,
        changed: list[str],
    ) -> str:
        """Return what is wrong with a run, in words; empty if nothing is."""
        said = streams.text(streams.err)
        if self.crashes:
            return "crash: " + _find_place(self.crashes[0])
        if code not in EXIT_CODES:
            return f"exit code {code}"
        if "Traceback" in said or "Exception ignored" in said:
            return "traceback"
        readable = invocation.stderr in ("open", "ascii")
        if isinstance(code, int) and code in (1, 2, 3, 4) and readable:
            heads = said.lower().count("error: ")
            quiet = path in QUIET_FAILURES or "-h" in invocation.arguments
            if not heads and not (quiet and code in (1, 4)):
                return "no message"
            last = said.rstrip().splitlines()[-1] if said.strip() else ""
            if "error: " in said and not last.startswith("  ") and "Usage:" not in said:
                return "no remedy: " + last.split(":")[-1][:40]
            if len(said) > 20_000:
                return f"a message of {len(said)} characters"
        return self._judge_changes(path, invocation, code, changed)

    def _judge_changes(
        self, path: tuple[str, ...], invocation: Invocation, code: object, changed: list[str]
    ) -> str:
        named = " ".join(invocation.arguments)
        for each in changed:
            name = Path(each).name
            if not os.path.isabs(each) or stat_is_folder(self._before[each]):
                return f"lost the folder {name}"
            stored = path in CHANGERS and each.endswith(".rms")
            continued = path == ("ask",) and "sessions" in each  # a turn is added to it
            if stored or continued or each.endswith((".rms-journal", "config.toml")):
                continue
            if name not in named or (code != 0 and "--delete" not in named):
                return f"changed {name}, exit code {code}"
        return ""

    @contextmanager
    def _surroundings(self, invocation: Invocation) -> Iterator[None]:
        variables = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("RM_LOCAL_", "HF_", "XDG_", "LC_", "_RM_"))
        }  # fmt: skip
        variables |= {
            "HOME": str(self.root / "home"), "RM_LOCAL_HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"), "HF_HOME": str(self.root / "home" / "hf"),
            "HF_ENDPOINT": self.hub_url, "COLUMNS": "80", "LINES": "24", "TERM": "xterm",
        }  # fmt: skip
        for name, value in invocation.variables.items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        if invocation.settings is not None:
            (self.root / "home" / "config.toml").write_bytes(invocation.settings)
        before = dict(os.environ), os.getcwd()
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(self.work)
        tempfile.tempdir = None
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            os.chdir(before[1])
            tempfile.tempdir = None

    @cached_property
    def hub_url(self) -> str:
        """Address of a hub on this machine; set by `faked`."""
        return "http://127.0.0.1:9"

    @contextmanager
    def faked(self) -> Iterator[None]:
        """Put fakes where models and embedders are loaded, and count the bodies that are reached."""
        from rm_local import paths, runtime
        from rm_local.bench.corpus import docstrings
        from rm_local.cli import crash_report, subprocess_json
        from rm_local.embed import bulk, query
        from rm_local.errors import RmLocalError

        build_info = subprocess_json.run_json_module("rm_local.engine.worker.build_info")
        libraries = subprocess_json.run_json_module("rm_local.store.sqlite.library_versions")

        def run_module(module: str) -> Any:
            return build_info if module.endswith("build_info") else libraries

        def record_crash(error: Exception) -> RmLocalError:
            self.crashes.append("".join(traceback.format_exception(error)))
            return RmLocalError("crashed", "see the recorded traceback")

        def fake_engine(held: Any) -> Any:
            held._engine = held._engine or FakeEngine(dimension=384)
            return held._engine

        with ExitStack() as stack:

            def put(target: Any, name: str, value: Any) -> None:
                stack.enter_context(patch.object(target, name, value))

            put(runtime.Runtime, "engine", property(fake_engine))
            put(paths, "shipped_store", lambda: self.root / "pristine" / "work" / "store.rms")
            put(query, "ensure_minilm_gguf", lambda folder: folder / "minilm.gguf")
            put(crash_report, "write_crash_report", record_crash)
            put(bulk, "BulkEmbedder", _FakeBulkEmbedder)
            put(docstrings, "collect_sentences", lambda: tuple(tiny_sentences()))
            for module in ("rm_local.cli.checks", "rm_local.cli.subprocess_json"):
                put(importlib.import_module(module), "run_json_module", run_module)
            fake_measurements(put)
            hub = stack.enter_context(serving(Hub({"tiny-Q4_K_M.gguf": data(3000)})))
            self.hub_url = hub.url
            for path, command in list_commands():
                put(command, "callback", self._count(path, command.callback))
            yield

    def _count(self, path: tuple[str, ...], body: Callable[..., Any] | None) -> Callable[..., Any]:
        assert body is not None

        @wraps(body)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.reached[path] += 1
            return body(*arguments, **named)

        return counted


def fake_measurements(put: Callable[[Any, str, Any], None]) -> None:
    """Replace what takes minutes by its nature: benchmarks of stores and models."""
    import rm_local.bench as bench
    from rm_local.errors import InvalidModelError
    from rm_local.library.hub import download

    async def refuse(*_: Any, **__: Any) -> Any:
        raise InvalidModelError("This model is not measured here.", "Choose another one.")

    def refuse_store(*_: Any, **__: Any) -> Any:
        raise InvalidModelError("This store is not measured here.", "Choose another one.")

    class Bare:
        def __init__(self, *_: Any) -> None:
            pass

        async def __aenter__(self) -> Bare:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    for name in ("bench_engine", "bench_busy", "BareClient", "bench_store"):
        getattr(bench, name)  # a lazy name, which then is there to be replaced
    put(bench, "bench_engine", refuse)
    put(bench, "bench_store", refuse_store)
    put(bench, "bench_busy", refuse)
    put(bench, "BareClient", Bare)
    put(download, "PAUSES", (0.0, 0.0, 0.0))


class _FakeBulkEmbedder(TinyEmbedder):
    """Also where an embedder of a folder or the hub is asked for."""

    def __init__(
        self, model: object = None, *, dimension: int | None = None, half: bool = False
    ) -> None:
        from rm_local.embed import MINILM

        super().__init__(half)
        self.id = MINILM

    def embed(self, texts: Sequence[str], **_: Any) -> Any:
        """As the real one, without a progress bar."""
        return super().embed(texts)

    def embed_to(self, texts: Sequence[str], out: Path, **_: Any) -> None:
        """Write the vectors of the texts."""
        with out.open("wb") as file:
            np.save(file, self.embed(texts[:]))


class Hung(BaseException):
    """A call took longer than LONGEST_S."""


def _interrupt(*_: object) -> None:
    raise Hung


class _Streams:
    """Standard streams of one call, with what was written to them."""

    def __init__(self, root: Path, invocation: Invocation) -> None:
        self.root = root
        self.stdin = invocation.stdin
        self.out = _make_output(root / "out", invocation.stdout, "strict")
        self.err = _make_output(root / "err", invocation.stderr, "backslashreplace")

    def call(self, arguments: list[str]) -> object:
        """Call the program; return its exit code."""
        before = sys.stdin, sys.stdout, sys.stderr, sys.argv
        sys.stdin = None if self.stdin is None else _make_input(self.root / "in", self.stdin)  # type: ignore[assignment]
        sys.stdout, sys.stderr = self.out, self.err  # type: ignore[assignment]
        sys.argv = ["rm-local", *arguments]
        handlers = signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        try:
            from rm_local.cli.main import main

            main()
            return 0
        except SystemExit as end:
            return end.code or 0
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handlers)
            if sys.stdin is not None:
                sys.stdin.close()
            for stream in (self.out, self.err):
                with suppress(OSError, ValueError):
                    stream and stream.flush()
            sys.stdin, sys.stdout, sys.stderr, sys.argv = before

    def text(self, stream: io.TextIOWrapper | None) -> str:
        """What was written; empty for a closed or full one."""
        if stream is None or stream.name == "/dev/full":
            return ""
        return Path(str(stream.name)).read_text(stream.encoding, "replace")


def _make_output(path: Path, kind: Stream, errors: str) -> io.TextIOWrapper | None:
    if kind == "closed":
        return None
    name = "/dev/full" if kind == "full" else str(path)
    encoding = kind if kind in ("ascii", "cp1252") else "utf-8"
    return open(name, "w", encoding=encoding, errors=errors)


def _make_input(path: Path, content: bytes) -> io.TextIOWrapper:
    path.write_bytes(content)
    return path.open(encoding="utf-8", errors="surrogateescape")


def stat_is_folder(state: tuple[int, ...]) -> bool:
    """Whether the state of a file, as in a scan, is that of a folder."""
    return len(state) == 1


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _leave_out_special(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if Path(folder, name).is_fifo() or Path(folder, name).is_socket()
    ]


def _find_place(trace: str) -> str:
    """The error of a traceback, and the line of rm_local that it came through last."""
    lines = trace.strip().splitlines()
    places = [line.strip() for line in lines if "/rm_local/" in line and line.startswith("  File")]
    place = places[-1].split("/rm_local/")[-1] if places else ""
    return f"{lines[-1][:70]} in {place}"


def _shorten(traces: list[str]) -> str:
    """The lines of tracebacks that are about rm_local, and the errors."""
    lines = [line for trace in traces for line in trace.splitlines()]
    own = [line for line in lines if "/rm_local/" in line or not line.startswith(" ")]
    return "\n".join(own[-30:])


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
