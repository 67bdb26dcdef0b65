"""`rm-local models pull`, from a hub on this machine that does what it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import hf_hub_download

from rm_local.cli.main import cli
from tests.support.local_hub import COMMIT, Hub, data

FILE = "tiny-Q4_K_M.gguf"
REPO = "org/tiny-GGUF"


def pull(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["models", "pull", *arguments])


def test_a_model_arrives_where_others_find_it(hub: Hub, tmp_path: Path) -> None:
    """Its path is printed; huggingface_hub finds the same file there without a network."""
    done = pull(REPO)

    assert done.exit_code == 0, done.output
    path = Path(done.stdout.strip())
    assert path == tmp_path / f"hf/hub/models--org--tiny-GGUF/snapshots/{COMMIT}/{FILE}"
    assert path.read_bytes() == hub.files[FILE]
    cache = str(tmp_path / "hf/hub")
    found = hf_hub_download(REPO, FILE, cache_dir=cache, local_files_only=True)
    assert Path(found) == path


def test_pull_reports_what_will_be_downloaded(hub: Hub) -> None:
    """Repository, commit, licence, files and sizes, on standard error."""
    output = pull(REPO).stderr
    for part in (REPO, COMMIT[:8], "apache-2.0", FILE, "300.0 KB in all, 300.0 KB to download"):
        assert part in output


def test_only_what_is_needed_is_asked(hub: Hub) -> None:
    """One list, one head, one transfer: no telemetry, no look at anything else."""
    pull(REPO)

    resolve = f"/org/tiny-GGUF/resolve/{COMMIT}/{FILE}"
    listed = "/api/models/org/tiny-GGUF?blobs=true"
    assert hub.asked == [("GET", listed), ("HEAD", resolve), ("GET", resolve)]
    assert hub.ranges == [""]


def test_plain_http_is_used_where_xet_is_offered(hub: Hub) -> None:
    """The same requests and no other: what xet fetches could not be continued."""
    hub.xet = True
    done = pull(REPO)
    assert Path(done.stdout.strip()).read_bytes() == hub.files[FILE]
    assert (len(hub.asked), hub.ranges) == (3, [""])


def test_what_is_there_is_not_fetched_again(hub: Hub) -> None:
    """The second time only the list is asked for; huggingface_hub does not fetch it either."""
    first = pull(REPO)
    again = pull(REPO)

    assert again.stdout == first.stdout
    assert "all downloaded already" in again.stderr
    cache = Path(first.stdout.strip()).parents[3]
    hf_hub_download(REPO, FILE, cache_dir=cache, endpoint=hub.url)
    assert len(hub.ranges) == 1


def test_what_huggingface_hub_fetched_is_taken(hub: Hub, tmp_path: Path) -> None:
    """A file that another program brought into the cache is found there."""
    cache = tmp_path / "hf/hub"
    theirs = hf_hub_download(REPO, FILE, cache_dir=cache, endpoint=hub.url)
    asked = len(hub.ranges)

    assert pull(REPO).stdout.strip() == theirs
    assert len(hub.ranges) == asked


def test_all_parts_of_a_split_model_are_downloaded(hub: Hub) -> None:
    """They come in their order; the first, which llama.cpp opens, is printed."""
    hub.files = {f"Q8_0/big-Q8_0-0000{n}-of-00003.gguf": data(1000 + n) for n in (3, 1, 2)}

    output = json.loads(pull(f"{REPO}:q8_0", "--json").stdout)

    assert [file["bytes"] for file in output["files"]] == [1001, 1002, 1003]
    assert output["path"].endswith("Q8_0/big-Q8_0-00001-of-00003.gguf")
    assert all(Path(file["path"]).exists() for file in output["files"])


def test_json_describes_what_was_downloaded(hub: Hub) -> None:
    """One object: what came, from which commit, with which hash, and where it is stored."""
    output = json.loads(pull(REPO, "--json").stdout)

    assert (output["repo"], output["commit"], output["quant"]) == (REPO, COMMIT, "Q4_K_M")
    (file,) = output["files"]
    assert (file["hash"], file["fetched"]) == (hub.digest(FILE), 300_000)
    assert Path(output["path"]).read_bytes() == hub.files[FILE]


def test_the_address_of_a_file_is_accepted(hub: Hub) -> None:
    """What a browser shows is taken as it is, with its revision."""
    hub.files["tiny-Q8_0.gguf"] = data(400)
    done = pull(f"https://huggingface.co/{REPO}/blob/{COMMIT}/tiny-Q8_0.gguf?download=true")
    assert done.stdout.strip().endswith("tiny-Q8_0.gguf")


def test_a_name_of_the_catalog_stands_for_a_repository(hub: Hub) -> None:
    """It stands for a repository, which this hub does not have; a wrong one is answered here."""
    assert "no repository Qwen/Qwen3-8B-GGUF" in pull("Qwen3-8B").stderr
    asked = len(hub.asked)

    wrong = pull("qwen3-9b")

    assert wrong.exit_code == 2
    assert "Did you mean" in wrong.stderr
    assert "qwen3-8b" in wrong.stderr
    assert len(hub.asked) == asked


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (f"{REPO}:Q5_K_M", ["no model Q5_K_M", "Q4_K_M (300.0 KB)", "Q8_0"]),
        (f"{REPO}:other.gguf", ["no model other.gguf", "Q4_K_M"]),
        ("org/none-GGUF", ["no repository org/none-GGUF", "set HF_TOKEN"]),
        ("org/a/b/c:", ["org/a"]),
        ("no slash", ["no model 'no slash'"]),
        ("org/ti ny", ["not the name of a repository"]),
    ],
)
def test_a_wrong_name_is_wrong_usage(hub: Hub, asked: str, parts: list[str]) -> None:
    """Exit code 2, and what there is instead."""
    hub.files["tiny-Q8_0.gguf"] = b"x"
    done = pull(asked)
    assert done.exit_code == 2, done.output
    for part in parts:
        assert part in done.stderr
    assert hub.ranges == []


def test_a_wrong_revision_is_wrong_usage(hub: Hub) -> None:
    """Exit code 2; the right one is taken."""
    done = pull(REPO, "--revision", "v9")
    assert (done.exit_code, "no revision v9" in done.stderr) == (2, True)
    assert pull(REPO, "--revision", "../v9").exit_code == 2
    assert pull(REPO, "--revision", COMMIT).exit_code == 0


def test_a_repository_without_gguf_is_wrong_usage(hub: Hub) -> None:
    """Exit code 2, and where to look."""
    hub.files = {"model.safetensors": b"x", "mmproj-model-f16.gguf": b"y"}
    done = pull(REPO)
    assert (done.exit_code, "no model in the GGUF format" in done.stderr) == (2, True)


def test_a_missing_part_stops_the_download(hub: Hub) -> None:
    """A split model that the repository does not hold in full is not begun."""
    hub.files = {"big-Q8_0-00002-of-00003.gguf": b"x"}
    done = pull(REPO)
    assert (done.exit_code, "1 of the 3 parts" in done.stderr) == (1, True)


@pytest.mark.parametrize(("token", "says"), [("", "set HF_TOKEN"), ("hf_other", "of your token")])
def test_a_gated_repository_names_its_licence_page(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str, says: str
) -> None:
    """Where its licence is accepted is said before anything is fetched."""
    hub.token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", token)
    done = pull(REPO)
    assert done.exit_code == 1
    assert f"Accept its licence at {hub.url}/{REPO}" in done.stderr
    assert says in done.stderr
    assert hub.ranges == []


def test_the_token_opens_it_and_stays_with_the_hub(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HF_TOKEN is sent to the hub and not to the storage that it points to."""
    hub.token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert pull(REPO).exit_code == 0
    assert (hub.ranges, hub.storage_tokens) == ([""], [])


