"""What `salesgraph doctor` says: what to fix, and what might work better. It does not guess what it can ask."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from langchain_core.messages import HumanMessage
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from agent.failures import SETTINGS, Trouble, brief, judge
from agent.meter import price_of
from channels.base import Linked
from server import reach
from server.answering import models
from server.hearing import default_model
from server.keys import key
from server.lines import Numbers
from server.redis_fitness import look, write
from server.roster import Roster
from server.settings import Settings

# Seconds that whoever is asked has for an answer.
SECONDS = 15
# What scripts use, each with arguments that do no harm to a key of the doctor's own; `{}` stands for it.
COMMANDS = {
    **dict.fromkeys(("GET", "DEL", "EXISTS", "LLEN", "LPOP", "SPOP", "HKEYS", "HGETALL", "ZCARD", "ZPOPMIN"), ("{}",)),
    **{"TIME": (), "SET": ("{}", "1", "NX"), "EXPIRE": ("{}", "1"), "PEXPIRE": ("{}", "1"), "LINDEX": ("{}", "0")},
    **dict.fromkeys(("HGET", "HEXISTS", "SISMEMBER", "ZSCORE", "ZREM", "SREM", "HDEL", "HMGET"), ("{}", "x")),
    **dict.fromkeys(("RPUSH", "LPUSH", "SADD"), ("{}", "x")),
    **dict.fromkeys(("LTRIM", "LRANGE", "ZRANGE"), ("{}", "0", "1")),
    **dict.fromkeys(("HSET", "HSETNX"), ("{}", "x", "1")),
    **{"HINCRBY": ("{}", "x", "1"), "LSET": ("{}", "0", "x"), "LREM": ("{}", "1", "x"), "ZADD": ("{}", "NX", "1", "x")},
    **dict.fromkeys(("ZRANGEBYSCORE", "ZREMRANGEBYSCORE"), ("{}", "-inf", "0")),
    "ZREMRANGEBYRANK": ("{}", "0", "0"),
}
# Runs one of them, and says why it may not be run.
_TRIED = """
local answer = redis.pcall(unpack(ARGV))
return type(answer) == 'table' and answer.err or ''
"""


@dataclass
class Found:
    """What is to be fixed, and what is worth knowing."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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


async def ask(settings: Settings, redis: Redis | None, found: Found, *, outside: bool) -> None:
    """Ask Redis and, where `outside`, models, providers and our own address whether they work."""
    if redis is not None:
        await _redis(settings, redis, found)
    if not outside:
        return
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        await _each(
            found,
            [lambda name=name: _model(settings, name, found) for name in _asked_models(settings)]
            + [lambda: _numbers(settings, redis, http, found), lambda: _address(settings, http, found)],
        )


