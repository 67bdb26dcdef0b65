"""The hub: what a repository holds, and its files as they come. Only here is a connection opened.

Through huggingface_hub for lists, addresses, tokens, sessions and errors, but not for the transfer:
its version 2 writes each download to a file of its own and removes that when it is cut off, so that
nothing is ever resumed. The transfer here is plain HTTP, never xet, and goes on where it was cut.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from rm_local.errors import DownloadError
from rm_local.library.hub.hub_errors import of_hub, reading

CONNECT, SILENCE = 10.0, 30.0
"""Seconds to wait for a connection, and for the next bytes."""

_HASH = re.compile("[0-9a-f]{64}|[0-9a-f]{40}")
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A GGUF file of a repository, as the hub states it."""

    name: str
    """Its path in the repository."""
    size: int
    hash: str
    """SHA-256 in 64 hexadecimal digits; in 40, git's SHA-1 of a file too small for LFS."""


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository at one commit."""

    name: str
    commit: str
    licence: str
    """As its card names it; empty when it does not."""
    files: tuple[HubFile, ...]
    """Its GGUF files."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file's bytes from `start` on; `total` is the whole file's length, None when not told."""

    start: int
    total: int | None
    chunks: Iterator[bytes]


class Hub:
    """The hub at HF_ENDPOINT, or huggingface.co, with the user's token where there is one."""

    def __init__(self) -> None:
        # Else each request names torch's version, and the hub is asked for a list of agents.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self.endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        self._token: str | bool = get_token() or False

    def repo(self, name: str, revision: str | None = None) -> Repo:
        """What the repository holds at `revision`, by default its main branch.

        Raises UsageError when there is no such repository or revision, DownloadError when it is
        not open to this user or the hub cannot be reached.
        """
        api = HfApi(endpoint=self.endpoint, token=self._token)
        with self._telling(name, revision), reading(self.endpoint):
            info = api.model_info(name, revision=revision, files_metadata=True, timeout=CONNECT)
            siblings = info.siblings or []
        if not _COMMIT.fullmatch(info.sha or ""):
            raise DownloadError(f"The hub states no commit of {name}.", "Try again later.")
        named = (file for file in siblings if file.rfilename.lower().endswith(".gguf"))
        files = tuple(_stated(name, file) for file in named)
        licence = info.card_data.license if info.card_data else None
        return Repo(name, info.sha or "", str(licence or ""), files)

    def confirm(self, repo: Repo, file: HubFile) -> None:
        """Ask for the file's head: DownloadError when it is not open to this user, or differs.

        The list of files is public where the files are not, so this is what tells a gated one.
        """
        if file.size > constants.MAX_HTTP_DOWNLOAD_SIZE:
            raise DownloadError(
                f"{file.name} is larger than what the hub sends by plain HTTP.",
                f"Fetch it with huggingface_hub's own `hf download {repo.name} {file.name}`.",
            )
        with self._telling(repo.name, None):
            head = get_hf_file_metadata(
                self._url(repo, file), token=self._token, timeout=CONNECT, endpoint=self.endpoint
            )
        if head.size not in (file.size, None) or head.etag not in (file.hash, None):
            raise DownloadError(
                f"The hub states two things of {file.name}: {file.size} bytes, {file.hash}; "
                f"and {head.size} bytes, {head.etag}.",
                "It may be changing just now: try again later.",
            )

    @contextmanager
    def opened(self, repo: Repo, file: HubFile, start: int) -> Iterator[Part]:
        """The file's bytes from `start` on; from its beginning where a server knows no ranges.

        Raises DownloadCut, also while the bytes are taken, when the connection ends too early.
        """
        headers = build_hf_headers(token=self._token) | {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
        url = self._url(repo, file)
        # The redirect to the storage leaves the token behind: httpx does so between origins.
        with (
            self._telling(repo.name, None),
            get_session().stream("GET", url, headers=headers, timeout=timeout) as response,
        ):
            hf_raise_for_status(response)
            yield Part(*_span(response), response.iter_raw())

    def _url(self, repo: Repo, file: HubFile) -> str:
        return hf_hub_url(repo.name, file.name, revision=repo.commit, endpoint=self.endpoint)

    @contextmanager
    def _telling(self, repo: str, revision: str | None) -> Iterator[None]:
        """Errors of the body as the user can use them."""
        try:
            yield
        except Exception as error:
            told = of_hub(error, self.endpoint, repo, revision, with_token=bool(self._token))
            if told is None:
                raise
            raise told from error


def _stated(repo: str, file: RepoSibling) -> HubFile:
    """What the hub says of a file, which names paths of ours: nothing odd may be in it."""
    digest = file.lfs.sha256 if file.lfs else file.blob_id
    path = PurePosixPath(file.rfilename)
    odd = path.is_absolute() or ".." in path.parts or set('\\:*?"<>|\0') & set(file.rfilename)
    if odd or file.size is None or not _HASH.fullmatch(digest or ""):
        raise DownloadError(
            f"The hub states no usable name, size and hash of {file.rfilename} in {repo}.",
            "What arrives could not be checked. Choose another repository.",
        )
    return HubFile(file.rfilename, file.size, digest or "")


def _span(response: httpx2.Response) -> tuple[int, int | None]:
    """Where an answer's bytes begin in the file, and the file's length."""
    if response.status_code == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if span is None:
            raise DownloadError("The server sends a part of the file without saying which.")
        return int(span[1]), int(span[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None