def test_a_model_larger_than_the_memory_is_warned_of(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning before anything is fetched, and no more than that."""
    monkeypatch.setattr("rm_local.system.measure_free_memory", lambda: 200_000)
    done = pull(REPO)
    assert done.exit_code == 0
    assert "warning: the model needs more than 101.0 MB" in done.stderr
    assert "; 200.0 KB are free." in done.stderr


def test_a_disk_without_links_holds_the_file_itself(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk has no symbolic links the snapshot holds the file itself, once."""

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    path = Path(pull(REPO).stdout.strip())

    assert not path.is_symlink()
    assert path.read_bytes() == hub.files[FILE]
    assert pull(REPO).exit_code == 0
    assert len(hub.ranges) == 1


def test_texts_of_the_hub_cannot_steer_the_terminal(hub: Hub) -> None:
    """A licence with an escape sequence is shown without it."""
    hub.licence = "mit\x1b[2J\nhidden"
    assert "\x1b" not in pull(REPO).output


def test_a_file_name_that_leads_elsewhere_is_refused(hub: Hub, tmp_path: Path) -> None:
    """A file name that would lead out of the cache is refused."""
    hub.files = {"../../../../evil-Q4_K_M.gguf": b"x"}
    done = pull(REPO)
    assert (done.exit_code, "no usable name" in done.stderr) == (1, True)
    assert not list(tmp_path.rglob("evil*"))
