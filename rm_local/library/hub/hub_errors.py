"""What goes wrong between here and the hub, told so that the user knows what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from rm_local.errors import DownloadCut, DownloadError, RmLocalError, UsageError

GOES_ON = "The same command goes on from there."


class RangeRefused(DownloadError):
    """The server has no bytes from where the download was to go on."""


def of_hub(
    error: Exception, endpoint: str, repo: str, revision: str | None, *, with_token: bool
) -> RmLocalError | None:
    """The error to raise in place of one of huggingface_hub's or httpx's; None for any other."""
    match error:
        case RmLocalError():
            return None
        case HFValidationError():
            return UsageError(f"{repo!r} is no name of a repository.", "It has to be ORG/REPO.")
        case OfflineModeIsEnabled():
            return DownloadError("HF_HUB_OFFLINE is set: nothing may be fetched.", "Unset it.")
        case HfHubHTTPError():
            return _of_status(error.response, endpoint, repo, revision, with_token)
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError():
            return DownloadCut(
                f"{endpoint} cannot be reached: {error}.",
                "Look at the network, HF_ENDPOINT and proxies. What has come is kept.",
            )
        case httpx2.TimeoutException():
            return DownloadCut(f"{endpoint} has stopped sending.", GOES_ON)
        case httpx2.TransportError():
            return DownloadCut("The connection was cut.", GOES_ON)
        case httpx2.TooManyRedirects() | httpx2.InvalidURL():
            return _strange(endpoint)
    return None


@contextmanager
def reading(endpoint: str) -> Iterator[None]:
    """An answer that cannot be read, as what it means: another than the hub has given it."""
    try:
        yield
    except (HFValidationError, HfHubHTTPError):
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _strange(endpoint) from error


def _strange(endpoint: str) -> DownloadError:
    return DownloadError(
        f"What answers at {endpoint} is not the hub.",
        "Look at HF_ENDPOINT; or a network wants a login in the browser first.",
    )


def _of_status(
    response: httpx2.Response, endpoint: str, repo: str, revision: str | None, with_token: bool
) -> RmLocalError:
    """What an answer of 400 or more means."""
    code = response.headers.get("X-Error-Code", "")
    status = response.status_code
    if code == "GatedRepo" or status == 403:
        return _gated(endpoint, repo, with_token)
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
            f"Make another at {endpoint}/settings/tokens and set HF_TOKEN to it.",
        )
    if status in (401, 404):
        # Without a token the hub answers 401 for what is private and for what is not there.
        hidden = "" if with_token else " If it is private, set HF_TOKEN."
        return UsageError(
            f"The hub has no repository {repo}, or does not show it.", f"Look at its name.{hidden}"
        )
    if status == 416:
        return RangeRefused("The server does not go on from there.", "Run the command again.")
    if status == 429:
        seconds = response.headers.get("Retry-After", "")
        when = f"in {seconds} seconds" if seconds.isdigit() else "in some minutes"
        return DownloadError("The hub was asked too often.", f"Try again {when}. {GOES_ON}")
    return DownloadCut(f"The hub fails: it answers {status}.", f"Try again later. {GOES_ON}")


def _gated(endpoint: str, repo: str, with_token: bool) -> DownloadError:
    accept = f"Accept its licence at {endpoint}/{repo}"
    return DownloadError(
        f"{repo} is open only to those who accepted its licence.",
        f"{accept} with the account of your token."
        if with_token
        else f"{accept}, then set HF_TOKEN to a token from {endpoint}/settings/tokens.",
    )
