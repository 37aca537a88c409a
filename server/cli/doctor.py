"""What `salesgraph doctor` says: what to fix, and what might work better. It does not guess what it can
ask."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from redis.exceptions import RedisError, ResponseError

from agent.model_options import ModelOptions
from agent.models.failures import address_setting
from agent.models.usage import Meter, price_of
from channels.base import Linked
from server.bots.bot import Bot
from server.bots.knowledge import embedder
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.config.whatsapp_prices.prices_in_force import WhatsAppPrices
from server.observability import model_capabilities
from server.observability.model_checks import SECONDS, check_model, checked_call, silent_recording
from server.observability.redis_fitness import check_writing, inspect_redis
from server.pipeline.agents import models
from server.pipeline.transcription import Unheard, VoiceMessage, default_model, transcribe
from server.store.client import Redis
from server.store.keys import key
from server.store.wire.confirming import NotConfirmed, outlives
from server.web import webhook_check

# Seconds for everybody of a kind, such as all models.
PATIENCE = 180
# Meta changes its prices at most once a quarter: a rate card that was checked longer ago may be out of date.
PRICES_DAYS = 100
# What scripts use, each with arguments that do no harm to a key of the doctor's own; `{}` stands for it.
COMMANDS = {
    **dict.fromkeys(
        (
            *("GET", "INCR", "DEL", "EXISTS", "LLEN", "LPOP", "SPOP", "SMEMBERS"),
            *("HKEYS", "HGETALL", "ZCARD", "ZPOPMIN"),
        ),
        ("{}",),
    ),
    **{
        "TIME": (),
        "RENAME": ("{}", "{}"),
        "SET": ("{}", "1", "NX"),
        "EXPIRE": ("{}", "1"),
        "PEXPIRE": ("{}", "1"),
        "LINDEX": ("{}", "0"),
    },
    **dict.fromkeys(("HGET", "HEXISTS", "SISMEMBER", "ZSCORE", "ZREM", "SREM", "HDEL", "HMGET"), ("{}", "x")),
    **dict.fromkeys(("RPUSH", "LPUSH", "SADD"), ("{}", "x")),
    **dict.fromkeys(("LTRIM", "LRANGE", "ZRANGE"), ("{}", "0", "1")),
    **dict.fromkeys(("HSET", "HSETNX"), ("{}", "x", "1")),
    **{
        "HINCRBY": ("{}", "x", "1"),
        "LSET": ("{}", "0", "x"),
        "LREM": ("{}", "1", "x"),
        "ZADD": ("{}", "NX", "1", "x"),
    },
    **dict.fromkeys(("ZRANGEBYSCORE", "ZREMRANGEBYSCORE"), ("{}", "-inf", "0")),
    "ZREMRANGEBYRANK": ("{}", "0", "0"),
}
# Runs one of them, and says why it may not be run.
_TRIED = """
local answer = redis.pcall(unpack(ARGV))
return type(answer) == 'table' and answer.err or ''
"""


@dataclass
class Findings:
    """What is to be fixed, and what is worth knowing."""

    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def unwritable(folder: Path) -> str:
    """Why nothing can be kept in DATA_DIR, or nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        return f"{folder} cannot be written to ({error.strerror}); name a folder of your own"
    return ""


async def ask_outside(settings: Settings, redis: Redis | None, found: Findings, *, outside: bool) -> None:
    """Ask Redis and, where `outside`, models, providers and our own address whether they work."""
    if redis is not None:
        await _redis(settings, redis, found)
    if not outside:
        return
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        await _each(
            found,
            [
                lambda: _models(settings, redis, http, found),
                lambda: _other_models(settings, http, found),
                lambda: _router(settings, redis, http, found),
                lambda: _address(settings, http, found),
            ],
        )


