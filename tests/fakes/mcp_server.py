"""An MCP server over standard input and output, or over HTTP, with tools that behave and tools that do
not."""

from __future__ import annotations

import os
import sys
import time

from mcp.server.fastmcp import FastMCP, Image

server = FastMCP("shop", port=int(os.environ.get("MCP_PORT", "8765")), log_level="ERROR")
calls = 0


@server.tool()
def stock(article: str) -> str:
    """How many of an article are in stock."""
    global calls
    calls += 1
    return (
        f"{article}: 7 in stock (call {calls} of process {os.getpid()}, key "
        f"{os.environ.get('SHOP_KEY', 'none')})"
    )


@server.tool()
def fails(article: str) -> str:
    """Always fails."""
    raise ValueError(f"{article} costs 1 tenge, says the error")


@server.tool()
def slow() -> str:
    """Takes for ever."""
    time.sleep(60)
    return "late"


@server.tool()
def long() -> str:
    """Says too much."""
    return "x" * 100_000


@server.tool()
def picture() -> Image:
    """A picture."""
    return Image(data=b"\x89PNG" + b"0" * 50_000, format="png")


@server.tool()
def dies() -> str:
    """Ends its process."""
    os._exit(3)


@server.tool(description="")
def silent() -> str:
    return "nobody knows what I do"


if __name__ == "__main__":
    server.run("streamable-http" if "--http" in sys.argv else "stdio")
