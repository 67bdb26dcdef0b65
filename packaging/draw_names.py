"""Draws names and docstrings of rm_local for a reader who does not know the code.

    python packaging/draw_names.py --seed 7 [--count 50] [--code]

Prints `count` functions and classes as signatures without docstring and body, then `count` other
definitions and modules as docstrings without code. The reader writes down what they take each to
do. `--code` prints the same draw with the code, to compare.
"""

from __future__ import annotations

import argparse
import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


@dataclass(frozen=True, slots=True)
class Drawn:
    """A definition, or a module, of rm_local."""

    place: str
    """Path from the checkout's root, and names of the classes around it."""
    node: Definition

    @property
    def signature(self) -> str:
        """The definition's first lines as they stand, without docstring and body."""
        if isinstance(self.node, ast.Module):
            return self.place
        if isinstance(self.node, ast.ClassDef):
            bases = ", ".join(map(ast.unparse, self.node.bases))
            return f"class {self.node.name}({bases})" if bases else f"class {self.node.name}"
        returns = f" -> {ast.unparse(self.node.returns)}" if self.node.returns else ""
        return f"def {self.node.name}({ast.unparse(self.node.args)}){returns}"

    @property
    def docstring(self) -> str:
        """Empty if there is none."""
        return ast.get_docstring(self.node) or ""


def list_definitions() -> Iterator[Drawn]:
    """All modules, classes, functions and methods of rm_local but those that Python names."""
    for path in sorted((ROOT / "rm_local").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(ROOT).as_posix()
        yield Drawn(place, tree)
        yield from _list_inside(tree, place)


def _list_inside(parent: ast.AST, place: str) -> Iterator[Drawn]:
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("__"):
            yield Drawn(place, node)
        yield from _list_inside(node, f"{place} {node.name}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--code", action="store_true", help="with the code, to compare")
    args = parser.parse_args()
    found = list(list_definitions())
    rng = random.Random(args.seed)
    names = rng.sample([d for d in found if not isinstance(d.node, ast.Module)], args.count)
    chosen = {id(d.node) for d in names}
    documented = [d for d in found if d.docstring and id(d.node) not in chosen]
    docstrings = rng.sample(documented, args.count)
    print(f"Seed {args.seed}: {args.count} names and {args.count} docstrings of {len(found)}.")
    for title, drawn in (("Names", names), ("Docstrings", docstrings)):
        print(f"\n{title}")
        for number, each in enumerate(drawn, 1):
            if args.code:
                text = f"{each.signature}\n{ast.unparse(each.node)}"
            elif title == "Names":
                text = each.signature
            else:
                text = each.docstring
            print(f"\n{number}. {each.place}\n{text}")


if __name__ == "__main__":
    main()
