"""Sentences of real prose from the docstrings of installed packages. They are never shipped.

The sentences depend only on the versions of Python and of the installed packages.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress

FOLDERS = ("stdlib", "purelib")
SKIPPED = re.compile(
    r"(^|/)(tests?|idlelib|lib2to3|_vendor|node_modules|transformers)(/|$)|(^|/)test_"
)
OWN_PACKAGE = re.compile(r"(^|/)rm_local(/|$)")
"""Paths left out of a corpus: those of this project."""
FILE_SENTENCES = 8
"""Maximum number of sentences of one file in a sample."""
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


def read_distinct_documented_objects(
    skipped: re.Pattern[str] = SKIPPED, report: ProgressCallback = ignore_progress
) -> list[DocumentedObject]:
    """Read the distinct docstrings of the installed packages, ordered by the path of their file.

    A file is left out if its path, relative to the packages' folder, matches `skipped`.
    """
    seen: set[tuple[str, ...]] = set()
    found = []
    paths = _list_source_files_with_progress(skipped, report)
    meter = ProgressMeter(report, "read docstrings", len(paths))
    for number, path in enumerate(paths, 1):
        for each in _parse_documented_objects_if_valid(path):
            if each.sentences and each.sentences not in seen:
                seen.add(each.sentences)
                found.append(each)
        meter.report_units_done(number)
    return found


def collect_docstring_sentences(report: ProgressCallback = ignore_progress) -> tuple[str, ...]:
    """Collect the distinct docstring sentences of all installed packages, ordered by path.

    Packages' tests are included. Each sentence begins with a capital and ends with a full stop.
    The call takes a minute or two.
    """
    found = read_distinct_documented_objects(OWN_PACKAGE, report)
    return _clean_filter_and_deduplicate_sentences(each for one in found for each in one.sentences)


def sample_docstring_sentences(
    least: int, report: ProgressCallback = ignore_progress
) -> tuple[str, ...]:
    """Collect at least `least` distinct sentences, or all, from files in the order of their hashes.

    At most FILE_SENTENCES are taken of a file, so that the sentences are about many subjects. Only
    as many files are read as are needed.
    """
    paths = sorted(_list_source_files_with_progress(OWN_PACKAGE, report), key=_hash_relative_path)
    meter = ProgressMeter(report, "read docstrings", least)
    chosen: dict[str, None] = {}
    for path in paths:
        read = (each for one in _parse_documented_objects_if_valid(path) for each in one.sentences)
        chosen |= dict.fromkeys(_clean_filter_and_deduplicate_sentences(read)[:FILE_SENTENCES])
        meter.report_units_done(min(len(chosen), least))
        if len(chosen) >= least:
            break
    return tuple(chosen)


def _clean_filter_and_deduplicate_sentences(sentences: Iterable[str]) -> tuple[str, ...]:
    """Give each sentence a capital at its start and a full stop; return the distinct ones.

    Those that cannot begin with a capital, or have characters that are not printable, are left out.
    """
    found = map(capitalize_and_end_sentence, sentences)
    return tuple(dict.fromkeys(each for each in found if each[0].isupper() and each.isprintable()))


def _hash_relative_path(path: Path) -> bytes:
    """Hash the path of a source file below the folder of its packages."""
    shown = min((os.path.relpath(path, root) for root in _find_package_folders()), key=len)
    return hashlib.sha256(os.fsencode(shown)).digest()


def capitalize_and_end_sentence(sentence: str) -> str:
    """Return the sentence with a capital at its start and a full stop at its end.

    Other punctuation and white space at both ends is removed.
    """
    bare = sentence.strip(" .:;,!?-")
    return f"{bare[:1].upper()}{bare[1:]}."


def extract_prose_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a docstring that are plain prose: no code, tables or formulas."""
    kept = []
    for paragraph in re.split(r"\n\s*\n", text):
        if ">>>" in paragraph or "::" in paragraph or "---" in paragraph:
            continue
        plain = " ".join(re.sub(r"[`*]+|:\w+:", "", paragraph).split())
        kept += [s for s in SENTENCE.split(plain) if _is_prose_of_fitting_length(s)]
    return tuple(kept)


def _is_prose_of_fitting_length(sentence: str) -> bool:
    """Return whether a sentence is plain prose of MIN_WORDS to MAX_WORDS words."""
    words = len(sentence.split())
    plain = len(PLAIN.findall(sentence))
    return (
        MIN_WORDS <= words <= MAX_WORDS
        and plain >= PLAIN_SHARE * len(sentence)
        and not PARAMETERS.search(sentence)
    )


def _list_source_files_with_progress(
    skipped: re.Pattern[str], report: ProgressCallback
) -> list[Path]:
    """List the source files of the installed packages; on a slow disk it takes a minute."""
    meter, paths = ProgressMeter(report, "list files"), []
    for path in _find_installed_source_files(skipped):
        paths.append(path)
        meter.report_units_done(len(paths))
    return paths


@lru_cache(maxsize=1)
def _find_package_folders() -> tuple[Path, ...]:
    """Return the folders of Python's own and of the installed packages."""
    return tuple(dict.fromkeys(Path(sysconfig.get_path(name)) for name in FOLDERS))


def _find_installed_source_files(skipped: re.Pattern[str]) -> Iterator[Path]:
    """Yield the installed .py files below MAX_FILE_BYTES.

    Those whose path relative to their package folder matches `skipped` are left out.
    """
    for root in _find_package_folders():
        for path in sorted(root.rglob("*.py")):
            shown = path.relative_to(root).as_posix()
            inside = root.name != "site-packages" and "site-packages" in shown
            if not inside and not skipped.search(shown) and path.stat().st_size < MAX_FILE_BYTES:
                yield path


def _parse_documented_objects_if_valid(path: Path) -> Iterator[DocumentedObject]:
    """Yield the documented objects of a source file; none if it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, ValueError, RecursionError, SystemError):  # the last one: too deep, too
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node)
            if text:
                name = path.stem if isinstance(node, ast.Module) else node.name
                yield DocumentedObject(
                    _convert_identifier_to_words(name), extract_prose_sentences(text)
                )


def _convert_identifier_to_words(name: str) -> str:
    """Split an identifier into words: `matrixRank` and `matrix_rank` into `matrix rank`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").strip().lower()
