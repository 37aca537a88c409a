"""The bots at work, live: what the settings describe and what the API stored, the same in every process
within a second.

{*}:bots      HASH     bot id -> JSON of a `Row`
{*}:version   STRING   counts every change
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import structlog
import yaml
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from channels.registry import channels
from server.bots.bot import Bot, BotRuntime, Said, build_bot, default_configs, runtime_of
from server.bots.routing import ChannelRouter
from server.bots.vault import Vault, WrongKey
from server.clock import now_ms
from server.config.bot import BadConfig, Problem, parse_config, shown_config, split_secrets
from server.config.settings import Settings
from server.store import alerts
from server.store.client import Redis
from server.store.keys import SHARED, key

BOTS, VERSION = key(SHARED, "bots"), key(SHARED, "version")
# How often a process looks whether something changed, seconds.
PAUSE = 1.0
# When nothing of a deleted bot is in any worker's hands any more, seconds.
AFTERMATH = 60
UNREAD = b"not read yet"

log = structlog.get_logger()

# KEYS bots version | ARGV bot row: 0 when it is stored like that already; an empty row takes it away
_STORE = """
local old = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '' then
  if not old then return 0 end
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return redis.call('INCR', KEYS[2])
"""

Outcome = Literal["created", "updated", "unchanged", "refused", "deleted"]


class StoredConfig(BaseModel):
    """A configuration as stored: what may be shown, and the secrets of its channel, sealed."""

    config: dict[str, Any]
    sealed: str = ""
    at: int = 0


class BotRegistry(Mapping[str, BotRuntime]):
    """The runtimes of all bots by id. `router` follows them."""

    def __init__(self, settings: Settings, redis: Redis, router: ChannelRouter) -> None:
        self._settings, self._redis, self.router = settings, redis, router
        self._vault = Vault(settings.sealing_key)
        self._store = redis.register_script(_STORE)
        self._described = default_configs(settings)
        self._settled = {bot_id: build_bot(settings, *said) for bot_id, said in self._described.items()}
        self._desks = {bot.id: runtime_of(bot, redis) for bot in self._settled.values()}
        self._rows: dict[str, bytes] = {}
        self._version: bytes | None = UNREAD
        self._away: dict[str, tuple[str, str]] = {}
        self._later: set[asyncio.Task[None]] = set()
        self.router.set(bot for bot in self._settled.values())

    def __getitem__(self, bot_id: str) -> BotRuntime:
        return self._desks[bot_id]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._desks))

    def __len__(self) -> int:
        return len(self._desks)

    # lists, since bots come and go while somebody who waits in between walks through them
    def values(self) -> list[BotRuntime]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The runtimes of this moment."""
        return list(self._desks.values())

    def items(self) -> list[tuple[str, BotRuntime]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The runtimes of this moment, with their ids."""
        return list(self._desks.items())

    async def refresh(self) -> bool:
        """Take over what others changed; True when something did."""
        version = await self._redis.get(VERSION)
        if version == self._version:
            return False
        rows = await self._redis.hgetall(BOTS)
        runtimes, away = dict[str, BotRuntime](), dict[str, tuple[str, str]]()
        for bot_id, raw in {name.decode(): raw for name, raw in rows.items()}.items():
            if bot_id in self._desks and self._rows.get(bot_id) == raw and bot_id not in self._away:
                runtimes[bot_id] = self._desks[bot_id]
                continue
            bot, number = await self._read(bot_id, raw)
            if bot is not None:
                runtimes[bot_id] = self._seated(bot)
            if number is not None:
                away[bot_id] = number
        for bot in self._settled.values():
            if bot.id not in runtimes:
                same = bot.id in self._desks and bot.id not in self._rows
                runtimes[bot.id] = self._desks[bot.id] if same else self._seated(bot)
        self._desks = runtimes
        self._rows = {name.decode(): raw for name, raw in rows.items()}
        self._version, self._away = version, away
        self.router.set((runtime.bot for runtime in runtimes.values()), away)
        return True

    async def ready(self) -> None:
        """Before the first message or question: which bots there are. Raises RedisError while nobody can
        tell."""
        if self._version == UNREAD:
            await self.refresh()

    def _seated(self, bot: Bot) -> BotRuntime:
        """A runtime for a bot; one that was there goes on with what it has in memory."""
        old = self._desks.get(bot.id)
        if old is None or old.bot.limits != bot.limits:
            return runtime_of(bot, self._redis)
        return BotRuntime(bot, old.mailbox, old.conversations, self._redis)

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            try:
                if await self.refresh():
                    log.info("bots_changed", bots=len(self))
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # one bot's fault must not keep the others from changing
                log.exception("bots_not_read")
            await asyncio.sleep(PAUSE)

    async def _read(self, bot_id: str, raw: bytes) -> tuple[Bot | None, tuple[str, str] | None]:
        """The bot of a row, and the (channel, number) that is its own although this process cannot answer
        there."""
        number: tuple[str, str] | None = None
        try:
            row = StoredConfig.model_validate_json(raw)
            number = _number_of(row.config, bot_id)
            try:
                return self._made(row.config, self._vault.open(row.sealed)), None
            except WrongKey as error:
                await self._alarm(bot_id, str(error), "SECRETS_KEY")
                config = {**row.config, "channel": {"type": "simulator"}}
                return self._made(config, {}, str(error)), number
        except (RedisError, OSError):
            raise
        except (
            Exception
        ) as error:  # a setting it leans on is gone, or this version knows less: the others must not suffer
            await self._alarm(bot_id, str(error)[:300], "bots")
            old = self._desks.get(bot_id)
            return (old.bot, None) if old else (None, number)

    def _made(self, config: dict[str, Any], secrets: dict[str, str], trouble: str = "") -> Bot:
        """The bot of a configuration, over what the settings say of it. Raises BadConfig."""
        below: Said = self._described.get(config["id"], ({}, {}))
        kept = secrets if "channel" in config else below[1]
        return build_bot(self._settings, {**below[0], **config}, kept, trouble)

    async def _alarm(self, bot_id: str, why: str, setting: str) -> None:
        log.error("bot_not_read", bot=bot_id, error=why[:300])
        await alerts.raise_alert(self._redis, f"bot:{bot_id}", f"{bot_id}: {why}", setting, bot_id=bot_id)

    async def config(self, bot_id: str) -> dict[str, Any]:
        """A configuration as it was given, without its secrets; of a bot of the settings only its id."""
        raw = await self._redis.hget(BOTS, bot_id)
        if (row := _row(raw)) is None:
            return {"id": bot_id}
        try:
            return shown_config(row.config, self._vault.open(row.sealed))
        except WrongKey:
            return row.config

    async def put(self, raw: Any, *, dry: bool = False) -> tuple[str, Outcome]:
        """Store one configuration in the place of the bot's former one; the same one changes nothing. Secrets
        that are left out stay as they are while the number does. Raises BadConfig."""
        given = parse_config(raw)
        config = given.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        known = await self._redis.hget(BOTS, given.id)
        row = _row(known)
        secrets: dict[str, str] = {}
        if given.channel is not None:
            config["channel"], secrets = split_secrets(given.channel)
            self._can_open(row, secrets)
            secrets = {**self._kept(row, config["channel"]), **secrets}
        bot = self._made(config, secrets)
        self._claimed(bot)
        before = self._vault_open(row)
        if row and row.config == config and before == secrets:
            return given.id, "unchanged"
        if not dry:
            new = StoredConfig(config=config, sealed=self._vault.seal(secrets), at=now_ms())
            await self._store(keys=[BOTS, VERSION], args=[given.id, new.model_dump_json()])
            await alerts.clear(self._redis, f"bot:{given.id}")
            await self.refresh()
            log.info("bot_stored", bot=given.id, new=row is None)
        return given.id, "updated" if row else "created"

    def _can_open(self, row: StoredConfig | None, given: dict[str, str]) -> None:
        """Raises BadConfig where storing would lose secrets that only another key opens."""
        try:
            _ = self._vault.open(row.sealed) if row else {}
        except WrongKey as error:
            if not given:
                problem = f"{error}; set the right one, or give the secrets again"
                raise BadConfig([Problem(field="channel", problem=problem)]) from None

    def _vault_open(self, row: StoredConfig | None) -> dict[str, str]:
        try:
            return self._vault.open(row.sealed) if row else {}
        except WrongKey:
            return {}

    def _kept(self, row: StoredConfig | None, channel: dict[str, Any]) -> dict[str, str]:
        """Secrets on record that still belong to the same number at the same address."""
        old: dict[str, Any] = (row.config.get("channel") or {}) if row else {}
        names = ("type", "url", "phone_number_id", "profile_id", "session")
        same = all(old.get(name) == channel.get(name) for name in names)
        kind = channels().get(channel["type"])
        hidden = kind.Credentials.secrets() if kind else set[str]()
        return {n: v for n, v in self._vault_open(row).items() if same and n in hidden}

    def _claimed(self, bot: Bot) -> None:
        """Raises BadConfig when another bot has the number, or there are too many linked sessions."""
        others = [runtime.bot for runtime in self._desks.values() if runtime.bot.id != bot.id]
        taken = {(account.channel, account.id): other.id for other in others for account in other.accounts}
        for account in bot.accounts:
            if holder := taken.get((account.channel, account.id)):
                raise BadConfig([Problem(field="channel", problem=f"{account.id} is the number of {holder}")])
        sessions = sum(name == "waha" for name, _ in taken) + sum(
            account.channel == "waha" for account in bot.accounts
        )
        most = self._settings.whatsapp_max_clients
        if any(account.channel == "waha" for account in bot.accounts) and sessions > most:
            problem = (
                f"there are {most} QR-linked sessions already, as many as WHATSAPP_MAX_CLIENTS allows; raise "
                "it, or delete one"
            )
            raise BadConfig([Problem(field="channel", problem=problem)])

    async def delete(self, bot_id: str) -> bool:
        """Stop a bot; False when there is none of that id in store. One of the settings goes back to what
        they say."""
        done = bool(await self._store(keys=[BOTS, VERSION], args=[bot_id, ""]))
        await self.refresh()
        if bot_id not in self:
            for row in await alerts.all_alerts(self._redis):
                if row.get("bot_id") == bot_id:
                    await alerts.clear(self._redis, row["name"])
        return done

    async def erase(self, bot_id: str) -> int:
        """Delete everything that Redis holds of a bot; how many keys. Once more later, for what a turn in
        hand still wrote."""
        task = asyncio.create_task(self._erase_again(bot_id))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return await self._erase(bot_id)

    async def _erase_again(self, bot_id: str) -> None:
        await asyncio.sleep(AFTERMATH)
        if bot_id not in self:
            await self._erase(bot_id)

    async def _erase(self, bot_id: str) -> int:
        count, pattern = 0, key(bot_id, "*")
        salt = key(
            bot_id, "secret"
        ).encode()  # processes at work make ids with it; it tells nothing of anybody
        async for name in self._redis.scan_iter(match=pattern, count=1000):
            count += await self._redis.unlink(name) if name != salt else 0
        log.info("bot_erased", bot=bot_id, keys=count)
        return count

    def is_settled(self, bot_id: str) -> bool:
        """Whether the settings describe it, so that deleting it only takes back what was stored over them."""
        return bot_id in self._settled


def parsed_file(text: str) -> list[Any]:
    """The configurations in a YAML or JSON text: one, a list, or a list under `bots`. Raises ValueError."""
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from None
    if isinstance(found, dict) and found.keys() == {"bots"}:
        found = cast(dict[str, Any], found)["bots"]
    if not isinstance(found, dict | list) or not found:
        raise ValueError("write one bot, or a list of them, such as `- id: almaty`")
    return cast(list[Any], found) if isinstance(found, list) else [found]


def _row(raw: bytes | None) -> StoredConfig | None:
    """A row, None where there is none that can be read."""
    try:
        return StoredConfig.model_validate_json(raw) if raw else None
    except ValidationError:
        return None


def _number_of(config: dict[str, Any], bot_id: str) -> tuple[str, str] | None:
    channel: dict[str, Any] = config.get("channel") or {}
    ids = (channel.get(name) for name in ("phone_number_id", "profile_id", "session"))
    found = next((str(value) for value in ids if value), bot_id)
    return (channel["type"], found) if channel.get("type") not in (None, "simulator") else None
