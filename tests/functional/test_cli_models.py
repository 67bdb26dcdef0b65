"""`rm-local models`, over files that are headers and nothing else."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rm_local import paths, settings
from rm_local.cli.main import cli
from rm_local.engine.placement.offload import Device
from tests.support import gguf_headers
from tests.support.rm_small import remove_package


@pytest.fixture(autouse=True)
def no_other_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable leads out of the test's home, and rm-small is not installed."""
    remove_package(monkeypatch)
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("LLAMA_CACHE", raising=False)


def run(*arguments: object, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["models", *map(str, arguments)], input=answer)


def listed() -> dict[str, dict[str, Any]]:
    """What `models --json` prints, by name."""
    output = json.loads(run("list", "--json").stdout)
    return {model["name"]: model for model in output["models"]}


def gguf(path: Path, **more: Any) -> Path:
    return gguf_headers.write(path, gguf_headers.model() | more)


def config(text: str) -> Path:
    path = paths.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the settings with a text model and an embedder in it."""
    gguf(tmp_path / "mine" / "Small-4B.gguf")
    gguf(tmp_path / "mine" / "embed.gguf", **{"general.type": "mmproj"})
    (tmp_path / "mine" / "bad.gguf").write_bytes(b"no")
    config(f"# mine\nmodel_dirs = ['{(tmp_path / 'mine').as_posix()}']  # here\ncontext = 512\n")
    return tmp_path / "mine"


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_the_list_has_a_line_for_each_model(arguments: list[str], folder: Path) -> None:
    """Only text models, the one in use marked; what was left out is said on standard error."""
    result = run(*arguments)

    head, *lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split()[0] for line in lines] == ["*", "small-4b-q4_k_m"]
    assert head.split()[:3] == ["name", "architecture", "parameters"]
    for word in ("qwen3", "Q4_K_M", "4,096", "yes", "folder"):
        assert word in lines[1]
    assert "bad.gguf is not a GGUF file" in result.stderr
    assert "1 projector" in result.stderr
    assert "projector" in run("list", "--all").stdout


def test_the_json_list_has_every_model(folder: Path) -> None:
    """Every model with its kind, path and place."""
    models = listed()

    small = models["small-4b-q4_k_m"]
    assert (small["kind"], small["thinks"], small["in_use"]) == ("text", True, False)
    assert Path(small["path"]) == folder / "Small-4B.gguf"
    assert models["rm-nano-q8_0"]["in_use"]
    assert models["embed-q4_k_m"]["kind"] == "projector"


def test_info_describes_the_model_in_use() -> None:
    """Without a name: metadata, and memory at the context of a turn against what is free."""
    result = run("info")

    assert result.exit_code == 0, result.stderr
    for word in ("rm-nano", "in use", "qwen3, text", "thinks", "at 2,048 tokens", "f16 cache"):
        assert word in result.stdout


def test_info_warns_of_what_does_not_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is loaded, with the largest context that does."""
    monkeypatch.setattr("rm_local.system.measure_free_memory", lambda: 102 << 20)

    result = run("info", "small", "--context", 100_000)
    memory = json.loads(run("info", "small", "--context", 100_000, "--json").stdout)["memory"]

    assert "more than is free; the largest context that fits is" in result.stderr
    assert not memory["fits"]
    assert 0 < memory["largest_context"] < 100_000
    assert memory["total"] > memory["free"]


def test_info_shows_how_a_model_thinks(tmp_path: Path) -> None:
    """Its family, its markers, who opens them and where the template comes from."""
    text, details = run("info").stdout, json.loads(run("info", "--json").stdout)

    assert "family rm-nano, thinks between <think> ... </think>, opened by template" in text
    assert details["family"] == "rm-nano"
    assert details["thinking"] in text


