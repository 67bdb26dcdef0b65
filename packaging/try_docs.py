"""Run the commands of README and the documents as they stand, and check that none fails.

    python packaging/try_docs.py [PAGE ...]

Copies the tracked files of the checkout into a temporary folder and runs the commands of each page
there, in the page's order, with a home that is fresh for each page. What opens the app is run on a
terminal and left with Ctrl+Q. `try_docs.toml` has the commands that cannot be run as they stand,
with reasons; those that end with another exit code than 0 because the page says so; and the files
that pages take for granted. No command reaches the network. Exit code 1 if a command fails, does
not end, changes a tracked file, or is one to copy but has a placeholder in it.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `tests` is not installed; the script's folder alone is searched

from tests.support.markdown import read_page  # noqa: E402
from tests.support.page_commands import Kind, PageCommand, list_commands, opens_app  # noqa: E402
from tests.support.terminals import start_command_on_terminal  # noqa: E402
from tests.support.throwaway_checkout import ThrowawayCheckout  # noqa: E402

TABLE = Path(__file__).with_suffix(".toml")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FOLDERS = ("docs", "examples", "models")
LIMIT_S = 600.0
"""Seconds after which a command counts as one that does not end."""
SHOWN = 2000
"""Characters of a failed command's output that are shown."""
READY = re.compile(rb"\d entr(?:y|ies)")
"""What the app's top line shows once model and store are open."""
QUIT = b"\x11"
COUNTED = (
    "commands",
    "run as they stand",
    "not run as they stand",
    "run in the place of another",
    "failed",
)
KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: commands in which the pattern is found, and what is special in them."""

    pattern: re.Pattern[str]
    reason: str = ""
    instead: str | None = None
    """What replaces the part that is found; without it, nothing is run."""
    code: int = 0
    says: str = ""
    """The words of the page that announce the exit code."""
    run: str = ""
    """A command to run before, once on a page."""


@dataclass(frozen=True, slots=True)
class Table:
    """What the script knows about commands beforehand."""

    not_run: tuple[Rule, ...]
    exits: tuple[Rule, ...]
    before: tuple[Rule, ...]
    inputs: dict[str, str]
    """The command that makes each file that pages name."""


def read_table() -> Table:
    """The rules of `try_docs.toml`."""
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    not_run, exits, before = (
        tuple(Rule(**{**row, "pattern": re.compile(row["pattern"])}) for row in data[name])
        for name in ("not_run", "exit", "before")
    )
    return Table(not_run, exits, before, data["inputs"])


def list_pages(root: Path) -> list[Path]:
    """All pages of a checkout whose commands are run."""
    below = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.md"))]
    return [*(root / name for name in PAGES), *below]


def find_rule(rules: tuple[Rule, ...], command: str) -> Rule | None:
    """The first rule whose pattern is found in the command."""
    return next((rule for rule in rules if rule.pattern.search(command)), None)


class Trial:
    """Runs commands of pages one after another in a copy of the checkout, and counts them."""

    def __init__(self, checkout: ThrowawayCheckout, table: Table, limit_s: float = LIMIT_S) -> None:
        self.counts = Counter(dict.fromkeys(COUNTED, 0))
        self.reasons: Counter[str] = Counter()
        """How many commands were not run as they stand, for each reason."""
        self._checkout = checkout
        self._table = table
        self._limit_s = limit_s
        self._made: set[str] = set()

    def try_page(self, path: Path) -> None:
        """Run the commands of a page of the copy in a fresh home."""
        self._checkout.start_afresh()
        self._made.clear()
        for command in list_commands(read_page(path)):
            self.counts["commands"] += command.kind is Kind.COMMAND
            self._try_command(command)

    def _try_command(self, command: PageCommand) -> None:
        line, shown = command.line, command.shown
        if command.kind is Kind.FORM:
            if command.in_block:
                self._report(command, f"FAILED: has a placeholder, in a block  {shown}")
                self.counts["failed"] += 1
            return
        rule = find_rule(self._table.not_run, shown)
        if command.kind is Kind.NAME:
            rule = Rule(re.compile("$"), "names the command, which needs more", " --help")
        note = ""
        if rule:
            if command.kind is Kind.COMMAND:
                self.counts["not run as they stand"] += 1
                self.reasons[rule.reason] += 1
            note = f"  [not run: {rule.reason}: {shown}]"
            if rule.instead is None:
                self._report(command, note.strip())
                return
            line = shown = rule.pattern.sub(rule.instead, shown, count=1)
        self.counts["run in the place of another" if rule else "run as they stand"] += 1
        expected = self._find_exit_code(command, shown)
        self._make_inputs(shown)
        started = time.monotonic()
        code, output = self._run(line)
        seconds = time.monotonic() - started
        changed = self._checkout.restore_changed()
        failed = code != expected or bool(changed)
        self.counts["failed"] += failed
        verdict = "FAILED: " if failed else ""
        self._report(command, f"{verdict}exit code {code}, {seconds:.1f} s  {shown}{note}")
        for path in changed:
            print(f"    changes {path}")
        if code != expected:
            print(output[-SHOWN:])

    def _find_exit_code(self, command: PageCommand, line: str) -> int:
        """The exit code that the page announces, or 0."""
        rule = find_rule(self._table.exits, line)
        prose = " ".join(command.page.prose.split())
        return rule.code if rule and rule.says in prose else 0

    def _make_inputs(self, line: str) -> None:
        """Make what the command reads; remove what was made before and is going to be written."""
        rule = find_rule(self._table.before, line)
        if rule and rule.run not in self._made:
            self._make(rule.run, rule.run)
        for name, recipe in self._table.inputs.items():
            path = self._checkout.find_path(name)
            word = rf"(?<![\w./-]){re.escape(name)}(?![\w.-])"
            if re.search(rf"(?:--out|>) +{word}", line):
                if name in self._made:
                    path.unlink()
            elif re.search(word, line) and not path.exists():
                self._make(name, recipe)

    def _make(self, name: str, recipe: str) -> None:
        """Run a command of the table. Raises SystemExit if it fails."""
        self._made.add(name)
        code, output = self._run(recipe)
        if code:
            raise SystemExit(f"error: {recipe}: exit code {code}\n{output[-SHOWN:]}")

    def _run(self, line: str) -> tuple[int, str]:
        """The exit code and the output of a command; that of SIGKILL if it does not end."""
        checkout = self._checkout
        if opens_app(line):
            with start_command_on_terminal(
                ["bash", "-c", line], checkout.folder, checkout.environ
            ) as terminal:
                try:
                    terminal.read_until(lambda: bool(READY.search(terminal.output)))
                    terminal.type(QUIT)
                    return terminal.wait(), terminal.output.decode(errors="replace")
                except AssertionError as error:
                    return KILLED, str(error)
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=checkout.folder,
            env=checkout.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=self._limit_s)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return KILLED, process.communicate()[0]
        finally:
            kill_group(process)  # also what it leaves, and after Ctrl+C
        return process.returncode, output

    def _report(self, command: PageCommand, verdict: str) -> None:
        page = command.page.path.relative_to(self._checkout.folder)
        print(f"{page}:{command.number}  {verdict}", flush=True)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a leader of a session and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def main(pages: list[Path]) -> int:
    """Try the pages, or all; the exit code."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rm-local-docs-") as folder:
        checkout = ThrowawayCheckout(ROOT, Path(folder))
        try:
            copies = [checkout.find_copy(page) for page in pages]
        except ValueError as error:
            raise SystemExit(f"error: {error}") from None
        trial = Trial(checkout, read_table())
        for copy in copies or list_pages(checkout.folder):
            trial.try_page(copy)
    print()
    for name, count in trial.counts.items():
        print(f"{count:5} {name}")
    print("not run as they stand, by reason:")
    for reason, count in trial.reasons.most_common():
        print(f"{count:5} {reason}")
    print(f"{time.monotonic() - started:5.0f} seconds")
    return 1 if trial.counts["failed"] else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the commands of README and the documents.")
    parser.add_argument("pages", nargs="*", type=Path, help="pages to try; all if none is named")
    sys.exit(main(parser.parse_args().pages))
