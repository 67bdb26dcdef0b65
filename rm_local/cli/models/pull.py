"""`rm-local models pull`: downloads a model. No other `models` command opens a connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.options import JSON
from rm_local.cli.progress import ProgressPrinter, open_progress_printer
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.library import DownloadedFile, HubModel, HubReference, Repo

KEPT = "Stopped. The downloaded part is kept. Run the same command again to continue."


@click.command()
@click.argument("model", metavar="NAME | ORG/REPO[:FILE or QUANT]")
@click.option("--revision", metavar="REV", help="A branch, tag or commit; by default main.")
@JSON
def pull(model: str, revision: str | None, as_data: bool) -> None:
    """Download a model from the hub into the hub's own cache, which other programs share.

    NAME is one of `rm-local models catalog`. In a repository, name a quantisation such as Q6_K in
    any case, or a file; the default is Q4_K_M or the nearest to it. All parts of a split model are
    downloaded. Disk space is checked first, and the files against the hub's hashes. To continue a
    download that was stopped, run the same command again.

    HF_TOKEN gives access to repositories whose licence you have accepted. Prints the model's path.
    """
    from rm_local.library import check_hub_variables

    check_hub_variables()  # before an import of the hub's client, which fails with some values
    wanted = _resolve_hub_reference(model, revision)
    try:
        with open_progress_printer() as printer:
            repo, chosen, arrived = _announce_and_download_model(wanted, printer)
    except KeyboardInterrupt:
        click.echo(KEPT, err=True)
        raise
    if as_data:
        click.echo(json.dumps(_download_as_json(repo, chosen, arrived)))
    else:
        click.echo(arrived[0].path)
    _warn_if_memory_short(arrived[0].path)


def _resolve_hub_reference(model: str, revision: str | None) -> HubReference:
    """Convert a name of the catalog, or `ORG/REPO[:FILE or QUANT]`, to a reference of the hub."""
    from rm_local.library import find_catalog_entry, parse_hub_reference

    if "/" in model:
        return parse_hub_reference(model, revision)
    entry = find_catalog_entry(model)
    return parse_hub_reference(f"{entry.repo}:{entry.quant}", revision)


def _announce_and_download_model(
    wanted: HubReference, printer: ProgressPrinter
) -> tuple[Repo, HubModel, list[DownloadedFile]]:
    """Download the files of the wanted model that are not in the hub's cache.

    Return the repository, the model chosen in it, and its files. The disk space is checked first.
    """
    from rm_local.library import (
        HubClient,
        build_cache_paths,
        choose_model,
        count_missing_bytes,
        download_file_unless_cached,
        get_hub_cache_folder,
        require_download_space,
    )

    hub, root = HubClient(), get_hub_cache_folder()
    repo = hub.fetch_repo_and_gguf_list(wanted.repo, wanted.revision)
    model = choose_model(repo, wanted.which)
    places = build_cache_paths(root, repo, model)
    needed = count_missing_bytes(places, model)
    _print_download_and_memory_warning(repo, model, needed)
    require_download_space(root, needed)
    arrived = []
    for file, place in zip(model.files, places, strict=True):
        if not place.is_snapshot_complete(file.size):
            hub.check_file_access_and_hash(repo, file)
        revision = wanted.revision or "main"
        arrived.append(download_file_unless_cached(hub, repo, file, place, revision, printer))
        printer.end_line()
    return repo, model, arrived


def _print_download_and_memory_warning(repo: Repo, model: HubModel, needed: int) -> None:
    """Print the files of the model, how much is to download, and a warning if memory is short.

    `needed` is the number of bytes to download.
    """
    from rm_local.text import one_line

    licence = one_line(repo.licence) or "no licence stated"
    click.echo(f"{one_line(repo.name)} at {repo.commit[:8]}, {licence}", err=True)
    for file in model.files:
        click.echo(f"  {one_line(file.name)}  {format_bytes(file.size)}", err=True)
    rest = f"{format_bytes(needed)} to download" if needed else "all downloaded already"
    click.echo(f"  {format_bytes(model.size)} in all, {rest}", err=True)
    if warning := _describe_weights_shortage_or_empty(model.size):
        click.echo(f"warning: {warning}", err=True)


def _describe_weights_shortage_or_empty(size: int) -> str:
    """Describe that weights of `size` bytes do not fit the free memory; empty if they do."""
    from rm_local.cli.devices import parse_usable_gpus
    from rm_local.cli.subprocess_json import run_json_module
    from rm_local.engine import PROCESS_BYTES
    from rm_local.system import measure_free_memory

    free = measure_free_memory()
    if free is None or size + PROCESS_BYTES <= free:
        return ""
    cards = [
        each
        for each in parse_usable_gpus(run_json_module("rm_local.engine.worker.build_info"))
        if not each.has_only_main_memory
    ]
    there = sum(each.free for each in cards)
    if size + PROCESS_BYTES <= free + there:
        return ""
    names = ", ".join(each.name for each in cards)
    on_cards = f" and {format_bytes(there)} on {names}" if cards else ""
    return (
        f"the model needs more than {format_bytes(size + PROCESS_BYTES)} of memory; "
        f"{format_bytes(free)} are free{on_cards}."
    )


def _warn_if_memory_short(path: Path) -> None:
    """Print a warning if the free memory is too small for the model with its usual context."""
    from rm_local import settings
    from rm_local.cli.models.memory_report import MemoryEstimate
    from rm_local.errors import RmLocalError
    from rm_local.library import read_model_description
    from rm_local.system import measure_free_memory

    try:
        warning = MemoryEstimate.list_devices_and_estimate_memory(
            settings.load_settings(), read_model_description(path), 0, measure_free_memory()
        ).describe_shortage_or_empty()
    except RmLocalError:
        return  # not a model that reasons: `models info` reports it
    if warning:
        click.echo(f"warning: at the usual context it needs {warning}", err=True)


def _download_as_json(
    repo: Repo, model: HubModel, arrived: list[DownloadedFile]
) -> dict[str, object]:
    """Convert the result of a download to the JSON object that the command prints."""
    return {
        "repo": repo.name,
        "commit": repo.commit,
        "licence": repo.licence,
        "quant": model.quant,
        "bytes": model.size,
        "path": str(arrived[0].path),
        "files": [
            {
                "name": each.file.name,
                "bytes": each.file.size,
                "hash": each.file.hash,
                "fetched": each.fetched,
                "path": str(each.path),
            }
            for each in arrived
        ],
    }
