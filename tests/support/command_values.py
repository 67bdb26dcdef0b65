"""Hypothesis strategies for calls of commands, made from click's own types of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import click
from hypothesis import strategies as st

from rm_local.loop import PLANS
from tests.support.user_files import (
    ENTRIES,
    HOSTILE_NUMBERS,
    HOSTILE_PATHS,
    HOSTILE_TEXTS,
    MODELS,
    SESSIONS,
    STORES,
    TEXTS,
)

Stream = Literal["open", "closed", "full", "ascii", "cp1252"]
USABLE: dict[str, list[str]] = {
    "store": STORES, "stores": STORES, "one": STORES, "other": STORES, "model": MODELS,
    "path": ["model.gguf", "folder"], "files": ENTRIES, "embeddings": ["vectors.npy"],
    "questions": ["labelled.jsonl"], "schema": ["schema.json"], "grammar": ["grammar.gbnf"],
    "id": SESSIONS, "session": [*SESSIONS, "last:1"], "plan": sorted(PLANS),
    "embedder": ["static"], "effort": ["low", "high"], "lora": ["adapter.gguf", "adapter.gguf:0.5"],
    "folder": [".", "folder"], "domain": ["math"], "half": ["tune"], "question": TEXTS,
    "text": TEXTS, "revision": ["main"],
}  # fmt: skip
"""Values with which a command succeeds, by the name of the parameter; others get a new name."""
USABLE_OF_COMMAND = {("models pull", "model"): ["org/tiny-GGUF", "org/tiny-GGUF:Q4_K_M"]}
LARGEST_COUNT = 300
"""Counts above it are asked for only where they are invalid: valid ones take their time."""
READ_FOREVER = {"fifo", "/dev/zero", "/proc/self/fd/0"}
"""Not given as inputs, which are read to their end: a FIFO without a writer has none."""
VARIABLES: dict[str, Sequence[str | None]] = {
    "RM_LOCAL_HOME": [*HOSTILE_PATHS, None],
    "RM_LOCAL_MODEL": HOSTILE_PATHS,
    "RM_LOCAL_STORE": HOSTILE_PATHS,
    "HOME": [*HOSTILE_PATHS, None],
    "TMPDIR": HOSTILE_PATHS,
    "HF_HOME": HOSTILE_PATHS,
    "HF_TOKEN": ["", "x\ny", "é", "hf_" + "a" * 4000],
    "HF_ENDPOINT": ["", "x", "http://", "http://127.0.0.1:9", "ftp://x", "http://[", "http://x:y"],
    "COLUMNS": HOSTILE_NUMBERS,
    "LINES": HOSTILE_NUMBERS,
    "LANG": ["", "xx_YY.nothing", "C", "tr_TR.ISO-8859-9"],
    "LC_ALL": ["", "xx_YY.nothing", "POSIX"],
    "TERM": ["", "dumb", "nothing", "xterm" * 100],
    "NO_COLOR": ["", "1"],
    "COLORTERM": ["truecolor", "é"],
    "XDG_CONFIG_HOME": HOSTILE_PATHS,
    "XDG_DATA_HOME": HOSTILE_PATHS,
    "OLLAMA_MODELS": HOSTILE_PATHS,
    "TZ": ["", "nowhere/x", ":" + "x" * 300],
    "PATH": ["", None],
}


@dataclass(frozen=True)
class Invocation:
    """A call of a command: its arguments, and what surrounds it."""

    arguments: list[str]
    variables: dict[str, str | None] = field(default_factory=dict)
    """What differs in the environment; None: it is missing."""
    settings: bytes | None = None
    """Content of the settings file."""
    stdin: bytes | None = b""
    """None: closed."""
    stdout: Stream = "open"
    stderr: Stream = "open"


def invocations(path: tuple[str, ...], command: click.Command) -> st.SearchStrategy[Invocation]:
    """Calls of the command with this path of names: half of them ordinary, half with bad values."""
    return st.one_of(_ordinary(path, command), _hostile(path, command))


@st.composite
def _ordinary(draw: st.DrawFn, path: tuple[str, ...], command: click.Command) -> Invocation:
    words = draw_arguments(draw, path, command, hostile=False)
    stdin = b'{"subproblem": "How to do 1?", "subroutine": "I should do it."}\n'
    return Invocation([*path, *words], stdin=stdin)


@st.composite
def _hostile(draw: st.DrawFn, path: tuple[str, ...], command: click.Command) -> Invocation:
    places = draw(
        st.sets(
            st.sampled_from(["arguments", "environment", "settings", "stdin", "out", "err"]),
            min_size=1,
            max_size=3,
        )
    )
    words = draw_arguments(draw, path, command, hostile="arguments" in places)
    return Invocation(
        [*path, *words],
        draw(environments()) if "environment" in places else {},
        draw(settings_files()) if "settings" in places else None,
        draw(inputs()) if "stdin" in places else b"What is 4 + 4?",
        draw(st.sampled_from(["closed", "full", "ascii", "cp1252"])) if "out" in places else "open",
        draw(st.sampled_from(["closed", "full", "ascii"])) if "err" in places else "open",
    )


def draw_arguments(
    draw: st.DrawFn, path: tuple[str, ...], command: click.Command, *, hostile: bool
) -> list[str]:
    """Draw values of parameters, and for a hostile call now and then words that fit nothing."""
    words: list[str] = []
    for parameter in command.params:
        wanted = parameter.required or draw(st.integers(0, 3)) == 0
        if isinstance(parameter, click.Argument) and not hostile:
            wanted = wanted or " ".join(path) not in ("models use",)
        if not wanted:
            continue
        bad = hostile and draw(st.booleans())
        words += draw_parameter(draw, path, parameter, bad=bad)
    if hostile and draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(0, len(words)))
        words[place:place] = draw(
            st.lists(st.sampled_from([*HOSTILE_TEXTS, "-h", "--json", "--no-x"]), max_size=3)
        )
    return words


def draw_parameter(
    draw: st.DrawFn, path: tuple[str, ...], parameter: click.Parameter, *, bad: bool
) -> list[str]:
    """Draw the words of one parameter: an option with its value, a flag, or values alone."""
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
        return [draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))]
    values = draw_values(path, parameter, bad=bad)
    if isinstance(parameter, click.Option):
        times = draw(st.integers(1, 3)) if parameter.multiple else 1
        name = parameter.opts[-1]
        return [
            word
            for _ in range(times)
            for value in [draw(values)]
            for word in ([f"{name}={value}"] if name.startswith("--") else [name, value])
        ]
    most = 3 if parameter.nargs == -1 else parameter.nargs
    return draw(st.lists(values, min_size=1, max_size=most))


def draw_values(
    path: tuple[str, ...], parameter: click.Parameter, *, bad: bool
) -> st.SearchStrategy[str]:
    """Strategy for values of a parameter, by its type."""
    type_, name = parameter.type, parameter.name or ""
    numeric = isinstance(type_, click.types.IntParamType | click.types.FloatParamType)
    if bad and numeric:
        return st.one_of(st.sampled_from(HOSTILE_NUMBERS), st.floats().map(str)).filter(
            lambda text: not is_large_count(text, type_)
        )
    if bad:
        odd = st.sampled_from([*HOSTILE_PATHS, *HOSTILE_TEXTS])
        odd = st.one_of(
            odd, st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
        )
        if name in ("files", "embeddings", "schema", "grammar", "questions"):
            odd = odd.filter(lambda value: value not in READ_FOREVER)
        return odd
    if isinstance(type_, click.Choice):
        return st.sampled_from([str(choice) for choice in type_.choices])
    if isinstance(type_, click.IntRange):
        least = max(int(type_.min or 0), 0) + bool(type_.min_open)
        most = LARGEST_COUNT if type_.max is None else min(int(type_.max), LARGEST_COUNT)
        return st.integers(least, max(least, most)).map(str)
    if isinstance(type_, click.FloatRange):
        least_float = float(type_.min or 0)
        most_float = least_float + 1 if type_.max is None else min(type_.max, least_float + 1)
        return st.floats(least_float, float(most_float), exclude_min=bool(type_.min_open)).map(str)
    if known := USABLE_OF_COMMAND.get((" ".join(path), name)) or USABLE.get(name):
        return st.sampled_from(known)
    return st.just(f"new-{name}")


def is_large_count(text: str, type_: click.ParamType[Any]) -> bool:
    """Whether the type accepts the text as a number that would take long to count to."""
    try:
        return float(type_.convert(text, None, None)) > LARGEST_COUNT
    except (click.UsageError, OverflowError):
        return False


@st.composite
def environments(draw: st.DrawFn) -> dict[str, str | None]:
    """One to three variables with odd values, or without any."""
    names = draw(st.sets(st.sampled_from(sorted(VARIABLES)), min_size=1, max_size=3))
    return {name: draw(st.sampled_from(VARIABLES[name])) for name in sorted(names)}


def inputs() -> st.SearchStrategy[bytes | None]:
    """What may be piped into a command; None: standard input is closed."""
    return st.one_of(
        st.none(),
        st.binary(max_size=60),
        st.sampled_from(
            [b"", b"\n" * 3000, b"[]", b"\xff\xfe", b"[" * 30_000, b"9" * 30_000, b"\0" * 9,
             b"\xef\xbb\xbf{}", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd\x00", b"y\n", b"n\n"]
        ),
    )  # fmt: skip


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    """TOML with values of wrong types and out of range, or what is no TOML."""
    from dataclasses import fields

    from rm_local.old_names import SETTINGS
    from rm_local.settings import Settings

    raw = [
        b"", b"\xff\xfe", b"= 1", b"\xef\xbb\xbfthreads = 1", b"a" * 9999, b"[x]\ny = 1",
        b"x = " + b"[" * 5000 + b"]" * 5000, b"threads = " + b"9" * 5001, b"\0", b"[[model]]",
    ]  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(raw))
    names = draw(st.sets(st.sampled_from(sorted([*(f.name for f in fields(Settings)), *SETTINGS]))))
    number = st.sampled_from(["nan", "inf", "-inf", "-1", "0", "1", "0.5", "1e400", "9" * 19])
    text = st.sampled_from([*HOSTILE_PATHS, *MODELS, *STORES, "direct", "auto", "\0", "x\0y"])
    value = st.one_of(
        number,
        text.map(_quote_toml),
        st.sampled_from(["true", "false", "[]", "[[]]", "{}", "1979-05-27", '[""]', "[1]"]),
        st.lists(text, max_size=3).map(lambda each: f"[{', '.join(map(_quote_toml, each))}]"),
    )
    lines = [f"{name} = {draw(value)}" for name in sorted(names)]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _quote_toml(text: str) -> str:
    escaped = "".join(
        each if each.isprintable() and each not in '"\\' else f"\\u{ord(each):04x}"
        for each in text
        if not 0xD800 <= ord(each) < 0xE000
    )
    return f'"{escaped}"'
