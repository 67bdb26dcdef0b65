"""What is inside the wheel and the source distribution that are built from this checkout."""

from __future__ import annotations

import email.message
import email.parser
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (
    "all-minilm-l6-v2.gguf",
    "rm-nano-q8_0.gguf",
    "rm-small-lora.gguf",
    "rm-static.safetensors",
    "seed.rms",
)
DOCUMENTS = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md", "SECURITY.md")


def built(folder: Path, target: str) -> Path:
    """The one file that hatchling builds from the checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return built(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        return email.parser.BytesParser().parsebytes(archive.read(name))


def test_the_wheel_carries_the_licence(wheel: Path, metadata: email.message.Message) -> None:
    """LICENSE and NOTICE are in the wheel byte for byte, and its metadata names both."""
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE"]
    with zipfile.ZipFile(wheel) as archive:
        for name in ("LICENSE", "NOTICE"):
            (member,) = [
                each for each in archive.namelist() if each.endswith(f"dist-info/licenses/{name}")
            ]
            assert archive.read(member) == (ROOT / name).read_bytes()


def test_the_wheel_carries_all_that_the_package_needs(wheel: Path) -> None:
    """Every file of rm_local is in the wheel, py.typed among them, and so is what it ships."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.getinfo(name).file_size for name in archive.namelist()}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rm_local").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "rm_local/py.typed" in package
    assert package <= held.keys()
    for name in SHIPPED:
        assert held[f"rm_local/shipped/{name}"] == (ROOT / "models" / name).stat().st_size


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    """Neither tests nor training code is installed."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {PurePosixPath(name).parts[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rm_local"}


def test_the_metadata_claims_only_what_is_tested(metadata: email.message.Message) -> None:
    """The one system that the tests run on, and no address of a project that has none."""
    classifiers = metadata.get_all("Classifier") or []
    systems = [each for each in classifiers if each.startswith("Operating System")]
    assert systems == ["Operating System :: POSIX :: Linux"]
    assert metadata.get_all("Project-URL") is None


def test_the_source_distribution_carries_the_documents(tmp_path: Path) -> None:
    """Whoever unpacks it finds the licence, how to contribute, what changed, and the models."""
    with tarfile.open(built(tmp_path / "sdist", "sdist")) as archive:
        held = {
            PurePosixPath(name).relative_to(PurePosixPath(name).parts[0]).as_posix()
            for name in archive.getnames()
        }
    assert {*DOCUMENTS, *(f"models/{name}" for name in SHIPPED)} <= held
