"""`rm-local models pull`: the one command that opens a connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rm_local.cli.options import JSON
from rm_local.cli.progress import ProgressPrinter, print_progress
from rm_local.units import format_bytes

if TYPE_CHECKING:
    from rm_local.library import DownloadedFile, HubModel, HubReference, Repo

KEPT = "Stopped. What has come is kept; the same command goes on from there."


@click.command()
@click.argument("model", metavar="NAME | ORG/REPO[:FILE or QUANT]")
@click.option("--revision", metavar="REV", help="A branch, tag or commit; by default main.")
@JSON
def pull(model: str, revision: str | None, as_data: bool) -> None:
    """Fetch a model from the hub into the hub's own cache, which other programs share.

    NAME is one of `rm-local models catalog`. Of a repository, a quantisation such as Q6_K in any
    case, or a file, is taken; without one Q4_K_M or what comes nearest. A split model comes in all
    its parts. Disk space is looked at first, what arrives is checked against the hash that the hub
    states, and a download that was stopped goes on when the same command is given again.

    HF_TOKEN opens repositories with a licence to accept. Prints where the model lies.
    """
    wanted = _wanted(model, revision)
    try:
        with print_progress() as printer:
            repo, chosen, arrived = _fetch(wanted, printer)
    except KeyboardInterrupt:
        click.echo(KEPT, err=True)
        raise
    if as_data:
        click.echo(json.dumps(_told(repo, chosen, arrived)))
    else:
        click.echo(arrived[0].path)
    _warn_of_context(arrived[0].path)


def _wanted(model: str, revision: str | None) -> HubReference:
    """What the user means: a name of the catalog has no slash."""
    from rm_local.library import find_catalog_entry, parse_reference

    if "/" in model:
        return parse_reference(model, revision)
    entry = find_catalog_entry(model)
    return parse_reference(f"{entry.repo}:{entry.quant}", revision)


def _fetch(
    wanted: HubReference, printer: ProgressPrinter
) -> tuple[Repo, HubModel, list[DownloadedFile]]:
    """List, choose, look at the disk, and bring each file."""
    from rm_local.library import (
        Hub,
        check_download_fits,
        choose_model,
        count_missing_bytes,
        download_file,
        find_cache_entries,
        find_hub_cache,
    )

    hub, root = Hub(), find_hub_cache()
    repo = hub.fetch_repo(wanted.repo, wanted.revision)
    model = choose_model(repo, wanted.which)
    places = find_cache_entries(root, repo, model)
    needed = count_missing_bytes(places, model)
    _announce(repo, model, needed)
    check_download_fits(root, needed)
    arrived = []
    for file, place in zip(model.files, places, strict=True):
        if not place.is_complete(file.size):
            hub.confirm_file(repo, file)
        revision = wanted.revision or "main"
        arrived.append(download_file(hub, repo, file, place, revision, printer))
        printer.end_line()
    return repo, model, arrived


def _announce(repo: Repo, model: HubModel, needed: int) -> None:
    """What is going to be fetched, and a warning where it cannot be held in memory."""
    from rm_local.text import one_line

    licence = one_line(repo.licence) or "no licence named"
    click.echo(f"{one_line(repo.name)} at {repo.commit[:8]}, {licence}", err=True)
    for file in model.files:
        click.echo(f"  {one_line(file.name)}  {format_bytes(file.size)}", err=True)
    held = "all here already" if not needed else f"{format_bytes(needed)} to come"
    click.echo(f"  {format_bytes(model.size)} in all, {held}", err=True)
    if warning := _too_large(model.size):
        click.echo(f"warning: {warning}", err=True)


def _too_large(size: int) -> str:
    """Why weights of so many bytes cannot be held now, at any context; empty when they can."""
    from rm_local.cli.devices import usable_devices
    from rm_local.cli.subprocess_json import ask_child
    from rm_local.engine import PROCESS_BYTES
    from rm_local.system import free_memory

    free = free_memory()
    if free is None or size + PROCESS_BYTES <= free:
        return ""
    cards = [
        each
        for each in usable_devices(ask_child("rm_local.engine.worker.build_info"))
        if not each.shares
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


def _warn_of_context(path: Path) -> None:
    """Say when the model that has come does not fit at the context that a turn takes."""
    from rm_local import settings
    from rm_local.cli.models.memory_report import Fit
    from rm_local.errors import RmLocalError
    from rm_local.library import read_model
    from rm_local.system import free_memory

    try:
        warning = Fit.of(settings.load(), read_model(path), 0, free_memory()).warning()
    except RmLocalError:
        return  # no model to reason with: `models info` says so
    if warning:
        click.echo(f"warning: at the usual context it needs {warning}", err=True)


def _told(repo: Repo, model: HubModel, arrived: list[DownloadedFile]) -> dict[str, object]:
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
