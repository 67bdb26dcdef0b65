"""Renders chat templates, one JSON object a line.

Run `python -m rm_local.engine.worker.templates.render_process`.

Templates come from files of strangers. This process has nothing to lose: it opens no files once
it is ready, has little memory and little time, and the worker kills it when it does not answer.
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

from rm_local.engine.worker.templates.jinja_env import Refusal, environment
from rm_local.engine.worker.templates.render_protocol import SECONDS, Job, Rendered

LONGEST = 1 << 20
"""Characters of a rendered template at most."""
_MEMORY = 512 << 20
"""Bytes of address space beyond what the process has when it starts."""
_FIRST = (
    "{{ messages | tojson }}{{ strftime_now('%Y') }}",
    "{% if %}",
    "{{ messages.__class__.x }}",
    "{{ raise_exception('') }}",
    "{{ 1 / 0 }}",
)
"""Rendered before files are closed to it: Python and Jinja load parts of theirs at first use."""


def render(job: Job) -> Rendered:
    """Render one template; what goes wrong is told, not raised."""
    try:
        return {"text": "".join(_bounded(_compiled(job["template"]), job["variables"]))}
    except TemplateSyntaxError as error:
        return {"fault": f"cannot be read: {error.message}", "line": error.lineno}
    except Refusal as error:
        return {"fault": f"refuses these messages: {error}", "refused": True, "line": _line(error)}
    except SecurityError as error:
        return {"fault": f"does what is not allowed: {error}", "line": _line(error)}
    except MemoryError:
        return {"fault": "needs too much memory", "line": 0}
    except RecursionError:
        return {"fault": "calls itself without end", "line": 0}
    except Exception as error:
        why = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        return {"fault": f"fails: {why}", "line": _line(error)}


@lru_cache(maxsize=4)
def _compiled(source: str) -> Template:
    return environment().from_string(source)


def _bounded(template: Template, variables: dict[str, Any]) -> Iterator[str]:
    length = 0
    for piece in template.generate(variables):
        length += len(piece)
        if length > LONGEST:
            raise SecurityError(f"it writes more than {LONGEST:,} characters")
        yield piece


def _line(error: Exception) -> int:
    """The line of the template that was being rendered; 0 when that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename in ("<template>", "<unknown>")]
    return lines[-1] if lines else 0


def _confine() -> None:
    """Take from this process what it does not need; as far as the system knows how."""
    try:
        import resource
    except ImportError:
        return
    most = {resource.RLIMIT_NOFILE: 3, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most[resource.RLIMIT_AS] = pages * resource.getpagesize() + _MEMORY
    for limit, value in most.items():
        _, given = resource.getrlimit(limit)
        least = value if given == resource.RLIM_INFINITY else min(value, given)
        resource.setrlimit(limit, (least, least))


def serve(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Say that it is ready, then answer each line until there are no more."""
    replies.write(b"{}\n")
    for line in jobs:
        _limit_time(SECONDS)
        reply = json.dumps(render(json.loads(line))).encode() + b"\n"
        _limit_time(0)
        replies.write(reply)


def _limit_time(seconds: float) -> None:
    """Let the system end this process after it has computed for so long; 0 = do not."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def main() -> None:
    """Render for the worker that holds the other ends of descriptors 0 and 1."""
    for template in _FIRST:
        render({"template": template, "variables": {"messages": []}})
    _confine()
    with open(1, "wb", buffering=0, closefd=False) as replies:
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
