"""What may be found under a path in place of a file: pipes, sockets, devices, folders, loops."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path


def make_pipe(folder: Path) -> Path:
    """A pipe that nobody writes to: opening it waits forever."""
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def make_socket(folder: Path) -> Path:
    """A socket that nobody listens on."""
    path, before = folder / "socket", Path.cwd()
    os.chdir(folder)  # the path of a socket has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)
    return path


def make_folder(folder: Path) -> Path:
    """A folder."""
    path = folder / "folder"
    path.mkdir()
    return path


def make_loop(folder: Path) -> Path:
    """A symbolic link to itself."""
    path = folder / "loop"
    path.symlink_to("loop")
    return path


def make_long_path(folder: Path) -> Path:
    """A name that is longer than file systems allow."""
    return folder / ("n" * 300)


def make_deep_path(folder: Path) -> Path:
    """A path that is longer than the system allows."""
    return folder.joinpath(*["deep"] * 1200)


def endless_device(_folder: Path) -> Path:
    """A device whose content has no end."""
    return Path("/dev/zero")


NO_FILES: list[Callable[[Path], Path]] = [
    make_pipe, make_socket, make_folder, make_loop, make_long_path, make_deep_path, endless_device,
]  # fmt: skip
