"""`salesgraph chat`: a bot in the terminal."""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import Annotated, Any

import typer

from server.cli.common import bot_or_exit, connect, load_settings
from server.config.settings import Settings
from server.observability import logs
from server.store.client import Redis


def chat(bot: Annotated[str, typer.Option(help="bot id")] = "demo") -> None:
    """Talk to a bot in the terminal, without WhatsApp. Nothing is kept."""
    settings = load_settings()
    redis, embedded = connect(settings)
    try:
        asyncio.run(_chat(settings, redis, bot))
    finally:
        if embedded:
            embedded.stop()


async def _chat(settings: Settings, redis: Redis, bot_id: str) -> None:
    from langchain_core.messages import HumanMessage
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.documents import Bookshelf
    from agent.graph import build
    from channels.markup import to_whatsapp
    from server.pipeline.agents import library, models

    bot = await bot_or_exit(settings, redis, bot_id)
    logs.configure("ERROR")
    graph = build(models(settings), Bookshelf(library(settings, redis)), InMemorySaver())
    print(f"{bot.context.business} ({bot.context.model}). An empty line ends.")
    while line := await asyncio.to_thread(sys.stdin.readline):
        if not line.strip():
            break
        turn = {"messages": [HumanMessage(line.strip())], "bot_id": bot.id, "turn_id": uuid.uuid4().hex}
        answer: Any = await graph.ainvoke(  # pyright: ignore[reportUnknownMemberType]
            turn, {"configurable": {"thread_id": "terminal"}}, context=bot.context
        )
        print("\n".join(to_whatsapp(reply) for reply in answer.get("replies", [])) or "(silence)")
    await redis.aclose()