def test_info_follows_the_settings(folder: Path) -> None:
    """How keys and values are stored, and attention; an option goes before."""
    config(f'model_dirs = ["{folder.as_posix()}"]\nkv_cache_type = "q4_0"\n')
    packed, plain = (
        json.loads(run("info", "--json", *more).stdout)["memory"]
        for more in ([], ["--kv-cache-type", "f16"])
    )
    config('flash_attention = "off"\n')
    slow = run("info")

    assert (packed["kv"], plain["kv"]) == ("q4_0", "f16")
    assert packed["cache"] * 32 * 2 == plain["cache"] * 18
    assert "without flash attention" in slow.stdout


def test_info_shows_how_many_layers_a_card_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many layers it holds, and what is left to the machine's memory."""
    card = Device("CUDA0", "a card", "gpu", 8 << 30, 8 << 30)
    report = {"offload": True, "devices": [asdict(card)]}
    monkeypatch.setattr("rm_local.cli.subprocess_json.run_json_module", lambda _module: report)

    result = run("info")
    memory = json.loads(run("info", "--json").stdout)["memory"]

    assert "CUDA0 (8.6 GB free): 7 of 7 layers" in result.stdout
    assert memory["layers"] == 7
    assert memory["machine"] < memory["total"]


def test_info_says_that_nothing_is_known_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and warns of nothing."""
    monkeypatch.setattr("rm_local.system.measure_free_memory", lambda: None)

    result = run("info")

    assert "does not report how much is free" in result.stdout
    assert result.stderr == ""


def test_a_file_is_added_and_removed(tmp_path: Path) -> None:
    """Its path is stored once, and forgotten; the file stays."""
    path = gguf(tmp_path / "far" / "away.gguf")

    assert run("add", path).stdout.startswith("added")
    assert run("add", path).stdout.startswith("already added")
    assert listed()["away-q4_k_m"]["place"] == "added"
    assert run("remove", "away-q4_k_m").stdout.startswith("removed from the list")
    assert "away-q4_k_m" not in listed()
    assert path.exists()


def test_a_folder_is_added_and_removed(folder: Path, tmp_path: Path) -> None:
    """All in it is found; it is forgotten by its path, also when it is gone."""
    path = gguf(tmp_path / "more" / "one.gguf").parent

    assert "1 models" in run("add", path).stdout
    assert listed()["one-q4_k_m"]["place"] == "added"
    (path / "one.gguf").unlink()
    path.rmdir()
    assert run("remove", path).exit_code == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.gguf", None, "does not exist"),
        ("text.gguf", b"hello", "not a GGUF"),
        ("", None, "contains no model"),
    ],
)
def test_add_refuses_what_is_no_model(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    """With the reason; nothing is remembered."""
    path = tmp_path / "empty" / name
    (tmp_path / "empty").mkdir()
    if content:
        path.write_bytes(content)

    result = run("add", path)

    assert result.exit_code in (2, 3)
    assert words in result.stderr
    assert not (paths.data_dir() / "models.json").exists()


def test_add_refuses_parts_of_a_model(tmp_path: Path) -> None:
    """A projector, and a split model of which files are missing."""
    projector = gguf(tmp_path / "p.gguf", **{"general.type": "mmproj"})
    part = gguf(tmp_path / "s-00001-of-00002.gguf", **{"split.count": 2})

    assert "projector" in run("add", projector).stderr
    assert "s-00002-of-00002.gguf" in run("add", part).stderr


def test_use_keeps_the_rest_of_the_settings(folder: Path) -> None:
    """Comments, other keys and their order stay; --default takes the line out again."""
    before = paths.config_file().read_text(encoding="utf-8")

    assert run("use", "small").exit_code == 0
    after = paths.config_file().read_text(encoding="utf-8")

    assert tomllib.loads(after)["model"] == str(folder / "Small-4B.gguf")
    assert settings.load_settings().model == folder / "Small-4B.gguf"
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert listed()["small-4b-q4_k_m"]["in_use"]
    assert run("use", "--default").exit_code == 0
    assert paths.config_file().read_text(encoding="utf-8") == before


def test_use_changes_a_model_that_is_set(folder: Path) -> None:
    """Its comment stays on its line."""
    path = config(f"model = 'old.gguf'  # the old one\nmodel_dirs = ['{folder.as_posix()}']\n")

    assert run("use", "small").exit_code == 0

    assert path.read_text(encoding="utf-8").splitlines()[0].endswith("# the old one")


def test_use_makes_the_settings_file(tmp_path: Path) -> None:
    """By path, when there is no file yet."""
    path = gguf(tmp_path / "a model.gguf")

    assert run("use", path).exit_code == 0
    assert settings.load_settings().model == path


@pytest.mark.parametrize("arguments", [[], ["small", "--default"], ["nothing"], ["embed"]])
def test_use_refuses_what_cannot_be_used(arguments: list[str], folder: Path) -> None:
    """An error, and the settings as they were."""
    before = paths.config_file().read_bytes()

    assert run("use", *arguments).exit_code in (2, 3)
    assert paths.config_file().read_bytes() == before


def test_use_leaves_settings_that_are_wrong(tmp_path: Path) -> None:
    """The user has to correct them."""
    path = config("modle = 'x'\n")

    assert run("use", gguf(tmp_path / "m.gguf")).exit_code == 2
    assert path.read_text(encoding="utf-8") == "modle = 'x'\n"


def test_use_says_when_the_environment_goes_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RM_LOCAL_MODEL wins, so that the choice would seem lost."""
    path = gguf(tmp_path / "m.gguf")
    monkeypatch.setenv("RM_LOCAL_MODEL", str(path))

    assert "RM_LOCAL_MODEL" in run("use", path).stderr


