"""`rm-local models bench`: measures prefill and decoding, of one branch and of many."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local import limits
from rm_local.cli.context import CliContext, print_notice_as_warning
from rm_local.cli.options import JSON, MODEL_PATH, FiniteRange
from rm_local.cli.progress import open_progress_printer
from rm_local.progress import ProgressCallback, make_share_reporter

if TYPE_CHECKING:
    from rm_local.bench import BusyBenchResult, EngineBenchResult, EngineBenchWorkload
    from rm_local.engine import Engine
    from rm_local.settings import Settings


@click.command("bench")
@click.argument("model", type=MODEL_PATH, required=False)
@click.option(
    "--rounds",
    type=click.IntRange(1, limits.MOST_ROUNDS),
    default=5,
    show_default=True,
    help="Number of measurements, of which medians are shown.",
)
@click.option(
    "--prompt",
    type=click.IntRange(16, 2048),
    default=256,
    show_default=True,
    help="Tokens of the question; at most a quarter of the model's trained context.",
)
@click.option(
    "--seconds",
    type=FiniteRange(0.05, limits.MOST_SECONDS),
    default=1.0,
    show_default=True,
    help="Approximate time that one branch writes in a round.",
)
@click.option(
    "--busy",
    is_flag=True,
    help="Measure decoding while a busy program runs on each core; starts and ends them.",
)
@JSON
@click.pass_obj
def measure_model(
    context: CliContext,
    model: Path | None,
    rounds: int,
    prompt: int,
    seconds: float,
    busy: bool,
    as_data: bool,
) -> None:
    """Measure MODEL (a GGUF file, or its name), by default the model in use.

    It is compared, on the same file and in the same run, with a bare loop over llama.cpp, and many
    branches with one after another. LoRA adapters are not loaded, since that loop supports none. On
    a busy machine the figures are worthless; the ratios suffer less.
    """
    import asyncio

    from rm_local.bench import EngineBenchWorkload
    from rm_local.library import (
        choose_settings_or_default_model,
        derive_model_name_without_place,
        ensure_model_file,
    )

    settings = context.with_overrides(model=model).load_settings()
    reference = choose_settings_or_default_model(settings)
    with open_progress_printer() as report:
        path = ensure_model_file(
            reference, make_share_reporter(report, "merge"), print_notice_as_warning
        )
        name = derive_model_name_without_place(settings, reference)
        if busy:
            slowed = asyncio.run(
                _measure_decoding_under_load(path, name, settings, rounds, seconds, report)
            )
        else:
            effort = EngineBenchWorkload(rounds, prompt, seconds)
            found = asyncio.run(
                _measure_engine_against_bare_loop(path, name, settings, effort, report)
            )
    if busy:
        click.echo(json.dumps(asdict(slowed)) if as_data else "\n".join(_format_busy_bench(slowed)))
        return
    click.echo(json.dumps(asdict(found)) if as_data else "\n".join(_format_engine_bench(found)))


async def _measure_engine_against_bare_loop(
    path: Path,
    name: str,
    settings: Settings,
    effort: EngineBenchWorkload,
    report: ProgressCallback,
) -> EngineBenchResult:
    """Run the benchmark of the engine against a bare loop over llama.cpp."""
    from rm_local.bench import BareLlamaLoopProcess, bench_engine

    engine, log = _create_bench_engine_and_log_path(settings)
    async with (
        engine,
        BareLlamaLoopProcess(path, settings.threads, settings.gpu_layers, log) as bare,
    ):
        return await bench_engine(engine, bare, path, effort, report, name=name)


async def _measure_decoding_under_load(
    path: Path,
    name: str,
    settings: Settings,
    rounds: int,
    seconds: float,
    report: ProgressCallback,
) -> BusyBenchResult:
    """Run the benchmark of decoding with one busy program per core."""
    from rm_local.bench import bench_engine_under_load
    from rm_local.system import count_usable_processors

    engine, _ = _create_bench_engine_and_log_path(settings)
    async with engine:
        return await bench_engine_under_load(
            engine,
            path,
            count_usable_processors(),
            rounds=rounds,
            seconds=seconds,
            report=report,
            name=name,
        )


def _create_bench_engine_and_log_path(settings: Settings) -> tuple[Engine, Path | None]:
    """Create an engine with the settings' threads and GPU layers; return it and its log's path."""
    from rm_local.engine import Engine
    from rm_local.folders import UnsavedFilesReporter
    from rm_local.options import EngineOptions

    notices = UnsavedFilesReporter(print_notice_as_warning)
    log, unlogged = (
        notices.get_worker_log_path_or_report(),
        partial(notices.report_unsaved_kinds_once, "the model's log"),
    )
    options = EngineOptions(threads=settings.threads, gpu_layers=settings.gpu_layers)
    return Engine(options, log=log, unlogged=unlogged), log


def _format_engine_bench(found: EngineBenchResult) -> list[str]:
    """Format the result of the benchmark as lines."""
    from rm_local.text import one_line

    rows = [
        f"{one_line(found.model)}, {one_line(found.device)}; medians of {found.rounds} rounds",
        f"reads  {found.prefill_tokens_per_s:10,.1f} tokens/s"
        f"   {found.prefill_ratio_to_bare:.2f} of llama.cpp alone",
        f"writes {found.decode_tokens_per_s:10,.1f} tokens/s"
        f"   {found.decode_ratio_to_bare:.2f} of llama.cpp alone",
        f"{'':18}{found.confidence_ratio:.2f} of that with log probabilities,"
        f" {found.grammar_ratio:.2f} under a grammar",
        f"first text after {found.time_to_first_token_s:.3f} s"
        f" ({found.prompt_tokens} tokens of question)",
        f"memory {found.memory_mb:,.0f} MB",
        "branches   tokens/s   to one after another",
    ]
    for number, speed in found.branches_tokens_per_s.items():
        times = found.branch_speedup.get(number, 1.0)
        rows.append(f"{number:>8} {speed:10,.1f}   {times:.2f}")
    return rows


def _format_busy_bench(found: BusyBenchResult) -> list[str]:
    """Format the result of the benchmark with busy programs as lines."""
    from rm_local.text import one_line
    from rm_local.units import format_count

    loops = format_count(found.loops, "busy program")
    rows = [
        f"{one_line(found.model)}, {one_line(found.device)}; medians of {found.rounds} rounds",
        f"branches   quiet, tokens/s   with {loops}   ratio",
    ]
    for number, quiet in found.quiet_tokens_per_s.items():
        busy, ratio = found.busy_tokens_per_s[number], found.ratio[number]
        rows.append(f"{number:>8} {quiet:17,.1f} {busy:{len(loops) + 7},.1f} {ratio:7.2f}")
    return rows
