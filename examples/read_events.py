"""Read the events of a question from another program: `rm-local ask --json`, one object a line.

docs/reference/events.md lists the events. A reader ignores those that it does not know.
"""

from __future__ import annotations

import json
import subprocess
import sys

QUESTION = "What is the kinetic energy for mass 4 kg and speed 6 m/s?"


def main(question: str) -> int:
    """Print what happens; the exit code of `rm-local ask`."""
    command = [sys.executable, "-m", "rm_local", "ask", "--json", question]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout
        for line in process.stdout:
            event = json.loads(line)
            match event["event"]:
                case "formulated":
                    print("subproblem:", event["subproblem"])
                case "retrieved":
                    print("entries:", *(hit["id"] for hit in event["hits"]))
                case "answered":
                    print("answer:", event["answer"])
                case "failed":
                    print("failed:", event["message"], file=sys.stderr)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:]) or QUESTION))
