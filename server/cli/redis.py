"""`salesgraph redis`: look after the data in Redis."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from redis.exceptions import RedisError
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.cli.common import NO_REDIS, console, load_settings
from server.config.server_settings import SCHEMES
from server.store.client import client
from server.store.copy import CopyError, copy
from server.store.embedded import EmbeddedRedis

redis_commands = typer.Typer(no_args_is_help=True, help="Look after the data in Redis.")


@redis_commands.callback()
def _redis() -> None:
    """Look after the data in Redis."""


@redis_commands.command("copy")
def copy_redis(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="URL, or `embedded` for the server in DATA_DIR")
    ],
    target: Annotated[
        str, typer.Argument(metavar="DST", help="URL of an empty server or cluster, or `embedded`")
    ],
) -> None:
    """Copy everything from one Redis to another and check it. Stop web and workers first."""
    settings = load_settings()
    embedded = EmbeddedRedis(settings.data_dir)
    try:
        urls = [embedded.start() if name == "embedded" else name for name in (source, target)]
        for name, url in zip(("SRC", "DST"), urls, strict=True):
            if not url.startswith(SCHEMES):
                console.print(
                    f"{name}: {url!r} is no URL; start it with {', '.join(SCHEMES)}, or write embedded"
                )
                raise SystemExit(2)
        asyncio.run(_copy(*urls))
    except (CopyError, RuntimeError) as error:
        console.print(f"[red]not copied[/] {escape(str(error))}")
        raise SystemExit(1) from None
    except (RedisError, OSError) as error:
        console.print(f"[red]Redis does not answer[/] ({escape(str(error))})")
        raise SystemExit(NO_REDIS) from None
    finally:
        embedded.stop()


async def _copy(source: str, target: str) -> None:
    here, there = client(source), client(target)
    with Progress(
        TextColumn("copying"), BarColumn(), MofNCompleteColumn(), TextColumn("keys"), console=console
    ) as bar:
        task = bar.add_task("", total=None)
        copied = await copy(here, there, lambda done, total: bar.update(task, completed=done, total=total))
    print(f"{copied.keys} keys with {copied.elements} elements copied and the same on both sides")
    await here.aclose()
    await there.aclose()
