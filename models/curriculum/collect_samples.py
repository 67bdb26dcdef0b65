"""Common parts of measurements of a model: options, and samples collected into a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from models.compare.run import fingerprint_run
from models.curriculum.ask_runtime import SEED
from models.sample_file import KeyedSample, SampleFile
from rm_local import paths
from rm_local.errors import RmLocalError, UsageError
from rm_local.loop import Plan
from rm_local.runtime import Runtime
from rm_local.settings import Settings

CONTEXT = 2048
PROGRESS_EVERY = 20
"""Number of new samples between two lines of progress."""

S = TypeVar("S", bound=KeyedSample)
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options common to all measurements to the parser."""
    parser.add_argument("--model", type=Path, help="GGUF file; without it the shipped one")
    # Not the user's own store as well: samples depend on one file, whose hash they name.
    parser.add_argument(
        "--store", type=Path, default=paths.shipped_store(), help="without it the shipped one"
    )
    parser.add_argument("--threads", type=int, default=0, help="as the setting; 0: by itself")
    parser.add_argument("--out", type=Path, required=True, help="samples, JSON Lines")


def open_runtime(args: argparse.Namespace) -> Runtime:
    """Return a runtime for the parsed options; the model is not loaded yet."""
    settings = Settings(context=CONTEXT, threads=args.threads)
    return Runtime(settings, model=args.model, store=args.store)


def fingerprint_samples(runtime: Runtime, plans: Sequence[Plan], **more: object) -> dict[str, Any]:
    """Return the conditions that all samples of one file share.

    Raises:
        UsageError: The model's or the store's file does not exist.
    """
    for path, option in ((runtime.model, "--model"), (runtime.store, "--store")):
        if not path.is_file():
            raise UsageError(f"{path} does not exist.", f"Name another file with {option}.")
    made = fingerprint_run(runtime.model, runtime.store, plans)
    return {**made, "context": CONTEXT, "seed": SEED, **more}


async def collect_missing_samples(
    file: SampleFile[S], wanted: Mapping[K, T], ask: Callable[[T], Awaitable[S]]
) -> list[S]:
    """Ask for those `wanted` samples that the file lacks; return all wanted samples.

    `wanted` has what to ask by the key of the sample; `ask` makes a sample of it.
    """
    missing = [asked for key, asked in wanted.items() if key not in file.samples]
    began = time.perf_counter()
    for number, asked in enumerate(missing, 1):
        file.add_sample(await ask(asked))
        if number % PROGRESS_EVERY == 0:
            left = (time.perf_counter() - began) / number * (len(missing) - number) / 60
            print(f"{number} of {len(missing)}, {left:.0f} min left", file=sys.stderr, flush=True)
    return [file.samples[key] for key in wanted]


def run_measurement(work: Coroutine[Any, Any, None]) -> int:
    """Run the coroutine to its end; print an error with its remedy; return the exit code."""
    try:
        asyncio.run(work)
    except RmLocalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped; the same command continues.", file=sys.stderr)
        return 130
    return 0
