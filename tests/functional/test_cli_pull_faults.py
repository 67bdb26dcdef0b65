"""`rm-local models pull` when the network, the hub or the disk fails.

Each time: one clear message, the documented exit code, nothing under a final name that is not
whole, and what can be continued is continued.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from rm_local.cli.main import cli
from rm_local.cli.progress import ProgressPrinter
from rm_local.progress import Progress
from tests.support.local_hub import Hub, Refusal
from tests.support.watchdog import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
FILE = "tiny-Q4_K_M.gguf"
REPO = "org/tiny-GGUF"
SIZE = 300_000


def pull() -> Result:
    """The command's end."""
    return CliRunner().invoke(cli, ["models", "pull", REPO])


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """Where the files are stored."""
    return tmp_path / "hf/hub/models--org--tiny-GGUF/blobs"


def snapshots(blobs: Path) -> list[Path]:
    """Files under their final names."""
    return [path for path in blobs.parent.glob("snapshots/**/*") if not path.is_dir()]


def failed(done: Result, *parts: str, code: int = 1) -> None:
    """The command failed with this code and said all of this, with no traceback."""
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    for part in parts:
        assert part in done.stderr


def came_whole(hub: Hub, done: Result) -> None:
    """The file is there, and is what the hub has."""
    assert done.exit_code == 0, done.output
    assert Path(done.stdout.strip()).read_bytes() == hub.files[FILE]


def test_a_dropped_connection_is_continued(hub: Hub) -> None:
    """In the same run, from the byte where it was cut."""
    hub.cuts = [100_000]
    came_whole(hub, pull())
    assert hub.ranges == ["", "bytes=100000-"]


def test_a_connection_dropped_too_often_ends_the_download(hub: Hub, blobs: Path) -> None:
    """It is given up with how to continue; the same command then takes only the rest."""
    hub.cuts = [50_000] * 4
    failed(pull(), "200,000 of 300,000 bytes", "The same command continues from there.")
    assert snapshots(blobs) == []
    assert [path.name for path in blobs.iterdir()] == [f"{hub.digest(FILE)}.incomplete"]

    again = pull()

    came_whole(hub, again)
    assert "100.0 KB to download" in again.stderr
    assert hub.ranges[4:] == ["bytes=200000-"]
    assert [path.name for path in blobs.iterdir()] == [hub.digest(FILE)]


