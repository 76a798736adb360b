"""Code mode without an event loop, as in a plain script or a notebook: every call waits for its result.

Run it with `python examples/plain_script.py`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from codemode import blocking as codemode

TICKETS = Path(__file__).resolve().parent / "data" / "db" / "tickets.csv"

tools = codemode.ToolRegistry()


@tools.tool(read_only=True)
def tickets(priority: str) -> list[dict[str, str]]:
    """The tickets of a priority: low, normal or high."""
    with TICKETS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["priority"] == priority]


SCRIPTS = [
    """
    const high = await tools.tickets({ priority: "high" });
    store("high", high.map(({ id }) => id));
    text(`${high.length} tickets of high priority`);
    """,
    """
    text(`the first of them: ${load("high").sort()[0]}`);
    """,
]


def main() -> None:
    with codemode.open_session(tools) as session:  # what a script stores, the next one of the session loads
        for script in SCRIPTS:
            with session.open_turn() as turn:
                outcome = turn.run(script)
                print(outcome.text or outcome.error)


if __name__ == "__main__":
    main()
