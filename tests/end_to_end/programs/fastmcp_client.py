"""A client of `codemode serve` that another project wrote, under asyncio: prints what came of some calls as JSON.

`fastmcp_client.py TOOLS|URL`: of a server of its own with these tools, or of one that is there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


def connect(place: str) -> Client[Any]:
    if place.startswith("http"):
        return Client(place)
    return Client(StdioTransport(sys.executable, ["-m", "codemode", "serve", "--tools", place]))


async def main(place: str) -> dict[str, Any]:
    async with connect(place) as client:

        async def call(name: str, **arguments: Any) -> Any:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            return [
                result.is_error,
                [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content[1:]],
            ]

        return {
            "tools": [tool.name for tool in await client.list_tools()],
            "exec": await call("exec", source="store('n', 1); text(await tools.double({ n: 21 }))"),
            "stored": await call("exec", source="text(load('n'))"),
            "image": await call("exec", source="image('data:image/png;base64,iVBORw==')"),
            "failed": await call("exec", source="throw new Error('mine')"),
            "side by side": await asyncio.gather(*(call("exec", source="text(await tools.meet())") for _ in range(4))),
            "begun": (await call("exec", source="yield_control(); text(await tools.double({ n: 4 }))"))[0],
            "waited": await call("wait", cell_id="9"),
        }


sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1]))))