def test_delete_asks_before_it_deletes(folder: Path) -> None:
    """No is no; yes deletes the file."""
    path = folder / "Small-4B.gguf"

    assert run("remove", "small", "--delete", answer="n\n").exit_code == 2
    assert path.exists()
    assert run("remove", "small", "--delete", answer="y\n").exit_code == 0
    assert not path.exists()


def test_delete_takes_all_files_of_a_split_model(folder: Path) -> None:
    """Without a question when --yes is given."""
    for number in (1, 2):
        gguf(folder / f"big-{number:05}-of-00002.gguf", **{"split.count": 2})

    assert run("remove", "big", "--delete", "--yes").exit_code == 0
    assert not [*folder.glob("big*")]


def test_nothing_is_deleted_from_another_programs_store(tmp_path: Path) -> None:
    """Also not through an added path or a link; the program's own command is named."""
    digest = "cd" * 32
    root = tmp_path / "home" / ".ollama" / "models"
    blob = gguf(root / "blobs" / f"sha256-{digest}")
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / "qwen3" / "4b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    manifest.write_text(json.dumps({"layers": [layer]}), encoding="utf-8")
    link = tmp_path / "link.gguf"
    link.symlink_to(blob)
    run("add", link)

    for wanted in ("link", blob, link):
        result = run("remove", wanted, "--delete", "--yes")
        assert result.exit_code == 2
        assert "ollama rm qwen3:4b" in result.stderr
    assert blob.exists()
    assert link.exists()


def test_remove_refuses_what_was_not_added(folder: Path) -> None:
    """It says where the model was found, and what would take it away."""
    assert "Delete its file with --delete" in run("remove", "small").stderr
    assert "part of rm-local" in run("remove", "rm-nano").stderr
    assert run("remove", "rm-nano", "--delete", "--yes").exit_code == 2
    assert paths.shipped_model().exists()


def test_a_model_is_found_by_its_name(folder: Path) -> None:
    """`--model NAME` is looked up; a path is taken as it is."""
    doctor = ["--model", "small", "doctor", "--json"]

    output = json.loads(CliRunner().invoke(cli, doctor).stdout)["checks"]

    (model,) = [check for check in output if check["name"] == "Model"]
    assert "Small-4B.gguf" in model["found"]


def test_an_unknown_model_name_ends_with_exit_code_3() -> None:
    """Exit code 3, and where to look."""
    result = CliRunner().invoke(cli, ["--model", "nothing", "ask", "Why?"])

    assert result.exit_code == 3
    assert "rm-local models" in result.stderr
