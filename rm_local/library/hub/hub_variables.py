"""Checks the environment variables of requests to the hub before its client is imported."""

from __future__ import annotations

import os
import ssl
from urllib.parse import urlsplit

from rm_local.errors import DownloadError
from rm_local.library.hub.proxies import check_proxies


def check_hub_variables() -> None:
    """Check that HF_ENDPOINT, HF_TOKEN, SSL_CERT_FILE and the proxies can be used, if they are set.

    Raises:
        DownloadError: One of them cannot be used.
    """
    check_proxies()
    _check_endpoint(os.environ.get("HF_ENDPOINT"))
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        check_token_characters(variable, os.environ.get(variable, ""))
    _check_certificates(os.environ.get("SSL_CERT_FILE"))


def check_token_characters(origin: str, token: str) -> None:
    """Check that a token can be sent in a header; messages do not contain it.

    `origin` says where it is from.

    Raises:
        DownloadError: It contains characters that no token has.
    """
    token = token.strip()
    if not token.isascii() or not token.replace("\r", "").replace("\n", "").isprintable():
        raise DownloadError(
            f"{origin} contains characters that a token of the hub cannot have.",
            "Set HF_TOKEN to the token as the hub shows it.",
        )


def _check_endpoint(endpoint: str | None) -> None:
    if endpoint is None:
        return
    import httpx2

    try:
        url, _ = urlsplit(endpoint), httpx2.URL(endpoint)  # the hub's client uses both
        is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except (ValueError, httpx2.InvalidURL):
        is_usable = False
    if not is_usable:
        raise DownloadError(
            f"HF_ENDPOINT is {endpoint!r}, which is not the address of a server.",
            "Set HF_ENDPOINT to an address such as https://huggingface.co, or unset it.",
        )


def _check_certificates(path: str | None) -> None:
    if not path:
        return
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DownloadError(
            f"SSL_CERT_FILE is {path!r}, which holds no certificates that can be read: {reason}.",
            "Set SSL_CERT_FILE to a file of certificates in the PEM format, or unset it.",
        ) from None
