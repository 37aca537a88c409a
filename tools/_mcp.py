"""Tools of MCP servers (modelcontextprotocol.io): one session per server, open as long as the process works.

`mcp.json` is the file that other MCP clients read: {"mcpServers": {"crm": {"command": "crm-mcp", "args": [],
"env": {}}}} for a program, {"url": "https://...", "headers": {}} for an address; ${NAME} in values is a
variable of the environment. A tool is called by its server's name and its own: `crm_search`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tools import add, remove

# Seconds for a server to come up, at start and again after it was lost.
START = 20
AGAIN_FIRST, AGAIN_LONGEST = 1.0, 60.0
# What a foreign program learns of our environment: none of our keys, unless its `env` names one.
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TERM",
    "SHELL",
    "USER",
    "LOGNAME",
    "SYSTEMROOT",
)

log = structlog.get_logger()


class BadMcpFile(ValueError):
    """The file of servers cannot be used; the message says where and why."""


class ServerConfig(BaseModel):
    """One server: a program to start, or an address."""

    model_config = ConfigDict(extra="ignore")

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    url: str = Field("", pattern=r"^(https?://.*)?$")
    headers: dict[str, str] = {}
    disabled: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> ServerConfig:
        if bool(self.command) == bool(self.url):
            raise ValueError("give command or url, one of both")
        return self

    def connection(self) -> Any:
        """As `langchain_mcp_adapters.sessions` wants it."""
        if self.url:
            headers = {name: _expanded(value) for name, value in self.headers.items()}
            return {"transport": "streamable_http", "url": self.url, "headers": headers}
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env = {**kept, **{name: _expanded(value) for name, value in self.env.items()}}
        return {"transport": "stdio", "command": self.command, "args": self.args, "env": env}


def _expanded(value: str) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], ""), value)


def servers(path: Path) -> dict[str, ServerConfig]:
    """The servers of an mcp.json by name. Raises BadMcpFile."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = found["mcpServers"]
        names = [name for name in rows if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name)]
        if names:
            raise BadMcpFile(
                f"MCP_FILE: {path}: name servers with small letters, digits and _, not {', '.join(names)}"
            )
        return {name: ServerConfig.model_validate(row) for name, row in rows.items()}
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, BadMcpFile):
            raise
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else repr(error)
        raise BadMcpFile(
            f'MCP_FILE: {path}: write {{"mcpServers": {{"NAME": {{"command": ...}}}}}} ({why})'
        ) from None


class _Server:
    """A server's session; its tools speak to whichever one is open now."""

    def __init__(self, name: str, config: ServerConfig) -> None:
        self.name, self._config = name, config
        self._session: Any = None
        self._lost, self.up = asyncio.Event(), asyncio.Event()
        self.tools: list[Any] = []

    async def list_tools(self, **asked: Any) -> Any:
        """What the server has."""
        return await self._session.list_tools(**asked)

    async def call_tool(self, *given: Any, **more: Any) -> Any:
        """What the tools call. Raises when the server is away; the agent is told so."""
        if self._session is None:
            raise ConnectionError(f"the MCP server {self.name} is away")
        try:
            return await self._session.call_tool(*given, **more)
        except Exception as error:
            if (
                type(error).__name__ != "McpError"
            ):  # an answer, however unwelcome; anything else ends the session
                self._lost.set()
            raise

    async def run(self) -> None:
        """Keep a session open, and open it anew when it is lost; the first try decides whether there are
        tools."""
        from langchain_mcp_adapters.sessions import create_session
        from langchain_mcp_adapters.tools import load_mcp_tools

        pause = AGAIN_FIRST
        while True:
            try:
                self._lost.clear()
                async with create_session(self._config.connection()) as session:
                    await asyncio.wait_for(session.initialize(), START)
                    self._session = session
                    if not self.tools:
                        mine: Any = self
                        loading = load_mcp_tools(mine, server_name=self.name, tool_name_prefix=True)
                        self.tools = await asyncio.wait_for(loading, START)
                    self.up.set()
                    pause = AGAIN_FIRST
                    await self._lost.wait()
                    log.warning("mcp_server_lost", server=self.name)
            except Exception as error:  # whatever a foreign program does, the other servers work
                log.error("mcp_server_away", server=self.name, error=repr(error)[:300])
            self._session = None
            if not self.tools:
                return  # named and skipped: it has no tools until the next start
            await asyncio.sleep(pause)
            pause = min(AGAIN_LONGEST, pause * 2)


@contextlib.asynccontextmanager
async def connected(path: Path | None) -> AsyncGenerator[list[str], None]:
    """The tools of every server of the file are among `tools.found()` while the block runs; the names of
    those servers. A server that does not come up is named in the log and skipped. Raises BadMcpFile."""
    wanted = (
        {name: _Server(name, config) for name, config in servers(path).items() if not config.disabled}
        if path
        else {}
    )
    if wanted and importlib.util.find_spec("langchain_mcp_adapters") is None:
        log.error("mcp_not_installed", advice="MCP_FILE is set: run make mcp")
        wanted = {}
    tasks = {name: asyncio.create_task(server.run()) for name, server in wanted.items()}
    working: list[str] = []
    try:
        for name, server in wanted.items():
            up = asyncio.create_task(server.up.wait())
            await asyncio.wait([up, tasks[name]], timeout=START, return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            if not server.up.is_set():
                log.error(
                    "mcp_server_skipped", server=name, advice="see that it starts; its tools are not offered"
                )
                continue
            add(f"MCP server {name}", server.tools)
            working.append(name)
            log.info("mcp_server_up", server=name)
        yield working
    finally:
        for name in wanted:
            remove(f"MCP server {name}")
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
