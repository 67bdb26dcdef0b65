"""The exception classes of rm-local, each with a message, a remedy and a process exit code."""

from __future__ import annotations

SIGNAL_EXIT = 128
"""Exit code of a command that a signal ended, without the signal's number, which is added."""
_MEMORY_SIGNS = ("failed to map segment", "annot allocate memory", "can't start new thread")
"""What an error says where the system refused memory and Python raised no MemoryError."""


class RmLocalError(Exception):
    """Base class of the errors that are shown to the user.

    `message` states the fact, `remedy` what the user can do (may be empty), and `exit_code` is the
    exit code of a command that ends with the error.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


def is_caused_by_memory_shortage(error: BaseException) -> bool:
    """Return whether an error, or the one in whose handling it was raised, says "no memory".

    That is a MemoryError, a library that does not fit, a thread or a process that cannot start.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or any(sign in str(seen) for sign in _MEMORY_SIGNS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


class UsageError(RmLocalError):
    """The user's command, question or settings are invalid."""

    exit_code = 2


class SettingsError(UsageError):
    """The settings file has an unknown key or an invalid value."""


class HomeNotFoundError(SettingsError):
    """The user has no home folder, so that settings and other files have no place."""


class UnknownHomeError(SettingsError):
    """A path begins with `~`, or `~user`, and there is no such home folder."""


class EngineError(RmLocalError):
    """The model, or the worker process that runs it, failed."""

    exit_code = 3


class ModelNotFoundError(EngineError):
    """The model's file does not exist."""


class InvalidModelError(EngineError):
    """The file is not a GGUF, is truncated, or is of a kind that llama.cpp cannot run."""


class ModelLoadError(InvalidModelError):
    """llama.cpp cannot load the file: it does not support it, or memory is short."""


class ContextAllocationError(EngineError):
    """llama.cpp could not allocate a context."""


class ContextOverflowError(EngineError):
    """A prompt, with the room reserved for the answer, needs more tokens than the context holds."""


class InsufficientMemoryError(EngineError):
    """The program, or the model and its context, need more memory than is free."""


def make_memory_error() -> InsufficientMemoryError:
    """Make the error to show instead of one that `is_caused_by_memory_shortage` recognizes."""
    remedy = "Close other programs, ask for less at once, or raise limits (`ulimit -v`, `-u`)."
    return InsufficientMemoryError("There is not enough memory.", remedy)


class WorkerCrashedError(EngineError):
    """The worker process ended unexpectedly."""


class StoreError(RmLocalError):
    """The store's file is missing, unusable or damaged: the base class of errors of stores."""

    exit_code = 4


class StoreNotFoundError(StoreError):
    """The store does not exist."""


class CorruptStoreError(StoreError):
    """The file is not a store, is truncated, or is damaged."""


class StoreVersionError(StoreError):
    """The store was written in another format version."""


class EmbedderMismatchError(StoreError):
    """The store's vectors come from another embedder."""


class ReadOnlyStoreError(StoreError):
    """The store cannot be written to."""


class DownloadError(RmLocalError):
    """A download from the hub failed: the hub, the connection, the disk or the file is at fault."""


class DownloadInterruptedError(DownloadError):
    """A download ended early. The downloaded part is kept, and the same command resumes."""


class CancelledByUserError(RmLocalError):
    """The user cancelled the operation. An interrupted command has this exit code, too."""

    exit_code = 130
