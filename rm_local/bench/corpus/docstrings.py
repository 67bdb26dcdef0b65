"""Sentences of real prose from the docstrings of installed packages. They are never shipped.

The sentences depend only on the versions of Python and of the installed packages.
"""

from __future__ import annotations

import ast
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("stdlib", "purelib")
SKIPPED = re.compile(
    r"(^|/)(tests?|idlelib|lib2to3|_vendor|node_modules|transformers)(/|$)|(^|/)test_"
)
OWN_PACKAGE = re.compile(r"(^|/)rm_local(/|$)")
"""Pattern of the paths of this project, whose docstrings a corpus leaves out."""
MIN_WORDS, MAX_WORDS = 4, 40
SENTENCE = re.compile(r"(?<=[a-z)\]][.!?])\s+(?=[A-Z])")
PARAMETERS = re.compile(r"\b(Args|Parameters|Arguments|Returns?|Example|Note|Raises)\b ?:")
PLAIN = re.compile(r"[A-Za-z ,.;:'()/-]")
PLAIN_SHARE = 0.93
MAX_FILE_BYTES = 400_000
"""Maximum bytes of a source file; a longer one is mostly a table of data, and is skipped."""


@dataclass(frozen=True, slots=True)
class DocumentedObject:
    """A documented module, function or class of an installed package.

    `name` is its name in words (`matrix rank`), `sentences` are the prose of its docstring.
    """

    name: str
    sentences: tuple[str, ...]


def read_docstrings(skipped: re.Pattern[str] = SKIPPED) -> list[DocumentedObject]:
    """Read the distinct docstrings of the installed packages, ordered by the path of their file.

    A file is left out if its path, relative to the packages' folder, matches `skipped`.
    """
    seen: set[tuple[str, ...]] = set()
    found = []
    for path in _find_installed_source_files(skipped):
        for each in _parse_documented_objects(path):
            if each.sentences and each.sentences not in seen:
                seen.add(each.sentences)
                found.append(each)
    return found


def collect_docstring_sentences() -> tuple[str, ...]:
    """Collect the distinct docstring sentences of all installed packages, ordered by path.

    Packages' tests are included. Each sentence begins with a capital and ends with a full stop.
    The call takes a minute or two.
    """
    found = (
        capitalize_and_end_sentence(each)
        for one in read_docstrings(OWN_PACKAGE)
        for each in one.sentences
    )
    return tuple(dict.fromkeys(each for each in found if each[0].isupper() and each.isprintable()))


def capitalize_and_end_sentence(sentence: str) -> str:
    """Return the sentence with a capital at its start and a full stop at its end."""
    bare = sentence.strip(" .:;,!?-")
    return f"{bare[:1].upper()}{bare[1:]}."


def extract_prose_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a docstring that are plain prose: no code, tables or formulas."""
    kept = []
    for paragraph in re.split(r"\n\s*\n", text):
        if ">>>" in paragraph or "::" in paragraph or "---" in paragraph:
            continue
        plain = " ".join(re.sub(r"[`*]+|:\w+:", "", paragraph).split())
        kept += [s for s in SENTENCE.split(plain) if _is_prose(s)]
    return tuple(kept)


def _is_prose(sentence: str) -> bool:
    words = len(sentence.split())
    plain = len(PLAIN.findall(sentence))
    return (
        MIN_WORDS <= words <= MAX_WORDS
        and plain >= PLAIN_SHARE * len(sentence)
        and not PARAMETERS.search(sentence)
    )


def _find_installed_source_files(skipped: re.Pattern[str]) -> Iterator[Path]:
    roots = dict.fromkeys(Path(sysconfig.get_path(name)) for name in FOLDERS)
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            shown = path.relative_to(root).as_posix()
            inside = root.name != "site-packages" and "site-packages" in shown
            if not inside and not skipped.search(shown) and path.stat().st_size < MAX_FILE_BYTES:
                yield path


def _parse_documented_objects(path: Path) -> Iterator[DocumentedObject]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node)
            if text:
                name = path.stem if isinstance(node, ast.Module) else node.name
                yield DocumentedObject(_split_identifier(name), extract_prose_sentences(text))


def _split_identifier(name: str) -> str:
    """Split an identifier into words: `matrixRank` and `matrix_rank` into `matrix rank`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").strip().lower()
