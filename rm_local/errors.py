"""One tree of errors. Each says what happened and what to do, and carries the exit code."""

from __future__ import annotations


class RmLocalError(Exception):
    """Something that the user can mend: `message` says what happened, `remedy` what to do."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class UsageError(RmLocalError):
    """The command, the question or the settings are not right."""

    exit_code = 2


class SettingsError(UsageError):
    """The settings file holds something that is not a setting, or not a value for it."""


class HomeMissing(SettingsError):
    """There is no folder for the user's files."""


class EngineError(RmLocalError):
    """The model or the worker process that runs it."""

    exit_code = 3


class ModelMissing(EngineError):
    """There is no file where the model should be."""


class ModelInvalid(EngineError):
    """The file is no GGUF, is cut short, or is of a kind that llama.cpp cannot run."""


class ModelRefused(ModelInvalid):
    """llama.cpp does not load the file: it does not know it, or got no memory for it."""


class NoRoom(EngineError):
    """llama.cpp got no memory for a context."""


class ContextOverflow(EngineError):
    """Question, hint and budget need more tokens than the context holds."""


class MemoryShort(EngineError):
    """The model and its context need more memory than is free; nothing was allocated."""


class WorkerDied(EngineError):
    """The worker process ended without being asked to."""


class StoreError(RmLocalError):
    """The file of entries."""

    exit_code = 4


class StoreMissing(StoreError):
    """There is no store at that path."""


class StoreInvalid(StoreError):
    """The file is no store, is cut short, or is damaged."""


class StoreVersion(StoreError):
    """The store was written in another format version."""


class StoreEmbedder(StoreError):
    """The store's vectors come from another embedder."""


class StoreReadOnly(StoreError):
    """The store cannot be written to."""


class DownloadError(RmLocalError):
    """The hub, the way to it, the disk, or what came is not as it should be."""


class DownloadCut(DownloadError):
    """A download ended early; what has come is kept, and the same command goes on from there."""


class Stopped(RmLocalError):
    """The user stopped before there was an answer. Every interrupted command has this exit code."""

    exit_code = 130
