"""The commands of `rm-local store`, which build, describe, check, maintain and measure stores."""

from __future__ import annotations

import click

from rm_local.cli.lazy_group import CommandGroup

COMMANDS = {
    "build": "rm_local.cli.store.build:build",
    "info": "rm_local.cli.store.info:show_store_info",
    "verify": "rm_local.cli.store.verify:verify_store",
    "optimize": "rm_local.cli.store.optimize:optimize",
    "export": "rm_local.cli.store.export:export_store",
    "import": "rm_local.cli.store.import_:import_files",
    "merge": "rm_local.cli.store.merge:merge",
    "compact": "rm_local.cli.store.compact:compact",
    "diff": "rm_local.cli.store.diff:diff",
    "gate": "rm_local.cli.store.gate:measure_gate",
    "bench": "rm_local.cli.store.bench:bench_synthetic_store",
    "generate": "rm_local.cli.store.generate:generate",
}


@click.group(cls=CommandGroup, lazy=COMMANDS)
def store() -> None:
    """Build, describe, check, maintain and measure stores."""