async def _each(found: Found, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    for job in jobs:
        try:
            await asyncio.wait_for(job(), 2 * SECONDS)
        except TimeoutError:
            found.problems.append("somebody who was asked did not answer; try again, or see to the network")


async def _redis(settings: Settings, redis: Redis, found: Found) -> None:
    try:
        known = await look(redis)
        found.problems += [f"REDIS_URL: {why}" for why in known.refused if not settings.redis_may_lose]
        found.notes += [f"REDIS_URL: {why}" for why in known.refused if settings.redis_may_lose]
        found.notes += [f"REDIS_URL: {why}" for why in (*known.warned, *known.noted)]
        if settings.redis_url and known.connections(settings.redis_connections) < settings.redis_connections:
            each = known.connections(settings.redis_connections)
            found.notes.append(f"REDIS_URL: it takes {known.clients} clients, so each process uses {each} connections")
        await write(redis, 0)
        if denied := [name for name in COMMANDS if not await _may(redis, name)]:
            found.problems.append(f"REDIS_URL: its user may not run {', '.join(denied)}; allow them for keys sg:*")
    except (RedisError, OSError) as error:
        found.problems.append(f"REDIS_URL: no answer ({error})")
    finally:
        await redis.aclose()


async def _may(redis: Redis, command: str) -> bool:
    name = key("doctor~", "probe")
    words = [word.replace("{}", name) for word in COMMANDS[command]]
    try:
        said: Any = await redis.eval(_TRIED, 1, name, command, *words)  # pyright: ignore[reportGeneralTypeIssues]
        await redis.delete(name)
    except ResponseError as error:
        said = str(error).encode()
    return not re.search(rb"NOPERM|permission|can't run this command", said)


def _asked_models(settings: Settings) -> list[str]:
    return list(dict.fromkeys(_paid_models(settings).values()))


async def _model(settings: Settings, name: str, found: Found) -> None:
    """One tiny call: it tells a wrong key, a wrong address and a model that is gone from one that works."""
    provider = name.partition(":")[0]
    setting = next(setting for setting, named in _paid_models(settings).items() if named == name)
    try:
        made = models(settings.model_copy(update={"model_timeout": float(SECONDS)})).made(name)
        await asyncio.wait_for(made.ainvoke([HumanMessage("Answer with the word ok.")]), SECONDS)
    except Exception as error:  # whatever a provider's library raises, it is what there is to be told
        fault = judge(error, provider)
        if fault.kind in ("key", "account"):
            found.problems.append(Trouble(provider, fault.kind, "").advice)
        elif isinstance(error, TimeoutError):
            found.problems.append(f"{setting}: {name} did not answer within {SECONDS} s")
        else:
            where = "OPENAI_BASE_URL" if provider == "openai" else SETTINGS.get(provider, "its address")
            detail = brief(error) or type(error).__name__
            found.problems.append(f"{setting}: {name} does not answer ({detail}); check the name, and {where}")


async def _numbers(settings: Settings, redis: Redis | None, http: httpx.AsyncClient, found: Found) -> None:
    if redis is None:
        return
    roster = Roster(settings, redis, Numbers(settings, http, []))
    try:
        await roster.refresh()
    except (RedisError, OSError):
        return
    finally:
        await redis.aclose()
    for bot, _, channel in roster.numbers.linked():
        if channel.credentials.missing:
            continue
        if isinstance(channel, Linked):
            change = await channel.state()
            if change.state not in ("connected", "starting"):
                found.notes.append(
                    f"{bot}: its phone is not linked ({change.state}{f', {change.reason}' * bool(change.reason)})"
                )
        elif channel.name == "cloud_api":
            await _cloud_number(bot, channel, http, found)


async def _cloud_number(bot: str, channel: Any, http: httpx.AsyncClient, found: Found) -> None:
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


async def _address(settings: Settings, http: httpx.AsyncClient, found: Found) -> None:
    """Our own address outside: does the webhook answer there, and is what is not for strangers closed?"""
    outside = settings.web_url
    if not outside:
        return
    if settings.whatsapp_webhook_verify_token and (told := await reach.asked(settings, http)).problem:
        found.problems.append(f"WEB_URL: the webhook at {outside} does not work: {told.problem}")
    for path in ("/simulator", "/simulator/cloud-api/_control/sim-demo/messages?contact=77010000000", "/api/stats"):
        try:
            answer = await http.get(f"{outside}{path}")
        except httpx.HTTPError as error:
            found.problems.append(f"WEB_URL: {outside} does not answer ({type(error).__name__})")
            return
        if answer.status_code == 200:
            found.problems.append(
                f"WEB_URL: {outside}{path.partition('?')[0]} is open to strangers; update, and see what stands in front"
            )


def problems(settings: Settings) -> list[str]:
    """What does not work as it is set."""
    together = (
        "whatsapp_access_token",
        "whatsapp_phone_number_id",
        "whatsapp_app_secret",
        "whatsapp_webhook_verify_token",
    )
    unset = [name.upper() for name in together if not getattr(settings, name)]
    problems = [f"{', '.join(unset)}: set them too, a number needs all four"] if 0 < len(unset) < len(together) else []
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
        f"{setting}: {name} has no price in agent/prices.json, so DAILY_BUDGET counts it like the dearest; MODEL_PRICES says better"
        for setting, name in _paid_models(settings).items()
        if price_of(name) is None
    ]
    linked = {"WAPPI_TOKEN": settings.wappi_token, "WAHA_URL": settings.waha_url}
    notes += [
        f"{name}: not WhatsApp's own interface; against its terms of service, and numbers get banned for it"
        for name, value in linked.items()
        if value
    ]
    if default_model(settings) == "off":
        notes.append("TRANSCRIPTION_MODEL: voice messages are not understood; set a key, or run make voice")
    return notes


def _paid_models(settings: Settings) -> dict[str, str]:
    """Setting -> model, of those with a bill. A model behind an address of one's own has a price of one's own."""
    named = {
        "CHAT_MODEL": settings.model_name,
        "FALLBACK_MODEL": settings.fallback_model,
        "MODERATOR_MODEL": settings.moderator_model,
        "EXTRACTOR_MODEL": settings.extractor_model,
        "SUMMARY_MODEL": settings.summary_model,
        "CHEAPER_MODEL": settings.cheaper_model,
    }
    return {setting: name for setting, name in named.items() if name and name != "offline"}
