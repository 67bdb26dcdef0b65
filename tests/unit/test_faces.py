"""What each package says and offers at its door, and that others take it from there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "rm_local"
ROOMS = sorted(each.name for each in PACKAGE.iterdir() if (each / "__init__.py").exists())
FACES = ["", *(room for room in ROOMS if room != "cli")]
LONGEST = 400
"""Lines of a file."""


def module_name(path: Path) -> str:
    """The dotted name of a file of this checkout."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def typed_names(face: Path) -> dict[str, str]:
    """The names that a face imports for type checkers, each with the module it is from."""
    for node in ast.parse(face.read_text("utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return {
                alias.name: each.module or ""
                for each in node.body
                if isinstance(each, ast.ImportFrom)
                for alias in each.names
            }
    return {}


def imports_of(path: Path) -> Iterator[str]:
    """The modules of rm_local that a file imports from, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rm_local"):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("rm_local"))


@pytest.mark.parametrize("room", FACES)
def test_a_face_gives_what_it_promises_type_checkers(room: str) -> None:
    """Every name can be had at run time, and is the one of the module that the face names."""
    name = f"rm_local.{room}".rstrip(".")
    face = import_module(name)
    promised = typed_names(PACKAGE / room / "__init__.py")

    assert promised
    assert set(promised) == set(face.__all__) <= set(dir(face))
    for each, home in promised.items():
        assert getattr(face, each) is getattr(import_module(home), each)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        face.nothing  # noqa: B018


def test_others_import_a_room_from_its_face() -> None:
    """The rooms themselves, the models' code, packaging and examples know no module inside one."""
    modules = {module_name(path) for path in PACKAGE.rglob("*.py")}
    deep = []
    for folder in ("rm_local", "models", "packaging", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            own = module_name(path).split(".")[:2]
            for each in imports_of(path):
                parts = each.split(".")
                inside = len(parts) > 2 and parts[1] in ROOMS and each in modules
                if inside and parts[:2] != own and module_name(path) != "rm_local.__main__":
                    deep.append(f"{module_name(path)} imports {each}")
    assert deep == []


def test_every_package_says_what_it_is() -> None:
    """The first thing in its `__init__` is a docstring."""
    packages = [*PACKAGE.rglob("__init__.py"), *(ROOT / "models").rglob("__init__.py")]

    silent = [module_name(p) for p in packages if not ast.get_docstring(ast.parse(p.read_text()))]

    assert silent == []


def test_files_are_short_enough_to_be_read_at_once() -> None:
    """No Python file of the project has more than LONGEST lines."""
    folders = ("rm_local", "models", "packaging", "tests", "examples")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]

    long = {str(p.relative_to(ROOT)): n for p in files if (n := len(_lines(p))) > LONGEST}

    assert long == {}


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
