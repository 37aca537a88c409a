"""`salesgraph import`: moving in, with chats and contacts from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from server.cli.common import bot_or_exit, console, load_settings, registry_of, with_redis
from server.config.settings import Settings
from server.store.client import Redis

if TYPE_CHECKING:
    from channels.chat_export import Export
    from server.bots.bot import BotRuntime
    from server.operators.importing import Report

import_commands = typer.Typer(no_args_is_help=True, help="Move in: chats and contacts from elsewhere.")


@import_commands.callback()
def _import() -> None:
    """Move in: chats and contacts from elsewhere."""


@import_commands.command("chat")
def import_chat(
    file: Annotated[Path, typer.Argument(help="_chat.txt of a WhatsApp export, or its .zip")],
    contact: Annotated[str, typer.Option(help="phone number of the contact, with country code")],
    us: Annotated[str, typer.Option(help="the business's name in the chat")] = "",
    bot: Annotated[str, typer.Option(help="bot id")] = "default",
    dates: Annotated[str, typer.Option(help="dmy, mdy or ymd; found out when not given")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be stored")] = False,
) -> None:
    """Put an exported chat before what is known of a conversation. Again changes nothing."""
    from channels.chat_export import NotAnExport, export_text, parse_export
    from server.operators.importing import NotImported

    settings = load_settings()
    if dates not in ("", "dmy", "mdy", "ymd"):
        console.print("--dates: use dmy, mdy or ymd")
        raise SystemExit(2)
    try:
        export = parse_export(export_text(file.read_bytes()), dates or None)

        async def job(redis: Redis) -> int:
            runtime = (await registry_of(settings, redis)).get(bot) or await _no_bot(settings, redis, bot)
            return await _chat(settings, runtime, export, contact, us, dry_run)

        refused = with_redis(settings, job)
    except (OSError, NotAnExport, NotImported) as error:
        console.print(f"[red]not imported[/] {escape(str(error))}", highlight=False)
        raise SystemExit(1) from None
    raise SystemExit(refused)


async def _chat(
    settings: Settings, runtime: BotRuntime, export: Export, contact: str, us: str, dry: bool
) -> int:
    from server.operators.importing import import_exported_chat
    from server.pipeline.agents import remember_import

    report, last, conversation_id = await import_exported_chat(runtime, export, contact, us, dry=dry)
    if last and not dry:
        await remember_import(settings, runtime.redis, runtime.bot.id, conversation_id, last)
    first, until = export.lines[0].at, export.lines[-1].at
    between = " and ".join(export.authors)
    print(f"{len(export.lines)} messages from {first:%Y-%m-%d} to {until:%Y-%m-%d} between {between}")
    _tell(report, dry)
    return 0


@import_commands.command("contacts")
def import_contacts(
    file: Annotated[
        Path, typer.Argument(help="CSV with a header line: phone, name, last_name, company, email, ...")
    ],
    bot: Annotated[str, typer.Option(help="bot id")] = "default",
    region: Annotated[
        str, typer.Option(help="ISO country of numbers without a country code, such as KZ")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be stored")] = False,
) -> None:
    """Store people as contacts, with a line for every row that is refused. Again changes nothing."""
    from server.operators.importing import NotImported

    settings = load_settings()
    try:
        text = file.read_bytes().decode("utf-8-sig")
        refused = with_redis(
            settings, lambda redis: _contacts(settings, redis, bot, text, region.upper(), dry_run)
        )
    except (OSError, UnicodeDecodeError, NotImported) as error:
        why = (
            f"{file} is not UTF-8; save it as UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        )
        console.print(f"[red]not imported[/] {escape(why)}", highlight=False)
        raise SystemExit(1) from None
    raise SystemExit(1 if refused else 0)


async def _contacts(settings: Settings, redis: Redis, bot_id: str, text: str, region: str, dry: bool) -> int:
    from server.operators.importing import contacts, people

    runtime = (await registry_of(settings, redis)).get(bot_id) or await _no_bot(settings, redis, bot_id)
    found, report = people(text, runtime, region or None)
    if not dry:
        stored = await contacts(redis, runtime, found)
        report.taken, report.known = stored.taken, stored.known
    _tell(report, dry)
    return len(report.refused)


def _tell(report: Report, dry: bool) -> None:
    for refused in report.refused:
        console.print(
            f"[yellow]line {refused.line}[/] {escape(refused.field)}: {escape(refused.why)}", highlight=False
        )
    for note in report.notes:
        console.print(f"note: {escape(note)}", highlight=False)
    verb = "would be stored" if dry else "stored"
    known = f", {report.known} were here already" if report.known else ""
    print(f"{report.taken} {verb}{known}, {len(report.refused)} refused")


async def _no_bot(settings: Settings, redis: Redis, bot_id: str) -> BotRuntime:
    await bot_or_exit(settings, redis, bot_id)
    raise SystemExit(2)
