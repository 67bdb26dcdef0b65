"""Translates errors of the hub and of the network into messages with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from rm_local.errors import DownloadError, DownloadInterruptedError, RmLocalError, UsageError

RESUME_HINT = "The same command continues from there."


class RangeRefusedError(DownloadError):
    """The server refuses the requested range of bytes, so that the download cannot be resumed."""


def translate_hub_error(
    error: Exception, endpoint: str, repo: str, revision: str | None, *, with_token: bool
) -> RmLocalError | None:
    """Translate an error of huggingface_hub or httpx into an error with a remedy.

    Return None for any other error. `with_token`: whether the request was sent with a token.
    """
    match error:
        case RmLocalError():
            return None
        case HFValidationError():
            return UsageError(f"{repo!r} is not the name of a repository.", "Give ORG/REPO.")
        case OfflineModeIsEnabled():
            return DownloadError("HF_HUB_OFFLINE is set, so downloads are disabled.", "Unset it.")
        case HfHubHTTPError():
            return _translate_status(error.response, endpoint, repo, revision, with_token)
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError():
            return DownloadInterruptedError(
                f"{endpoint} cannot be reached: {error}.",
                "Check the network, HF_ENDPOINT and proxies. The part downloaded so far is kept.",
            )
        case httpx2.TimeoutException():
            return DownloadInterruptedError(f"{endpoint} has stopped sending.", RESUME_HINT)
        case httpx2.TransportError():
            return DownloadInterruptedError("The connection was cut.", RESUME_HINT)
        case httpx2.TooManyRedirects() | httpx2.InvalidURL():
            return _make_not_hub_error(endpoint)
    return None


@contextmanager
def translate_parse_errors(endpoint: str) -> Iterator[None]:
    """Translate an error in parsing a response, in the `with` body, into a DownloadError.

    It says that the server at `endpoint` is not the hub.
    """
    try:
        yield
    except (HFValidationError, HfHubHTTPError):
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _make_not_hub_error(endpoint) from error


def _make_not_hub_error(endpoint: str) -> DownloadError:
    """Create the error for a server at `endpoint` that does not answer like the hub."""
    return DownloadError(
        f"The server at {endpoint} is not the hub.",
        "Check HF_ENDPOINT, and whether the network requires a login in the browser.",
    )


def _translate_status(
    response: httpx2.Response, endpoint: str, repo: str, revision: str | None, with_token: bool
) -> RmLocalError:
    """Translate a response with an HTTP status of 400 or more into an error with a remedy."""
    code = response.headers.get("X-Error-Code", "")
    status = response.status_code
    if code == "GatedRepo" or status == 403:
        return _make_gated_error(endpoint, repo, with_token)
    if code == "RevisionNotFound":
        return UsageError(
            f"{repo} has no revision {revision or 'main'}.",
            "Give a branch, a tag or a commit of it.",
        )
    if code == "EntryNotFound":
        return DownloadError(f"{repo} no longer has that file.", "Try again: it was listed.")
    if status == 401 and with_token and code != "RepoNotFound":
        return DownloadError(
            "The hub does not accept the token.",
            f"Create a new one at {endpoint}/settings/tokens and set HF_TOKEN to it.",
        )
    if status in (401, 404):
        # Without a token the hub answers 401 both for private and for missing repositories.
        hidden = "" if with_token else " If it is private, set HF_TOKEN."
        return UsageError(
            f"The hub has no repository {repo}, or does not show it.", f"Check its name.{hidden}"
        )
    if status == 416:
        return RangeRefusedError("The server cannot resume the download.", "Run the command again.")
    if status == 429:
        seconds = response.headers.get("Retry-After", "")
        when = f"in {seconds} seconds" if seconds.isdigit() else "in some minutes"
        return DownloadError(
            "The hub received too many requests.", f"Try again {when}. {RESUME_HINT}"
        )
    return DownloadInterruptedError(
        f"The hub failed: it answered {status}.", f"Try again later. {RESUME_HINT}"
    )


def _make_gated_error(endpoint: str, repo: str, with_token: bool) -> DownloadError:
    """Create the error for a repository whose licence the user has to accept on the hub first."""
    accept = f"Accept its licence at {endpoint}/{repo}"
    return DownloadError(
        f"{repo} is open only to users who accepted its licence.",
        f"{accept} with the account of your token."
        if with_token
        else f"{accept}, then set HF_TOKEN to a token from {endpoint}/settings/tokens.",
    )