def test_a_cut_that_gained_much_is_no_failure(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of cuts is borne as long as each connection brings something."""
    monkeypatch.setattr("rm_local.library.hub.download.RESET_BYTES", 10_000)
    hub.cuts = [20_000] * 14
    came_whole(hub, pull())


def test_an_end_that_comes_too_early_is_noticed(hub: Hub, blobs: Path) -> None:
    """A transfer that ends as if it were whole is known by its length, and continued."""
    hub.ends = [100_000] + [0] * 3
    failed(pull(), "ended the file too early", "100,000 of 300,000 bytes")
    assert snapshots(blobs) == []
    came_whole(hub, pull())


def test_a_download_with_a_wrong_hash_is_refused(hub: Hub, blobs: Path) -> None:
    """What arrived is removed; once the hub states the truth the file comes."""
    hub.stated_hash = "0" * 64
    failed(pull(), "arrived damaged", "0" * 64, hub.digest(FILE), "The file was removed")
    assert [*snapshots(blobs), *blobs.iterdir()] == []

    hub.stated_hash = ""
    came_whole(hub, pull())


def test_damage_on_the_disk_is_noticed(hub: Hub, blobs: Path) -> None:
    """What is continued is checked too: bytes that changed meanwhile are found."""
    hub.cuts = [50_000] * 4
    pull()
    (partial,) = blobs.iterdir()
    partial.write_bytes(bytes(200_000))

    failed(pull(), "arrived damaged")
    assert [*blobs.iterdir()] == []
    came_whole(hub, pull())


def test_a_partial_file_that_is_too_long_is_replaced(hub: Hub, blobs: Path) -> None:
    """It cannot be the beginning of this file, and is begun again."""
    blobs.mkdir(parents=True)
    (blobs / f"{hub.digest(FILE)}.incomplete").write_bytes(bytes(SIZE + 1))
    came_whole(hub, pull())
    assert hub.ranges == [""]


def test_a_hub_that_contradicts_itself_is_refused(hub: Hub) -> None:
    """List and head state two hashes: nothing is fetched."""
    hub.stated_head_hash = "1" * 64
    failed(pull(), "contradicts itself")
    assert hub.ranges == []


@pytest.mark.parametrize("stated", [SIZE - 1, SIZE + 1])
def test_a_download_with_a_wrong_length_is_refused(hub: Hub, blobs: Path, stated: int) -> None:
    """The storage announces another length than the hub states: nothing is taken."""
    hub.stated_size = stated
    failed(pull(), f"{stated:,} bytes", f"the server {SIZE:,}")
    assert [*snapshots(blobs), *blobs.iterdir()] == []


def test_a_download_longer_than_stated_is_stopped(hub: Hub, blobs: Path) -> None:
    """A transfer of no announced length that does not end is stopped, and removed."""
    hub.surplus, hub.stall_after = bytes(100_000), SIZE + 40_000
    failed(pull(), "sends more of", "removed")
    assert [*snapshots(blobs), *blobs.iterdir()] == []


def test_a_server_without_ranges_sends_the_whole_file_again(hub: Hub) -> None:
    """It sends all from the beginning again, which replaces what had come."""
    hub.no_ranges, hub.cuts = True, [100_000]
    came_whole(hub, pull())
    assert hub.ranges == ["", "bytes=100000-"]


def test_a_server_that_falls_silent_is_waited_for(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for so long, and what had come is kept."""
    hub.stall_after = 65_536
    with monkeypatch.context() as patch:
        patch.setattr("rm_local.library.hub.hub_client.SILENCE", 0.05)
        while not hub.silent.is_set():
            # On a busy machine it seems silent before it has sent anything, too.
            failed(pull(), "stopped sending", "The same command continues from there.")
    hub.stall_after = None
    came_whole(hub, pull())
    assert hub.ranges[-1] != ""


class Case(NamedTuple):
    """An answer, and what the user reads."""

    where: str
    refusal: Refusal
    says: str
    code: int = 1


@pytest.mark.parametrize(
    "case",
    [
        Case("list", Refusal(401), "no repository", 2),
        Case("list", Refusal(403), "accepted its licence"),
        Case("list", Refusal(429, {"Retry-After": "30"}), "in 30 seconds"),
        Case("list", Refusal(500), "it answered 500"),
        Case("list", Refusal(200, {}, b"<html>Log in</html>"), "is not the hub"),
        Case("list", Refusal(200, {}, b"[1]"), "is not the hub"),
        Case("list", Refusal(200, {}, b'{"id": "a/b"}'), "no commit"),
        Case("head", Refusal(404, {"X-Error-Code": "EntryNotFound"}), "no longer has"),
        Case("head", Refusal(503), "it answered 503"),
        Case("get", Refusal(429), "in some minutes"),
        Case("get", Refusal(500), "it answered 500"),
        Case("storage", Refusal(403), "accepted its licence"),
        Case("storage", Refusal(502), "0 of 300,000 bytes"),
        Case("storage", Refusal(416), "cannot resume"),
    ],
    ids=lambda case: f"{case.where}-{case.refusal.status}",
)
def test_a_refusal_of_the_hub_is_explained(hub: Hub, blobs: Path, case: Case) -> None:
    """What it means is explained; once the hub answers well the file comes."""
    hub.refuse = {case.where: case.refusal}
    failed(pull(), case.says, code=case.code)
    assert snapshots(blobs) == []
    hub.refuse = {}
    came_whole(hub, pull())


def test_a_file_larger_than_the_hub_sends_is_refused(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beyond the hub's limit for plain HTTP is not begun; what fetches it is named."""
    monkeypatch.setattr("huggingface_hub.constants.MAX_HTTP_DOWNLOAD_SIZE", SIZE - 1)
    failed(pull(), "plain HTTP", f"hf download {REPO} {FILE}")
    assert hub.ranges == []


def test_a_refused_token_names_the_page_for_another(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says where to make another."""
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    hub.refuse = {"list": Refusal(401)}
    failed(pull(), "does not accept the token", f"{hub.url}/settings/tokens")


def test_a_missing_network_is_reported(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """One try, and what to look at."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        failed(pull(), "cannot be reached", "HF_ENDPOINT")


def test_the_offline_variable_stops_all_requests(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE is honoured."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    failed(pull(), "HF_HUB_OFFLINE is set", "Unset it.")
    assert hub.asked == []


def test_too_little_room_is_reported_before_the_download(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported before anything is fetched; what has come already counts."""
    hub.cuts = [50_000] * 4
    pull()
    usage = shutil.disk_usage(ROOT)._replace(free=99_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    failed(pull(), "Make room", "HF_HUB_CACHE")
    assert len(hub.ranges) == 4
    usage = usage._replace(free=100_000)
    came_whole(hub, pull())


def test_a_cache_that_cannot_be_made_is_reported(hub: Hub, tmp_path: Path) -> None:
    """A file where the cache should be is named."""
    (tmp_path / "hf").write_text("no folder")
    failed(pull(), "cannot be written", "HF_HUB_CACHE")


def test_a_file_that_another_program_downloads_is_refused(hub: Hub, blobs: Path) -> None:
    """Two programs do not write the same file; the second says so at once."""
    locks = blobs.parents[1] / ".locks" / blobs.parent.name
    locks.mkdir(parents=True)
    with FileLock(locks / f"{hub.digest(FILE)}.lock"):
        failed(pull(), "Another program is already downloading")
    came_whole(hub, pull())


def test_an_interrupt_keeps_the_downloaded_part(
    hub: Hub, blobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle: exit code 130, what has come is kept and continued."""

    def interrupt(_: ProgressPrinter, progress: Progress) -> None:
        if progress.stage == "fetch" and progress.done >= 100_000:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressPrinter, "__call__", interrupt)
        failed(pull(), "Stopped. The downloaded part is kept", code=130)
    (partial,) = blobs.iterdir()
    kept = partial.stat().st_size
    assert kept >= 100_000
    assert snapshots(blobs) == []

    came_whole(hub, pull())
    assert hub.ranges == ["", f"bytes={kept}-"]


def start(prelude: str = "") -> subprocess.Popen[str]:
    """The command in a process of its own, after some Python."""
    code = f"{prelude}\nfrom rm_local.cli.main import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "models", "pull", REPO],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_keeps_the_downloaded_part(hub: Hub, blobs: Path) -> None:
    """No more bytes can be written: what has come is kept, and with room it continues."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    with start(limit) as process:
        _, output = process.communicate()
    assert process.returncode == 1, output
    assert "is full" in output
    assert snapshots(blobs) == []
    assert [path.stat().st_size for path in blobs.iterdir()] == [200_000]

    came_whole(hub, pull())
    assert hub.ranges[-1] == "bytes=200000-"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_ctrl_c_ends_the_process_at_once(hub: Hub, blobs: Path) -> None:
    """SIGINT while the server is silent ends the process at once, with exit code 130."""
    hub.stall_after = 100_000
    prelude = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"from rm_local.library.hub import hub_client; hub_client.SILENCE = {HANG_SECONDS}"
    )
    with start(prelude) as process:
        while not hub.silent.wait(1):
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        _, output = process.communicate()
    assert process.returncode == 130, output
    assert "Stopped. The downloaded part is kept" in output
    assert snapshots(blobs) == []
