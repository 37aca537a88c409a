"""The bots of this deployment and the numbers they are reached on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis

from agent.context import Context
from channels.cloud_api import CloudApi, pace
from server.conversations import Conversations
from server.mailbox import DAY, SECOND, Limits, Mailbox
from server.outreach import Outreach
from server.settings import Settings

DEFAULT, DEMO = "default", "demo"
SIMULATED = "sim-"
DEMO_BUSINESS = "Aurora Coffee, espresso machines, grinders and coffee beans in Almaty"


OFF = Outreach()


@dataclass(frozen=True, slots=True)
class Bot:
    """One configured agent. `account` is the business number's id, empty while none is connected. `reply_template`
    (`name:language`) is what a contact gets for a reply that comes after the 24-hour window; `outreach` how it follows up."""

    id: str
    context: Context
    account: str = ""
    reply_template: str = ""
    outreach: Outreach = OFF

    @property
    def simulated_account(self) -> str:
        """The number under which the simulator reaches the bot."""
        return f"{SIMULATED}{self.id}"


@dataclass(frozen=True, slots=True)
class Desk:
    """A bot with its mailbox and its record of conversations."""

    bot: Bot
    mailbox: Mailbox
    conversations: Conversations
    redis: Redis


def bots(settings: Settings) -> list[Bot]:
    """The bot the settings describe, and the sample shop for the simulator. Raises BadBotFile."""
    shared = {
        "model": settings.model_name,
        "moderate_model": settings.moderator_model or "",
        "extract_model": settings.extractor_model or "",
        "remember_model": settings.summary_model or "",
        "cheaper_model": settings.cheaper_model or "",
        "daily_budget": settings.daily_budget,
        "session_minutes": settings.session_timeout_minutes,
        "handoff_minutes": settings.handoff_minutes,
    }
    own = _from_file(settings.bot_file)
    following = {
        "enabled": settings.enable_follow_ups,
        "intervals": settings.follow_up_intervals,
        "templates": settings.follow_up_templates,
        "hours": settings.hours,
    }
    theirs = own.pop("outreach", {})
    return [
        Bot(
            DEFAULT,
            _checked(Context, {"business": settings.business, **shared, **own}, settings.bot_file),
            settings.whatsapp_phone_number_id or "",
            settings.whatsapp_reply_template or "",
            _checked(
                Outreach,
                {**following, **(theirs if isinstance(theirs, dict) else {"outreach": theirs})},
                settings.bot_file,
            ),
        ),
        Bot(DEMO, Context(business=DEMO_BUSINESS, **shared), outreach=Outreach(**following)),  # pyright: ignore[reportArgumentType]
    ]


Part = TypeVar("Part", bound=BaseModel)


class BadBotFile(ValueError):
    """BOT_FILE cannot be used; the message says where and why."""


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadBotFile(f"BOT_FILE: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise BadBotFile(f"BOT_FILE: {path} must hold settings, such as `business: Aurora Coffee`")
    return found


def _checked(model: type[Part], values: dict[str, Any], path: Path | None) -> Part:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise BadBotFile(f"BOT_FILE: {path}: " + "; ".join(lines)) from None


def limits(settings: Settings) -> Limits:
    """How the bots of these settings take their messages."""
    return Limits(
        debounce=int(settings.debounce_seconds * SECOND),
        longest=int(settings.debounce_max_seconds * SECOND),
        lease=int(settings.lease_seconds * SECOND),
        messages=settings.inbox_messages,
        characters=settings.inbox_characters,
        age=int(settings.inbox_hours * 3600 * SECOND),
        lines=settings.transcript_messages,
        keep=settings.transcript_days * DAY,
    )


def desks(settings: Settings, redis: Redis) -> dict[str, Desk]:
    """Every bot's desk, by bot id."""
    shared = limits(settings)
    return {
        bot.id: Desk(bot, Mailbox(redis, bot.id, shared), Conversations(redis, bot.id), redis) for bot in bots(settings)
    }


class Numbers:
    """Which bot answers on a number, and the client that sends from it."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, all_bots: list[Bot]) -> None:
        self._bots = {bot.simulated_account: bot for bot in all_bots} | {
            bot.account: bot for bot in all_bots if bot.account
        }
        self._rest = next(bot for bot in all_bots if bot.id == DEFAULT)
        version, token = settings.whatsapp_graph_version, settings.whatsapp_access_token
        speed = pace(settings.whatsapp_messages_per_second)
        self._real = (
            CloudApi(client, settings.whatsapp_graph_url, version, token.get_secret_value(), speed) if token else None
        )
        self._simulated = CloudApi(
            client,
            f"{settings.web_url or settings.loopback_url}/simulator/cloud-api",
            version,
            settings.simulator_secret,
        )

    def bot_of(self, account: str, simulated: bool) -> Bot | None:
        """The bot of a number. A number of the Meta app that no bot claims belongs to the default bot, which answers from
        that same number; a webhook of the simulator reaches simulated numbers only."""
        if simulated != account.startswith(SIMULATED):
            return None
        return self._bots.get(account) or (None if simulated else self._rest)

    def sender(self, account: str) -> CloudApi | None:
        """The client that sends from a number; None while no access token is set."""
        return self._simulated if account.startswith(SIMULATED) else self._real
