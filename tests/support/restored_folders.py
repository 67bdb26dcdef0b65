"""A made-up user's folders, put back as they were after each run of a command."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from tests.support.user_files import make_home, make_user_files

State = tuple[int, int, int]


class RestoredFolders:
    """The folders `work`, the current one of the runs, and `home`, RM_LOCAL_HOME, below `root`."""

    def __init__(self, root: Path) -> None:
        self.work, self.home = root / "work", root / "home"
        self.pristine = root / "pristine" / "work"
        """A copy of `work` that no run changes."""
        self._root = root
        for name, make in (("work", make_user_files), ("home", make_home)):
            made = root / "pristine" / name
            made.mkdir(parents=True)
            make(made)
            for path in [made, *sorted(made.rglob("*"))]:
                self._copy(path)
        self._before = self._scan()

    def _copy(self, path: Path) -> None:
        """Copy a file, link or empty folder to its place; of a pipe and the like, make a link."""
        target = self._root / path.relative_to(self._root / "pristine")
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            target.mkdir(exist_ok=True)
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            shutil.copy2(path, target, follow_symlinks=False)
        else:
            target.symlink_to(path)

    def _scan(self) -> dict[str, State]:
        """Read the state of each file and folder, by its path."""
        found: dict[str, State] = {}
        stack = [str(self.work), str(self.home)]
        while stack:
            with suppress(FileNotFoundError), os.scandir(stack.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                        found[f"{entry.path}/"] = (status.st_mode, 0, 0)
                    else:
                        found[entry.path] = (status.st_mode, status.st_size, status.st_mtime_ns)
        return found

    def restore(self) -> list[str]:
        """Put all back; return the paths of what was changed or lost, a folder's with a slash."""
        after = self._scan()
        changed = [path for path, state in self._before.items() if after.get(path) != state]
        for path in sorted(after.keys() - self._before.keys(), reverse=True):
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if path.endswith("/") else os.unlink(path)
        for path in sorted(changed):
            place = Path(path)
            if not path.endswith("/"):
                place.unlink(missing_ok=True)
            self._copy(self._root / "pristine" / place.relative_to(self._root))
            status = place.lstat()
            times = (0, 0) if path.endswith("/") else (status.st_size, status.st_mtime_ns)
            self._before[path] = (status.st_mode, *times)
        return changed
