"""Counts names and words that CONTRIBUTING.md discourages: `python packaging/style.py [--list]`.

For each room of rm_local: the number of functions whose name is one word; then names defined in
four or more files, and discouraged words in code and documents. Properties and
names that a library or Python prescribes are not counted: a property is a noun, like a field.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRESCRIBED = frozenset({"compose", "emit", "flush", "main", "render"})
"""One-word function names that are not counted: those that libraries call, and `main`."""
WORDS = re.compile(
    r"\b(tell|tells|told|telling|teller|anew|behind|beside|mend|mends|mended|mending)\b"
    r"|\bpass(?:ed|es|ing)? over\b|(?<!there )\b(?:is|are|was|were|be) none\b|\bof none\b"
)
"""Discouraged words, used for say, report, again, after, next to, fix, skip and "there is no"."""
MANY_FILES = 4


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of a function or a class in rm_local, in the package `room`."""

    name: str
    path: Path
    line: int
    room: str
    function: bool

    @property
    def has_one_word_name(self) -> bool:
        """Whether it is a function whose name is a single word."""
        return self.function and "_" not in self.name.strip("_")


def list_definitions(root: Path = ROOT) -> Iterator[Definition]:
    """Yield all functions and classes below rm_local, except properties and prescribed names."""
    for path in sorted((root / "rm_local").rglob("*.py")):
        parts = path.relative_to(root / "rm_local").parts
        room = parts[0] if len(parts) > 1 else "(top)"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield Definition(node.name, path, node.lineno, room, function=False)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _counts_as_function(
                node
            ):
                yield Definition(node.name, path, node.lineno, room, function=True)


def list_discouraged_words(root: Path = ROOT) -> Iterator[tuple[Path, int, str]]:
    """Yield file, line and word of each discouraged word in rm_local, README and docs."""
    paths = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    for path in [*sorted((root / "rm_local").rglob("*.py")), *paths]:
        for number, text in _list_texts(path):
            for match in WORDS.finditer(text):
                yield path, number, match[0]


def _list_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield lines of prose with their numbers; of a program comments, strings and split names."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            if token.line[token.start[1] - 1 :].startswith(".tell()"):  # a file's own method
                continue
            yield token.start[0], re.sub(r"[_\W]|(?<=[a-z])(?=[A-Z])", " ", token.string).lower()
        elif token.type in (tokenize.COMMENT, tokenize.STRING):
            yield from enumerate(token.string.splitlines(), token.start[0])


def _counts_as_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if node.name.startswith("__") or node.name in PRESCRIBED:
        return False
    decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
    return not decorators & {"property", "cached_property", "setter"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="also print where everything is")
    parser.add_argument("--room", help="list that of one room only, e.g. store")
    args = parser.parse_args()
    definitions = list(list_definitions())
    rooms: dict[str, list[Definition]] = defaultdict(list)
    files: dict[str, set[Path]] = defaultdict(set)
    for each in definitions:
        rooms[each.room].append(each)
        files[each.name].add(each.path)
    for room, found in sorted(rooms.items()):
        functions = [each for each in found if each.function]
        ones = [each for each in functions if each.has_one_word_name]
        print(f"{room:10} {len(ones):5} of {len(functions):5} functions have one word")
        if args.list and args.room in (None, room):
            for each in ones:
                print(f"    {each.path.relative_to(ROOT)}:{each.line} {each.name}")
    functions = [each for each in definitions if each.function]
    ones = [each for each in functions if each.has_one_word_name]
    many = sorted(name for name, paths in files.items() if len(paths) >= MANY_FILES)
    words = list(list_discouraged_words())
    print(f"one-word function names: {len(ones) / len(functions):.1%} of {len(functions)}")
    print(f"names in {MANY_FILES} or more files: {len(many)}: {', '.join(many)}")
    counted = Counter(word for _, _, word in words).most_common()
    print(f"words: {len(words)}: {', '.join(f'{word} {count}' for word, count in counted)}")
    if args.list:
        for path, number, word in words:
            if args.room is None or f"rm_local/{args.room}/" in path.as_posix():
                print(f"    {path.relative_to(ROOT)}:{number} {word}")


if __name__ == "__main__":
    main()
