"""Client of the Hugging Face hub, the only module of the library that opens a connection.

It uses huggingface_hub for lists, addresses, tokens, sessions and errors, but not for transfers:
version 2 of it writes each download to a file of its own and removes that file after a cut, so that
no download can be resumed. The transfer here is plain HTTP, never xet, and resumes after a cut.
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
from rm_local.library.hub.hub_errors import translate_hub_error, translate_parse_errors
from rm_local.library.hub.hub_variables import check_hub_variables, check_token_characters

CONNECT, SILENCE = 10.0, 30.0
"""Timeouts in seconds: for a connection, and for the next bytes of a transfer."""

_HASH = re.compile("[0-9a-f]{64}|[0-9a-f]{40}")
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A GGUF file of a repository, as stated by the hub."""

    name: str
    """Path of the file in its repository."""
    size: int
    """Length in bytes."""
    hash: str
    """SHA-256 in 64 hexadecimal digits, or git's SHA-1 in 40 digits for a file too small for
    LFS."""


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository of the hub at one commit, with its GGUF files."""

    name: str
    commit: str
    licence: str
    """Licence in the model card; empty without one."""
    files: tuple[HubFile, ...]
    """The GGUF files of the repository."""


@dataclass(frozen=True, slots=True)
class RunningTransfer:
    """A running transfer of a file: its bytes from position `start` on, in chunks."""

    start: int
    total: int | None
    """Length of the whole file in bytes; None if the server does not state it."""
    chunks: Iterator[bytes]


class HubClient:
    """Client of the Hugging Face hub, for lists and contents of GGUF files.

    It uses the address in HF_ENDPOINT, or else huggingface.co, and the user's token if any.

    Raises:
        DownloadError: A variable of the environment, or the saved token, cannot be used.
    """

    def __init__(self) -> None:
        check_hub_variables()
        # Otherwise each request names torch's version, and a list of agents is fetched.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self.endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        token = get_token()
        check_token_characters("The saved token", token or "")
        self._token: str | bool = token or False

    def fetch_repo_and_gguf_list(self, name: str, revision: str | None = None) -> Repo:
        """Fetch commit, licence and GGUF files of the repository `name` at `revision`.

        `revision`: a branch, tag or commit; None = the main branch.

        Raises:
            UsageError: There is no such repository or revision.
            DownloadError: The repository is not open to this user, or the hub is unreachable.
        """
        api = HfApi(endpoint=self.endpoint, token=self._token)
        with self._translate_errors(name, revision), translate_parse_errors(self.endpoint):
            info = api.model_info(name, revision=revision, files_metadata=True, timeout=CONNECT)
            siblings = info.siblings or []
        if not _COMMIT.fullmatch(info.sha or ""):
            raise DownloadError(f"The hub states no commit of {name}.", "Try again later.")
        named = (file for file in siblings if file.rfilename.lower().endswith(".gguf"))
        files = tuple(_parse_and_check_hub_file(name, file) for file in named)
        licence = info.card_data.license if info.card_data else None
        return Repo(name, info.sha or "", str(licence or ""), files)

    def check_file_access_and_hash(self, repo: Repo, file: HubFile) -> None:
        """Check by an HTTP HEAD request that this user may download a file, and its size and hash.

        Raises:
            DownloadError: The file is not open to this user, is too large for plain HTTP, or has
                another size or hash than `file`.
        """
        if file.size > constants.MAX_HTTP_DOWNLOAD_SIZE:
            raise DownloadError(
                f"{file.name} is larger than the hub's limit for plain HTTP.",
                f"Download it with huggingface_hub's `hf download {repo.name} {file.name}`.",
            )
        with self._translate_errors(repo.name, None):
            head = get_hf_file_metadata(
                self._build_url(repo, file),
                token=self._token,
                timeout=CONNECT,
                endpoint=self.endpoint,
            )
        if head.size not in (file.size, None) or head.etag not in (file.hash, None):
            raise DownloadError(
                f"The hub contradicts itself about {file.name}: {file.size} bytes, {file.hash}; "
                f"and {head.size} bytes, {head.etag}.",
                "The file may have just been changed: try again later.",
            )

    @contextmanager
    def open_file_transfer(
        self, repo: Repo, file: HubFile, start: int
    ) -> Iterator[RunningTransfer]:
        """Open a transfer of a file's bytes from position `start` on, for a `with` body.

        A server without support for ranges sends the whole file; `RunningTransfer.start` is then 0.

        Raises:
            DownloadInterruptedError: The connection ended too early, perhaps during the transfer.
        """
        headers = build_hf_headers(token=self._token) | {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
        url = self._build_url(repo, file)
        # The storage does not get the token: httpx drops it on a redirect to another origin.
        with (
            self._translate_errors(repo.name, None),
            get_session().stream("GET", url, headers=headers, timeout=timeout) as response,
        ):
            hf_raise_for_status(response)
            yield RunningTransfer(*_parse_start_and_total(response), response.iter_raw())

    def _build_url(self, repo: Repo, file: HubFile) -> str:
        return hf_hub_url(repo.name, file.name, revision=repo.commit, endpoint=self.endpoint)

    @contextmanager
    def _translate_errors(self, repo: str, revision: str | None) -> Iterator[None]:
        """Translate errors of hub and network in the `with` body into errors with a remedy."""
        try:
            yield
        except Exception as error:
            translated = translate_hub_error(
                error, self.endpoint, repo, revision, with_token=bool(self._token)
            )
            if translated is None:
                raise
            raise translated from error


def _parse_and_check_hub_file(repo: str, file: RepoSibling) -> HubFile:
    """Parse name, size and hash of a file from the hub's list of files.

    Raises:
        DownloadError: A value is missing, or the name could lead outside of the cache.
    """
    digest = file.lfs.sha256 if file.lfs else file.blob_id
    path = PurePosixPath(file.rfilename)
    odd = path.is_absolute() or ".." in path.parts or set('\\:*?"<>|\0') & set(file.rfilename)
    if odd or file.size is None or not _HASH.fullmatch(digest or ""):
        raise DownloadError(
            f"The hub states no usable name, size and hash of {file.rfilename} in {repo}.",
            "The download could not be checked. Choose another repository.",
        )
    return HubFile(file.rfilename, file.size, digest or "")


def _parse_start_and_total(response: httpx2.Response) -> tuple[int, int | None]:
    """Parse from a response the position of its first byte in the file, and the file's length.

    The length is None if it is not stated.

    Raises:
        DownloadError: The response is partial, but does not state its position.
    """
    if response.status_code == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if span is None:
            raise DownloadError(
                "The server does not say which part of the file it sends.", "Try again later."
            )
        return int(span[1]), int(span[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None
