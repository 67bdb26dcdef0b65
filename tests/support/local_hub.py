"""A hub on this machine: the protocol as huggingface_hub speaks it, and what can go wrong with it.

Two servers, as of two origins: the hub, which lists files and redirects to them, and the storage,
which sends their bytes and must never see a token.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PIECE = 16384


def data(size: int) -> bytes:
    """Bytes of a made-up file, each piece of which differs from the others."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


@dataclass
class Refusal:
    """An answer in place of the right one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Hub:
    """What the hub holds, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Of the only repository, org/tiny-GGUF."""
    licence: str = "apache-2.0"

    refuse: dict[str, Refusal] = field(default_factory=dict)
    """By `list`, `head`, `get` or `storage`."""
    cuts: list[int] = field(default_factory=list)
    """After how many bytes each next transfer is cut off; transfers after the last are whole."""
    ends: list[int] = field(default_factory=list)
    """As `cuts`, but the shortened transfer is announced and ended as if it were all."""
    stall_after: int | None = None
    """After how many bytes nothing more is sent, while the connection stays."""
    stated_hash: str = ""
    """What list and head say in place of the truth; `stated_head_hash`: the head alone."""
    stated_head_hash: str = ""
    stated_size: int = 0
    no_ranges: bool = False
    surplus: bytes = b""
    """Sent after the file, which is then announced without a length."""
    xet: bool = False
    """Whether it offers its own protocol for transfers too."""
    token: str = ""
    """Needed to read files when set, as of a gated repository."""
    at_piece: Any = None
    """Called before each piece of a transfer."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request, in their order."""
    ranges: list[str] = field(default_factory=list)
    """The Range of each transfer; empty for the whole file."""
    storage_tokens: list[str] = field(default_factory=list)
    url: str = ""
    storage_url: str = ""
    silent: threading.Event = field(default_factory=threading.Event)
    """Set when a transfer first stalls."""
    released: threading.Event = field(default_factory=threading.Event)
    """Set at the end, to free what stalls."""

    def digest(self, name: str) -> str:
        """The file's true SHA-256."""
        return hashlib.sha256(self.files[name]).hexdigest()

    def listing(self) -> dict[str, Any]:
        """The answer of the model info API."""
        return {
            "id": "org/tiny-GGUF",
            "sha": COMMIT,
            "gated": "auto" if self.token else False,
            "cardData": {"license": self.licence},
            "siblings": [self._sibling(name) for name in [".gitattributes", *self.files]],
        }

    def _sibling(self, name: str) -> dict[str, Any]:
        if name not in self.files:
            return {"rfilename": name, "size": 100, "blobId": "a" * 40}
        size = self.stated_size or len(self.files[name])
        sha256 = self.stated_hash or self.digest(name)
        return {
            "rfilename": name,
            "size": size,
            "blobId": "b" * 40,
            "lfs": {"size": size, "sha256": sha256, "pointerSize": 134},
        }


class _Handler(BaseHTTPRequestHandler):
    """What both servers share."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def handle(self) -> None:
        """One connection, which the other side may end as it likes."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refused(self, what: str) -> bool:
        refusal = self.hub.refuse.get(what)
        if refusal:
            self.answer(refusal.status, refusal.headers, refusal.body)
        return refusal is not None


class _Front(_Handler):
    """The hub itself: lists files, and says where they are."""

    def do_GET(self) -> None:
        self.hub.asked.append((self.command, self.path))
        path = self.path.split("?")[0]
        listed = re.fullmatch(r"/api/models/(org/[^/]+)(?:/revision/(.+))?", path)
        if listed:
            self._list(listed[1], listed[2])
        elif found := re.fullmatch(r"/org/tiny-GGUF/resolve/([^/]+)/(.+)", path):
            self._resolve(found[2])
        else:
            self.answer(404, {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815  # http.server's own names

    def _list(self, repo: str, revision: str | None) -> None:
        if self.refused("list"):
            return
        if repo != "org/tiny-GGUF":
            self.answer(404, {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", COMMIT):
            self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        else:
            body = json.dumps(self.hub.listing()).encode()
            self.answer(200, {"Content-Type": "application/json"}, body)

    def _resolve(self, name: str) -> None:
        hub = self.hub
        if self.refused("head" if self.command == "HEAD" else "get"):
            return
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            status = 403 if self.headers.get("Authorization") else 401
            self.answer(status, {"X-Error-Code": "GatedRepo"})
            return
        etag = hub.stated_head_hash or hub.stated_hash or hub.digest(name)
        headers = {
            "Location": f"{hub.storage_url}/{name}",
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(hub.stated_size or len(hub.files[name])),
        }
        if hub.xet:
            refresh = f"{hub.url}/api/models/org/tiny-GGUF/xet-read-token/{COMMIT}"
            headers |= {"X-Xet-Hash": "c" * 64, "Link": f'<{refresh}>; rel="xet-auth"'}
        self.answer(302, headers)


class _Storage(_Handler):
    """Where the bytes are."""

    def do_GET(self) -> None:
        hub, name = self.hub, self.path[1:]
        if token := self.headers.get("Authorization"):
            hub.storage_tokens.append(token)
        hub.ranges.append(self.headers.get("Range", ""))
        if self.refused("storage"):
            return
        data = hub.files[name] + hub.surplus
        asked = re.fullmatch(r"bytes=(\d+)-", hub.ranges[-1])
        start = int(asked[1]) if asked and not hub.no_ranges else 0
        if start >= len(data):
            self.answer(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        body, headers = data[start:], {}
        if hub.ends:
            body = body[: hub.ends.pop(0)]
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send_response(206 if start else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        if len(body) == len(data) - start and not hub.surplus:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")  # without a length the end is the end
            self.close_connection = True
        self.end_headers()
        self._send(body)

    def _send(self, body: bytes) -> None:
        hub = self.hub
        cut = hub.cuts.pop(0) if hub.cuts else len(body)
        for begin in range(0, min(cut, len(body)), PIECE):
            if hub.stall_after is not None and begin >= hub.stall_after:
                hub.silent.set()
                hub.released.wait()
            if hub.at_piece:
                hub.at_piece()
            with suppress(OSError):
                self.wfile.write(body[begin : min(begin + PIECE, cut)])
        if cut < len(body):
            self._reset()

    def _reset(self) -> None:
        """End the connection as a network does that breaks."""
        self.wfile.flush()
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """`hub` on two ports of this machine while the body runs."""
    servers = []
    for base in (_Front, _Storage):
        handler = type(base.__name__, (base,), {"hub": hub})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
    hub.url, hub.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    try:
        yield hub
    finally:
        hub.released.set()
        for server in servers:
            server.shutdown()
            server.server_close()
