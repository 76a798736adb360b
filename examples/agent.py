"""An agent's side of code mode: a session with tools, one script, and its outcome as the model would read it.

Run it with `python examples/agent.py`. The script stands where your model's answer would.
"""

from __future__ import annotations

import trio
from tools import tools

import codemode

SCRIPT = """// @exec: {"yield_time_ms": 5000}
import { query } from "tools/db.js";

const { rows } = await query({ sql: "SELECT service, count(*) AS tickets FROM tickets GROUP BY 1 ORDER BY 2 DESC, 1" });
const counts = await Promise.all(rows.map(async ({ service, tickets }) => {
  const found = await tools.files__grep({ pattern: `^- Service: ${service}$`, directory: "incidents" });
  return `${service}: ${tickets} tickets, ${found.length} incident notes`;
}));
text(counts.slice(0, 3).join("\\n"));
"""


async def main() -> None:
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = await turn.exec(SCRIPT)
        show(outcome)
        while outcome.status == "running":  # a model would do something else now, and look again later
            outcome = await turn.wait(outcome.cell_id)
            show(outcome)
        print(f"{len(outcome.calls)} calls, {sum(call.status == 'ok' for call in outcome.calls)} of them ok")


def show(outcome: codemode.CellOutcome) -> None:
    for item in outcome.content():  # what goes back to the model: a header, and what the script said since
        print(item.text if item.type == "text" else f"[{item.type}]")


if __name__ == "__main__":
    trio.run(main)