async def _each(found: Findings, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    for job in jobs:
        try:
            await asyncio.wait_for(job(), PATIENCE)
        except TimeoutError:
            found.problems.append("somebody who was asked did not answer; try again, or see to the network")


async def _redis(settings: Settings, redis: Redis, found: Findings) -> None:
    try:
        asked = settings.confirmation
        known = await inspect_redis(redis, asked.replicas if asked else 0)
        found.problems += [f"REDIS_URL: {why}" for why in known.refused if not settings.redis_may_lose]
        found.notes += [f"REDIS_URL: {why}" for why in known.refused if settings.redis_may_lose]
        found.notes += [f"REDIS_URL: {why}" for why in (*known.warned, *known.noted)]
        if settings.redis_url and known.connections(settings.redis_connections) < settings.redis_connections:
            each = known.connections(settings.redis_connections)
            found.notes.append(
                f"REDIS_URL: it takes {known.clients} clients, so each process uses {each} connections"
            )
        await check_writing(redis, 0)
        try:
            await outlives(redis, "doctor~")
        except NotConfirmed as error:
            found.problems.append(f"REDIS_WAIT: {error}: nothing is accepted or sent until it is confirmed")
        if denied := [name for name in COMMANDS if not await _may(redis, name)]:
            found.problems.append(
                f"REDIS_URL: its user may not run {', '.join(denied)}; allow them for keys sg:*"
            )
    except (RedisError, OSError) as error:
        found.problems.append(f"REDIS_URL: no answer ({error})")
    finally:
        await redis.aclose()


async def _may(redis: Redis, command: str) -> bool:
    name = key("doctor~", "probe")
    words = [word.replace("{}", name) for word in COMMANDS[command]]
    try:
        said = await redis.eval(_TRIED, 1, name, command, *words)
        await redis.delete(name)
    except ResponseError as error:
        said = str(error).encode()
    return not re.search(rb"NOPERM|permission|can't run this command", said)


async def _models(settings: Settings, redis: Redis | None, http: httpx.AsyncClient, found: Findings) -> None:
    """One tiny call of each sort, to every model of the settings and of the bots: a wrong key, a wrong
    address, a model that is gone, and what each one that works can do."""
    named: dict[tuple[str, ModelOptions], str] = {}
    readers = {settings.verifier_model or settings.extractor_model or settings.moderator_model}
    readers.add(settings.model_name if readers <= {None, "", "auto"} else None)
    for setting, name in _paid_models(settings).items():
        named.setdefault((name, ModelOptions()), setting)
    for bot in await _bots(settings, redis, http):
        for name in bot.context.models:
            own = bot.context.model_options if name == bot.context.model else ModelOptions()
            named.setdefault((name, own), f"model of {bot.id}")
        readers.add(bot.context.model_of("verify"))
    asking = models(settings.model_copy(update={"model_timeout": SECONDS}))
    for (name, options), setting in named.items():
        checked = await check_model(asking, name, options, verifies=name in readers)
        if checked.trouble:
            found.problems.append(_advice(setting, name, checked.trouble))
        else:
            found.notes.append(f"{setting}: {name}: {checked.said}")
        if redis is not None:
            with contextlib.suppress(RedisError, OSError):  # Redis has been asked before
                await model_capabilities.record_capabilities(
                    redis, name, asking.ways_of(name), checked.checks
                )


def _advice(setting: str, name: str, trouble: str) -> str:
    if trouble.startswith("no answer within"):
        return f"{setting}: {name} did not answer within {SECONDS:.0f} s"
    if "Until then the next model answers" in trouble and "_API_KEY" not in trouble:
        return f"{setting}: {trouble}"
    if "_API_KEY" in trouble or "needs the package" in trouble or "LangChain knows" in trouble:
        return trouble if "_API_KEY is refused" in trouble else f"{setting}: {trouble}"
    address = address_setting(name.partition(":")[0])
    return f"{setting}: {name} does not answer ({trouble}); check the name, and {address}"


async def _bots(settings: Settings, redis: Redis | None, http: httpx.AsyncClient) -> list[Bot]:
    if redis is None:
        return []
    registry = BotRegistry(settings, redis, ChannelRouter(settings, http, []))
    try:
        await registry.refresh()
    except (RedisError, OSError):
        return []
    return [runtime.bot for runtime in registry.values()]


async def _other_models(settings: Settings, http: httpx.AsyncClient, found: Findings) -> None:
    """Whether voice messages are heard and documents found, where a provider does it."""
    listener, reader = default_model(settings), embedder(settings)
    if listener.partition(":")[0] in ("openai", "google_genai"):

        async def hear() -> None:
            try:
                await transcribe(settings, http, VoiceMessage(silent_recording(), "audio/wav"), Meter())
            except Unheard as error:
                if str(error) != "silent":
                    raise

        _say(found, "TRANSCRIPTION_MODEL", listener, "hears voice messages", await checked_call(hear))
    if reader.paid:
        said = await checked_call(lambda: asyncio.to_thread(reader.query, "vase"))
        _say(found, "EMBEDDING_MODEL", reader.name, "makes vectors", said)


def _say(found: Findings, setting: str, name: str, able: str, said: str) -> None:
    if said == "ok":
        found.notes.append(f"{setting}: {name}: {able}")
    else:
        where = address_setting(name.partition(":")[0])
        found.problems.append(f"{setting}: {name} does not answer ({said}); check the name, and {where}")


async def _router(settings: Settings, redis: Redis | None, http: httpx.AsyncClient, found: Findings) -> None:
    if redis is None:
        return
    registry = BotRegistry(settings, redis, ChannelRouter(settings, http, []))
    try:
        await registry.refresh()
    except (RedisError, OSError):
        return
    finally:
        await redis.aclose()
    booking = [
        runtime.bot.id for runtime in registry.values() if any(f.books for f in runtime.bot.context.forms)
    ]
    if booking and settings.flow_private_key is None:
        found.problems.append(
            f"WHATSAPP_FLOWS_KEY_FILE: a form of {', '.join(booking)} books calls and needs it; Forms in "
            "docs/connect.md says how"
        )
    for bot, _, channel in registry.router.linked():
        if channel.credentials.missing:
            continue
        if isinstance(channel, Linked):
            change = await channel.state()
            if change.state not in ("connected", "starting"):
                state = f"{change.state}, {change.reason}" if change.reason else change.state
                found.notes.append(f"{bot}: its phone is not linked ({state})")
        elif channel.name == "cloud_api":
            await _cloud_number(bot, channel, http, found)


async def _cloud_number(bot: str, channel: Any, http: httpx.AsyncClient, found: Findings) -> None:
    """Ask Graph about the number (Cloud API reference, "Phone numbers")."""
    known = channel.credentials
    address = f"{known.url}/{known.version}/{known.phone_number_id}"
    headers = {"Authorization": f"Bearer {known.access_token.get_secret_value()}"}
    try:
        answer = await http.get(address, params={"fields": "verified_name,quality_rating"}, headers=headers)
    except httpx.HTTPError as error:
        found.problems.append(f"WHATSAPP_GRAPH_URL: {known.url} does not answer ({type(error).__name__})")
        return
    said = str(answer.text)[:300]
    if answer.status_code in (401, 403) or '"code":190' in said.replace(" ", ""):
        found.problems.append(
            f"WHATSAPP_ACCESS_TOKEN: Meta refuses it for {bot}; make a permanent one of a system user"
        )
    elif answer.status_code >= 400:
        found.notes.append(
            f"{bot}: Meta says HTTP {answer.status_code} of the number {known.phone_number_id}; check the id"
        )


async def _address(settings: Settings, http: httpx.AsyncClient, found: Findings) -> None:
    """Our own address outside: does the webhook answer there, and is what is not for strangers closed?"""
    outside = settings.outside_url
    if not outside:
        return
    if (
        settings.whatsapp_webhook_verify_token
        and (told := await webhook_check.ask_webhook(settings, http)).problem
    ):
        found.problems.append(f"PUBLIC_URL: the webhook at {outside} does not work: {told.problem}")
    for path in (
        "/simulator",
        "/simulator/cloud-api/_control/sim-demo/messages?contact=77010000000",
        "/api/stats",
    ):
        try:
            answer = await http.get(f"{outside}{path}")
        except httpx.HTTPError as error:
            found.problems.append(f"PUBLIC_URL: {outside} does not answer ({type(error).__name__})")
            return
        if answer.status_code == 200:
            found.problems.append(
                f"PUBLIC_URL: {outside}{path.partition('?')[0]} is open to strangers; update, and see what "
                "stands in front"
            )


def find_problems(settings: Settings) -> list[str]:
    """What does not work as it is set."""
    together = (
        "whatsapp_access_token",
        "whatsapp_phone_number_id",
        "whatsapp_app_secret",
        "whatsapp_webhook_verify_token",
    )
    unset = [name.upper() for name in together if not getattr(settings, name)]
    problems = (
        [f"{', '.join(unset)}: set them too, a number needs all four"]
        if 0 < len(unset) < len(together)
        else []
    )
    provider = settings.model_name.partition(":")[0]
    if provider == "openai" and not settings.openai_key and "api.openai.com" in settings.openai_base_url:
        problems.append("OPENAI_API_KEY: CHAT_MODEL needs it")
    if provider == "google_genai" and not settings.gemini_key:
        problems.append("GEMINI_API_KEY: CHAT_MODEL needs it")
    if default_model(settings) == "offline" and importlib.util.find_spec("faster_whisper") is None:
        problems.append("TRANSCRIPTION_MODEL: offline needs the voice model; run make voice")
    if bool(settings.wappi_token) != bool(settings.wappi_profile_id):
        problems.append("WAPPI_TOKEN, WAPPI_PROFILE_ID: set both, a profile needs its account's token")
    if settings.waha_url and not settings.waha_hmac_key:
        problems.append("WAHA_HMAC_KEY: set it, unsigned webhooks of the gateway are refused")
    if settings.mcp_file and importlib.util.find_spec("langchain_mcp_adapters") is None:
        problems.append("MCP_FILE: its tools need a package; run make mcp")
    return problems


def notes(settings: Settings) -> list[str]:
    """What works, and might work better."""
    notes = [
        f"{setting}: {name} has no price in agent/models/prices.json, so DAILY_BUDGET counts it like the "
        "dearest; MODEL_PRICES says better"
        for setting, name in _paid_models(settings).items()
        if price_of(name) is None
    ]
    linked = {"WAPPI_TOKEN": settings.wappi_token, "WAHA_URL": settings.waha_url}
    notes += [
        f"{name}: not WhatsApp's own interface; against its terms of service, and numbers get banned for it"
        for name, value in linked.items()
        if value
    ]
    card = WhatsAppPrices.of(settings.data_dir, settings.whatsapp_prices).card()
    if (old := (date.today() - card.checked).days) > PRICES_DAYS:
        notes.append(
            f"WHATSAPP_PRICES: the rate card was checked {old} days ago, and Meta may change prices every "
            "quarter; salesgraph prices update FILE puts a newer one in force"
        )
    if default_model(settings) == "off":
        notes.append("TRANSCRIPTION_MODEL: voice messages are not understood; set a key, or run make voice")
    return notes


def _paid_models(settings: Settings) -> dict[str, str]:
    """Setting -> model, of those with a bill. A model behind an address of one's own has a price of one's
    own."""
    named = {
        "CHAT_MODEL": settings.model_name,
        "FALLBACK_MODEL": settings.fallback_model,
        "MODERATOR_MODEL": settings.moderator_model,
        "VERIFIER_MODEL": settings.verifier_model,
        "EXTRACTOR_MODEL": settings.extractor_model,
        "SUMMARY_MODEL": settings.summary_model,
        "CHEAPER_MODEL": settings.cheaper_model,
    }
    return {
        setting: name for setting, name in named.items() if name not in (None, "", "auto", "off", "offline")
    }
