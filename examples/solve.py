"""Solve questions from Python, with the model and the store that are shipped.

A `Runtime` opens the model, the store and the embedder when they are first needed. `Runtime.solve`
gives the events of one question; `Session` does the same, saves them and remembers the turns.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

from rm_local import PLANS, Runtime, Settings
from rm_local.loop import Answered, Failed, Formulated, Retrieved

QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"


async def main(question: str) -> None:
    """Print each phase as it ends, then the answer."""
    runtime = Runtime(Settings())
    try:
        async with aclosing(runtime.solve(question, PLANS["memory"])) as events:
            async for event in events:
                match event:
                    case Formulated(subproblem=subproblem):
                        print(f"subproblem: {subproblem}")
                    case Retrieved(hits=hits):
                        print(f"entries: {', '.join(str(hit.entry.id) for hit in hits)}")
                    case Answered(answer=answer):
                        print(f"answer: {answer.text} ({answer.agreed} of {answer.branches})")
                    case Failed(message=message):
                        print(f"failed: {message}", file=sys.stderr)
    finally:
        await runtime.close()


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or QUESTION))
