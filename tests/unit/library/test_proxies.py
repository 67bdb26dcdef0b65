"""Proxies in the environment are checked before the hub is asked."""

from __future__ import annotations

import pytest

from rm_local.errors import DownloadError
from rm_local.library.hub import proxies
from rm_local.library.hub.hub_client import HubClient


@pytest.mark.parametrize(
    ("variable", "url", "words"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:9", "begins with socks://"),
        ("HTTPS_PROXY", "socks4://127.0.0.1:9", "begins with socks4://"),
        ("HTTP_PROXY", "htp://proxy", "begins with htp://"),
        ("ALL_PROXY", "http://host:port", "is not a valid address"),
        ("HTTPS_PROXY", "http://", "is not a valid address"),
    ],
)
def test_an_unusable_proxy_is_named(
    variable: str, url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its variable and what to write; nothing is asked."""
    monkeypatch.setenv(variable, url)

    with pytest.raises(DownloadError, match=words) as caught:
        HubClient()

    assert variable in caught.value.message
    assert "socks5://HOST:PORT" in caught.value.remedy


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:9", "socks5h://user:secret@host:1080"])
def test_a_missing_package_for_socks_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it, and without the password."""
    monkeypatch.setenv("ALL_PROXY", url)
    monkeypatch.setattr(proxies, "find_spec", lambda _: None)

    with pytest.raises(DownloadError, match="socksio") as caught:
        HubClient()

    assert "pip install socksio" in caught.value.remedy
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://proxy:8080", "proxy:8080", "https://u:p@proxy"])
def test_other_proxies_pass(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without a scheme; NO_PROXY is no proxy."""
    monkeypatch.setenv("ALL_PROXY", url)
    monkeypatch.setenv("NO_PROXY", "*.example.org")

    proxies.check_proxies()
