"""The numbers bots are reached on: which channel sends from one, and who may bring messages to it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import structlog

from channels.base import Channel, Credentials
from channels.cloud_api import CloudApi, CloudCredentials
from channels.emulators.numbers import is_simulated
from channels.registry import channels
from server.bots.accounts import DEFAULT, defaults, simulated_links
from server.config.settings import Settings

if TYPE_CHECKING:
    from server.bots.bot import Bot


NOBODY: Mapping[str, tuple[str, str]] = {}

log = structlog.get_logger()


class NotReady(ConnectionError):
    """A message is for a bot that is there and cannot answer in this process: its provider must bring it again."""


@dataclass(frozen=True, slots=True)
class Door:
    """Whom one secret lets in: messages to these numbers and no others; `rest` takes what is for no number of anybody's.
    `away` are numbers of bots that this process cannot read."""

    channel: Channel
    bots: dict[str, Bot] = field(default_factory=dict)
    lines: dict[str, Channel] = field(default_factory=dict)
    rest: Bot | None = None
    claimed: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()

    def bot_of(self, account: str) -> Bot | None:
        """The bot of a number, None when it is none of this door's. Raises NotReady."""
        if account in self.away:
            raise NotReady(f"{self.channel.name}: a bot of this deployment cannot be read")
        found = self.bots.get(account)
        return found or (None if is_simulated(account) or account in self.claimed else self.rest)

    def line(self, account: str) -> Channel:
        """What speaks for a number."""
        return self.lines.get(account, self.channel)


class Numbers:
    """Every number of this deployment; `set` again whenever the bots change."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, all_bots: Iterable[Bot]) -> None:
        self._settings, self._client = settings, client
        self._made: dict[tuple[str, Credentials], Channel] = {}
        token = settings.whatsapp_access_token
        app = {**defaults(settings)["cloud_api"], "phone_number_id": "app"}
        # for numbers of the app that no bot has claimed
        self._app = CloudApi(client, CloudCredentials.model_validate(app)) if token else None
        self.set(all_bots)

    def set(self, all_bots: Iterable[Bot], away: Mapping[str, tuple[str, str]] = NOBODY) -> None:
        """From now on these are the bots; `away`: (channel, number) of those that cannot be read, by id."""
        lines: dict[tuple[str, str], Channel] = {}
        doors: dict[tuple[str, str], Door] = {}
        paths: dict[tuple[str, str], list[Door]] = {}
        made: dict[tuple[str, Credentials], Channel] = {}
        by_id = {bot.id: bot for bot in all_bots}
        self._away = away
        self._claimed = frozenset(
            {link.account for b in by_id.values() for link in b.links if link.channel == "cloud_api"}
            | {number for name, number in away.values() if name == "cloud_api"}
        )
        if self._app and self._app.credentials.app_secret.get_secret_value():
            self._open(doors, self._app, by_id.get(DEFAULT))
        for bot in by_id.values():
            simulated = simulated_links(self._settings, bot.id).values() if self._settings.simulates else ()
            for link in (*bot.links, *simulated):
                key = (link.channel, link.credentials)
                channel = self._made.get(key) or channels()[link.channel](self._client, link.credentials)
                made[key] = lines[bot.id, link.account] = channel
                door = self._open(doors, channel)
                door.bots[link.account], door.lines[link.account] = bot, channel
                own = Door(channel, {link.account: bot}, {link.account: channel})
                paths.setdefault((link.channel, bot.id), []).append(own)
        self._made, self._lines, self._paths = made, lines, paths
        self._doors: dict[str, list[Door]] = {}
        for (name, _), door in doors.items():
            self._doors.setdefault(name, []).append(door)

    def _open(self, doors: dict[tuple[str, str], Door], channel: Channel, rest: Bot | None = None) -> Door:
        """The door of a channel's secret: numbers that share it share one."""
        names = [n for n in ("app_secret", "hmac_key", "webhook_secret") if hasattr(channel.credentials, n)]
        known = getattr(channel.credentials, names[0]).get_secret_value()
        away = frozenset(number for name, number in self._away.values() if name == channel.name)
        return doors.setdefault((channel.name, known), Door(channel, rest=rest, claimed=self._claimed, away=away))

    def channel(self, bot_id: str, account: str) -> Channel | None:
        """What sends from a number of a bot. The default bot answers on every number of the app that is nobody's."""
        found = self._lines.get((bot_id, account))
        nobodys = not is_simulated(account) and account not in self._claimed
        return found or (self._app if bot_id == DEFAULT and nobodys else None)

    def door(self, channel: str, body: bytes, headers: Mapping[str, str]) -> Door | None:
        """Whom these bytes may reach, by who signed them; None when nobody we know did."""
        return next((door for door in self._doors.get(channel, ()) if door.channel.authentic(body, headers)), None)

    def door_at(self, channel: str, bot_id: str, secret: str, body: bytes, headers: Mapping[str, str]) -> Door | None:
        """The same for a wire whose secret stands in the address. Raises NotReady."""
        if self._away.get(bot_id, ("", ""))[0] == channel:
            raise NotReady(f"{bot_id} cannot be read")
        door = self._door_of(channel, bot_id, secret)
        return door if door and door.channel.authentic(body, headers) else None

    def is_door(self, channel: str, bot_id: str, secret: str) -> bool:
        """Whether an address is one of ours: what is known before a body is read."""
        away = self._away.get(bot_id, ("", ""))[0] == channel
        return away or self._door_of(channel, bot_id, secret) is not None

    def _door_of(self, channel: str, bot_id: str, secret: str) -> Door | None:
        for door in self._paths.get((channel, bot_id), ()):
            wanted = door.channel.credentials.webhook_secret.get_secret_value()
            if wanted and hmac.compare_digest(wanted.encode(), secret.encode("utf-8", "replace")):
                return door
        return None

    def linked(self) -> list[tuple[str, str, Channel]]:
        """(bot, account, channel) of every real number."""
        return [(bot, account, line) for (bot, account), line in self._lines.items() if not is_simulated(account)]
