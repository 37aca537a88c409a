"""`salesgraph studio open`: a conversation of production, copied into LangGraph Studio."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from server.cli.common import bot_or_exit, console, load_settings, registry_of, with_redis
from server.cli.prompts import STUDIO
from server.store.client import Redis

studio_commands = typer.Typer(no_args_is_help=True, help="LangGraph Studio: open a copy of a conversation.")


@studio_commands.callback()
def _studio() -> None:
    """LangGraph Studio: open a copy of a conversation."""


@studio_commands.command("open")
def open_conversation(
    conversation: Annotated[str, typer.Argument(help="id of the conversation")],
    mask: Annotated[bool, typer.Option("--mask", help="take people out of it first")] = False,
    url: Annotated[str, typer.Option(help="address of `make studio`")] = STUDIO,
) -> None:
    """Copy a conversation into Studio, with its bot's settings. Nothing that happens there comes back or is
    sent."""
    settings = load_settings()

    async def job(redis: Redis) -> int:
        from agent.checkpointer import RedisCheckpointer
        from server.replay.studio import StudioError, masked, open_in_studio
        from server.store.keys import thread_prefix

        for runtime in (await registry_of(settings, redis)).values():
            contact = await runtime.conversations.contact(conversation)
            if contact is None:
                continue
            saver = RedisCheckpointer(redis, prefix=thread_prefix(runtime.bot.id))
            found = await saver.aget_tuple({"configurable": {"thread_id": conversation}})
            values = dict(found.checkpoint["channel_values"]) if found else {}
            bot = await bot_or_exit(settings, redis, runtime.bot.id)
            try:
                page = open_in_studio(
                    url, runtime.bot.id, masked(values, contact) if mask else values, bot.context
                )
            except StudioError as error:
                console.print(f"[red]not copied[/] {escape(str(error))}", highlight=False)
                return 1
            print(page)
            console.print(f"{len(values.get('messages', []))} messages copied{', masked' if mask else ''}")
            return 0
        console.print(f"there is no conversation {escape(conversation)}")
        return 2

    raise SystemExit(with_redis(settings, job))
