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
from server.bots.accounts import DEFAULT, defaults, simulated_accounts
from server.config.settings import Settings

if TYPE_CHECKING:
    from server.bots.bot import Bot


NOBODY: Mapping[str, tuple[str, str]] = {}

log = structlog.get_logger()


class NotReady(ConnectionError):
    """A message is for a bot that is there and cannot answer in this process: its provider must bring it
    again."""


@dataclass(frozen=True, slots=True)
class WebhookScope:
    """What a webhook that one secret signs may reach: these numbers and no others. `rest` takes what is for
    no number of anybody's; `away` are numbers of bots that this process cannot read."""

    channel: Channel
    bots: dict[str, Bot] = field(default_factory=lambda: {})
    lines: dict[str, Channel] = field(default_factory=dict[str, Channel])
    rest: Bot | None = None
    claimed: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()

    def bot_of(self, account: str) -> Bot | None:
        """The bot of a number, None when it is outside this scope. Raises NotReady."""
        if account in self.away:
            raise NotReady(f"{self.channel.name}: a bot of this deployment cannot be read")
        found = self.bots.get(account)
        return found or (None if is_simulated(account) or account in self.claimed else self.rest)

    def line(self, account: str) -> Channel:
        """What speaks for a number."""
        return self.lines.get(account, self.channel)


class ChannelRouter:
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
        scopes: dict[tuple[str, str], WebhookScope] = {}
        paths: dict[tuple[str, str], list[WebhookScope]] = {}
        made: dict[tuple[str, Credentials], Channel] = {}
        by_id = {bot.id: bot for bot in all_bots}
        self._away = away
        self._claimed = frozenset(
            {account.id for b in by_id.values() for account in b.accounts if account.channel == "cloud_api"}
            | {number for name, number in away.values() if name == "cloud_api"}
        )
        if self._app and self._app.credentials.app_secret.get_secret_value():
            self._open(scopes, self._app, by_id.get(DEFAULT))
        for bot in by_id.values():
            simulated = (
                simulated_accounts(self._settings, bot.id).values() if self._settings.simulates else ()
            )
            for account in (*bot.accounts, *simulated):
                key = (account.channel, account.credentials)
                channel = self._made.get(key) or channels()[account.channel](
                    self._client, account.credentials
                )
                made[key] = lines[bot.id, account.id] = channel
                scope = self._open(scopes, channel)
                scope.bots[account.id], scope.lines[account.id] = bot, channel
                own = WebhookScope(channel, {account.id: bot}, {account.id: channel})
                paths.setdefault((account.channel, bot.id), []).append(own)
        self._made, self._lines, self._paths = made, lines, paths
        self._scopes: dict[str, list[WebhookScope]] = {}
        for (name, _), scope in scopes.items():
            self._scopes.setdefault(name, []).append(scope)

    def _open(
        self, scopes: dict[tuple[str, str], WebhookScope], channel: Channel, rest: Bot | None = None
    ) -> WebhookScope:
        """What webhooks with a channel's secret may reach: numbers that share it share one scope."""
        names = [n for n in ("app_secret", "hmac_key", "webhook_secret") if hasattr(channel.credentials, n)]
        known = getattr(channel.credentials, names[0]).get_secret_value()
        away = frozenset(number for name, number in self._away.values() if name == channel.name)
        return scopes.setdefault(
            (channel.name, known), WebhookScope(channel, rest=rest, claimed=self._claimed, away=away)
        )

    def channel(self, bot_id: str, account: str) -> Channel | None:
        """What sends from a number of a bot. The default bot answers on every number of the app that is
        nobody's."""
        found = self._lines.get((bot_id, account))
        nobodys = not is_simulated(account) and account not in self._claimed
        return found or (self._app if bot_id == DEFAULT and nobodys else None)

    def scope(self, channel: str, body: bytes, headers: Mapping[str, str]) -> WebhookScope | None:
        """Whom these bytes may reach, by who signed them; None when nobody we know did."""
        return next(
            (scope for scope in self._scopes.get(channel, ()) if scope.channel.authentic(body, headers)), None
        )

    def scope_at(
        self, channel: str, bot_id: str, secret: str, body: bytes, headers: Mapping[str, str]
    ) -> WebhookScope | None:
        """The same for a wire whose secret stands in the address. Raises NotReady."""
        if self._away.get(bot_id, ("", ""))[0] == channel:
            raise NotReady(f"{bot_id} cannot be read")
        scope = self._scope_of(channel, bot_id, secret)
        return scope if scope and scope.channel.authentic(body, headers) else None

    def is_address(self, channel: str, bot_id: str, secret: str) -> bool:
        """Whether an address is one of ours: what is known before a body is read."""
        away = self._away.get(bot_id, ("", ""))[0] == channel
        return away or self._scope_of(channel, bot_id, secret) is not None

    def _scope_of(self, channel: str, bot_id: str, secret: str) -> WebhookScope | None:
        for scope in self._paths.get((channel, bot_id), ()):
            wanted = scope.channel.credentials.webhook_secret.get_secret_value()
            if wanted and hmac.compare_digest(wanted.encode(), secret.encode("utf-8", "replace")):
                return scope
        return None

    def linked(self) -> list[tuple[str, str, Channel]]:
        """(bot, account, channel) of every real number."""
        return [
            (bot, account, line) for (bot, account), line in self._lines.items() if not is_simulated(account)
        ]
