"""The process that renders chat templates: reads jobs and writes replies, one JSON line each.

Run `python -m rm_local.engine.worker.templates.render_process`.

Templates come from files that are not trusted. This process opens no files once it is ready, has
little memory and little time, and the worker kills it if it does not answer.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from jinja2 import Template, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError

from rm_local.engine.worker.templates.jinja_env import TemplateRefusedError, create_environment
from rm_local.engine.worker.templates.render_protocol import CPU_SECONDS, RenderJob, RenderReply

MAX_OUTPUT = 1 << 20
"""Maximum number of characters that a template may write."""
_EXTRA_MEMORY = 512 << 20
"""Bytes of address space that the process may use in addition to those at its start."""
_WARM_UP = (
    "{{ messages | tojson }}{{ strftime_now('%Y') }}",
    "{% if %}",
    "{{ messages.__class__.x }}",
    "{{ raise_exception('') }}",
    "{{ 1 / 0 }}",
)
"""Templates that are rendered once before opening files is forbidden.

They make Jinja import modules that it otherwise imports at first use."""


def render(job: RenderJob) -> RenderReply:
    """Render one template; return its text, or, in place of an exception, the fault."""
    try:
        return {
            "text": "".join(
                _render_with_limit(_compile_template(job["template"]), job["variables"])
            )
        }
    except TemplateSyntaxError as error:
        return {"fault": f"cannot be read: {error.message}", "line": error.lineno}
    except TemplateRefusedError as error:
        return {
            "fault": f"refuses these messages: {error}",
            "refused": True,
            "line": _find_template_line_or_zero(error),
        }
    except SecurityError as error:
        return {
            "fault": f"does something that is not allowed: {error}",
            "line": _find_template_line_or_zero(error),
        }
    except MemoryError:
        return {"fault": "needs too much memory", "line": 0}
    except RecursionError:
        return {"fault": "calls itself without end", "line": 0}
    except Exception as error:
        why = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        return {"fault": f"fails: {why}", "line": _find_template_line_or_zero(error)}


@lru_cache(maxsize=4)
def _compile_template(source: str) -> Template:
    return create_environment().from_string(source)


def _render_with_limit(template: Template, variables: dict[str, Any]) -> Iterator[str]:
    """Yield a rendered template in pieces.

    Raises:
        SecurityError: The template writes more than MAX_OUTPUT characters.
    """
    length = 0
    for piece in template.generate(variables):
        length += len(piece)
        if length > MAX_OUTPUT:
            raise SecurityError(f"it writes more than {MAX_OUTPUT:,} characters")
        yield piece


def _find_template_line_or_zero(error: Exception) -> int:
    """Return the number of the template's line at which `error` occurred; 0 if it is unknown."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename in ("<template>", "<unknown>")]
    return lines[-1] if lines else 0


def _forbid_files_and_limit_memory() -> None:
    """Forbid this process to open or write files, and limit its memory, if the system can do so."""
    try:
        import resource
    except ImportError:
        return
    limits = {resource.RLIMIT_NOFILE: 3, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + _EXTRA_MEMORY
    for limit, value in limits.items():
        _, current = resource.getrlimit(limit)
        least = value if current == resource.RLIM_INFINITY else min(value, current)
        resource.setrlimit(limit, (least, least))


def announce_ready_and_serve_jobs(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Write an empty reply when ready; then render each line of `jobs`, and write its reply."""
    replies.write(b"{}\n")
    for line in jobs:
        _set_or_lift_cpu_time_limit(CPU_SECONDS)
        reply = json.dumps(render(json.loads(line))).encode() + b"\n"
        _set_or_lift_cpu_time_limit(0)
        replies.write(reply)


def _set_or_lift_cpu_time_limit(seconds: float) -> None:
    """Let the system end this process after `seconds` more of CPU time; 0 = no limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def main() -> None:
    """Render the jobs on standard input, and write the replies to standard output."""
    for template in _WARM_UP:
        render({"template": template, "variables": {"messages": []}})
    _forbid_files_and_limit_memory()
    with open(1, "wb", buffering=0, closefd=False) as replies:
        announce_ready_and_serve_jobs(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
