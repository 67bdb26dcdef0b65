"""Variables of the environment are checked before the hub's client is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rm_local.errors import DownloadError
from rm_local.library.hub.hub_client import HubClient
from rm_local.library.hub.hub_variables import check_hub_variables


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hub",
        "127.0.0.1:9",
        "ftp://hub",
        "http://",
        "http://[",
        "https://hub:99999",
        "http://\n",
    ],
)
def test_an_unusable_address_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked, and no network is blamed."""
    monkeypatch.setenv("HF_ENDPOINT", address)

    with pytest.raises(DownloadError, match="HF_ENDPOINT is") as caught:
        check_hub_variables()

    assert "https://huggingface.co" in caught.value.remedy


@pytest.mark.parametrize("address", ["http://[", "https://hub:99999", "hub"])
def test_a_process_with_an_unusable_address(address: str, tmp_path: Path) -> None:
    """The import of the hub's client would fail with some of them."""
    done = subprocess.run(
        [sys.executable, "-m", "rm_local", "models", "pull", "org/repo"],
        capture_output=True,
        check=False,
        env={**os.environ, "HF_ENDPOINT": address, "RM_LOCAL_HOME": str(tmp_path)},
    )

    assert done.returncode == 1
    assert done.stderr.startswith(b"error: HF_ENDPOINT is")
    assert [*tmp_path.rglob("crash-*")] == []


@pytest.mark.parametrize("token", ["caf\u00e9", "\u043a\u043b\u044e\u0447", "\udcff", "a\x01b"])
def test_an_unusable_token_is_named_and_not_shown(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not be sent; the server is not to blame."""
    monkeypatch.setenv("HF_TOKEN", token)

    with pytest.raises(DownloadError, match="HF_TOKEN contains characters") as caught:
        HubClient()

    assert token not in str(caught.value)


def test_an_unusable_saved_token_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `hf auth login` saves it."""
    monkeypatch.setattr("rm_local.library.hub.hub_client.get_token", lambda: "\u043a")

    with pytest.raises(DownloadError, match="The saved token"):
        HubClient()


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty"])
def test_unusable_certificates_are_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable, not only the system's words."""
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text("no certificate" if kind == "text" else "")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    with pytest.raises(DownloadError, match="SSL_CERT_FILE is") as caught:
        HubClient()

    assert "PEM" in caught.value.remedy


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HF_ENDPOINT", "http://127.0.0.1:9/"),
        ("HF_ENDPOINT", "https://mirror.example.org/hub"),
        ("HF_ENDPOINT", "http://[::1]:8080"),
        ("HF_TOKEN", " hf_abc\n"),
        ("HF_TOKEN", ""),
        ("SSL_CERT_FILE", ""),
    ],
)
def test_usable_values_pass(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """White space around a token is removed by the hub's client."""
    monkeypatch.setenv(variable, value)

    check_hub_variables()
