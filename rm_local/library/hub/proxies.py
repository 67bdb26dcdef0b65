"""Checks the proxies in the environment before a client of the hub is created with them."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.request import getproxies

from rm_local.errors import DownloadError

_USED = ("http", "https", "all")
"""Kinds of proxies that a request to the hub may take, as in HTTPS_PROXY and ALL_PROXY."""
_SCHEMES = ("http", "https", "socks5", "socks5h")


def check_proxies() -> None:
    """Check that each proxy in the environment has a usable address and what it needs.

    Raises:
        DownloadError: A proxy cannot be used.
    """
    for kind, url in getproxies().items():
        if kind in _USED:
            _check_proxy(f"{kind.upper()}_PROXY", url if "://" in url else f"http://{url}")


def _check_proxy(variable: str, url: str) -> None:
    """Check one proxy. Messages do not contain its address, which may hold a password."""
    import httpx2

    scheme = url.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise DownloadError(
            f"The proxy in {variable} begins with {scheme}://, which is not supported.",
            f"Set {variable} to http://HOST:PORT or socks5://HOST:PORT, or unset it.",
        )
    try:
        host = httpx2.Proxy(url=url).url.host
    except (ValueError, httpx2.InvalidURL):
        host = ""
    if not host:
        raise DownloadError(
            f"The proxy in {variable} is not a valid address.",
            f"Set {variable} to http://HOST:PORT or socks5://HOST:PORT, or unset it.",
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise DownloadError(
            f"{variable} names a SOCKS proxy, which needs the package socksio.",
            "Install it: python -m pip install socksio",
        )
