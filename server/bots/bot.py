"""The bots of this deployment: what the settings and their configurations make of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from agent.context import Context
from channels.emulators.numbers import SIMULATED, is_simulated
from channels.registry import channels
from server.bots.accounts import DEFAULT, Account, default_accounts, defaults
from server.config.bot import BadConfig, Problem, parse_config, problems_of, prompts_in, split_secrets
from server.config.follow_ups import Outreach
from server.config.settings import Settings
from server.config.turn_settings import OneMessage, ReplyMode
from server.config.whatsapp_prices.prices_in_force import WhatsAppPrices
from server.config.whatsapp_prices.rate_card import BadRateCard
from server.config.working_hours import hours_of
from server.store.client import Redis
from server.store.contacts import Conversations
from server.store.dead_letters import DeadLetters
from server.store.mailbox import DAY, SECOND, Limits, Mailbox

DEMO = "demo"
DEMO_BUSINESS = "Aurora Coffee, espresso machines, grinders and coffee beans in Almaty"
OFF, USUAL, LISTED = Outreach(), Limits(), WhatsAppPrices()


@dataclass(frozen=True, slots=True)
class Bot:
    """One configured agent. `accounts` are its numbers, none while only the simulator reaches it.
    `reply_template` (`name:language`) is what a contact gets for a reply that comes after the 24-hour window;
    `outreach` how it follows up; `groups` whether it answers in groups; `prices` what WhatsApp charges for
    its messages; `one_message` whether a turn's replies go out as one; `reply_mode` whether they
    go out by themselves, wait for a person, or are not made; `trouble` why a part of its
    configuration is not in use; `conversions` the dataset of Meta's that is told what ads brought (empty:
    none is)."""

    id: str
    context: Context
    accounts: tuple[Account, ...] = ()
    reply_template: str = ""
    outreach: Outreach = OFF
    limits: Limits = USUAL
    dead_letter_days: int = 30
    groups: bool = False
    operator_number: str = ""
    operator_webhook_url: str = ""
    trouble: str = ""
    prices: WhatsAppPrices = LISTED
    conversions: str = ""
    one_message: OneMessage = "auto"
    reply_mode: ReplyMode = "auto"

    @property
    def account(self) -> str:
        """The number it writes from to somebody who never wrote; empty while none is connected."""
        return self.accounts[0].id if self.accounts else ""

    @property
    def simulated_account(self) -> str:
        """The number under which the simulator reaches the bot on the Cloud API's wire."""
        return f"{SIMULATED['cloud_api']}{self.id}"

    def channel_of(self, account: str) -> str:
        """The channel of a number; the Cloud API's for one of the app that no bot has claimed."""
        if is_simulated(account):
            return next(name for name, prefix in SIMULATED.items() if account.startswith(prefix))
        return next((one.channel for one in self.accounts if one.id == account), "cloud_api")

    def windowed(self, account: str) -> bool:
        """Whether a number may write freely only for 24 hours after the contact did."""
        return channels()[self.channel_of(account)].capabilities.window

    def says_at_once(self, account: str) -> bool:
        """Whether all that a turn replies goes out from a number in one message, where one holds it."""
        return self.one_message == "on" or (
            self.one_message == "auto" and channels()[self.channel_of(account)].capabilities.billed
        )

    def charged(self, account: str) -> bool:
        """Whether WhatsApp charges for what goes out from a number; not for what nobody real gets."""
        return channels()[self.channel_of(account)].capabilities.billed and not is_simulated(account)


@dataclass(frozen=True, slots=True)
class BotRuntime:
    """A bot with its mailbox and its record of conversations."""

    bot: Bot
    mailbox: Mailbox
    conversations: Conversations
    redis: Redis

    @property
    def dead_letters(self) -> DeadLetters:
        """The turns of the bot that were given up on."""
        return DeadLetters(self.redis, self.bot.id)


Part = TypeVar("Part", bound=BaseModel)


class BadBotFile(ValueError):
    """BOT_FILE cannot be used; the message says where and why."""


def _model(kind: type[Part], values: dict[str, Any], under: str = "") -> Part:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise BadConfig(problems_of(error, under)) from None


def build_bot(settings: Settings, config: dict[str, Any], secrets: dict[str, str], trouble: str = "") -> Bot:
    """The bot of a configuration as given, over the settings. Raises BadConfig."""
    given = parse_config(config)
    said = {name: getattr(given, name) for name in given.model_fields_set if getattr(given, name) is not None}
    return Bot(
        given.id,
        _context(settings, said),
        _links(settings, given.id, said.get("channel"), secrets),
        said.get("reply_template") or settings.whatsapp_reply_template or "",
        _outreach(settings, said),
        _limits(settings, said),
        (said["retention"].dead_letter_days if "retention" in said else None) or settings.dead_letter_days,
        given.allow_group_messages,
        said.get("operator_number") or settings.operator_number or "",
        said.get("operator_webhook_url") or settings.operator_webhook_url or "",
        trouble,
        _prices(settings, said),
        _conversions(settings, said),
        said.get("one_message") or settings.one_message,
        said.get("reply_mode") or settings.reply_mode,
    )


def _conversions(settings: Settings, said: dict[str, Any]) -> str:
    own = said.get("conversions")
    enabled = own.enabled if own and own.enabled is not None else settings.report_conversions
    dataset = (own.dataset_id if own else None) or settings.conversions_dataset_id or ""
    if own and own.enabled and not dataset:
        problem = "name the dataset that is told, or set CONVERSIONS_DATASET_ID"
        raise BadConfig([Problem(field="conversions.dataset_id", problem=problem)])
    return dataset if enabled else ""


def _prices(settings: Settings, said: dict[str, Any]) -> WhatsAppPrices:
    own = {**settings.whatsapp_prices, **said.get("whatsapp_prices", {})}
    try:
        return WhatsAppPrices.of(settings.data_dir, own)
    except BadRateCard as error:
        raise BadConfig([Problem(field="whatsapp_prices", problem=str(error))]) from None


def _context(settings: Settings, said: dict[str, Any]) -> Context:
    shared = {
        "business": settings.business,
        "model": settings.model_name,
        "fallback_model": settings.fallback_model or "",
        "moderate_model": settings.moderator_model or "",
        "verify_model": settings.verifier_model or "",
        "extract_model": settings.extractor_model or "",
        "remember_model": settings.summary_model or "",
        "cheaper_model": settings.cheaper_model or "",
        "daily_budget": settings.daily_budget,
        "session_minutes": settings.session_timeout_minutes,
        "handoff_minutes": settings.handoff_minutes,
    }
    own = {name: value for name, value in said.items() if name in Context.model_fields}
    prompts = prompts_in(settings.prompt_sets, said["prompt_set"]) if "prompt_set" in said else {}
    return _model(Context, {**shared, **prompts, **own})


def _outreach(settings: Settings, said: dict[str, Any]) -> Outreach:
    following = {
        "enabled": settings.enable_follow_ups,
        "intervals": settings.follow_up_intervals,
        "templates": settings.follow_up_templates,
        "hours": settings.hours,
        "price_limit": settings.touch_price_limit,
        "free_windows_first": settings.free_windows_first,
    }
    if hours := said.get("hours"):
        zone = hours.timezone or settings.timezone
        kept = settings.holidays if not hours.timezone or hours.timezone == settings.timezone else None
        kept = (
            kept
            if hours.holidays is None
            else ""
            if hours.holidays.casefold() == "none"
            else hours.holidays.upper()
        )
        start, end = hours.start or settings.working_hours_start, hours.end or settings.working_hours_end
        try:
            stated = settings.hours.stated or any((hours.days, hours.start, hours.end))
            days = hours.days or settings.working_days
            following["hours"] = hours_of(zone, days, start, end, kept, stated=stated)
        except ValueError as error:
            raise BadConfig([Problem(field="hours", problem=str(error))]) from None
    own: dict[str, Any] = (
        said["outreach"].model_dump(exclude_unset=True, exclude_none=True) if "outreach" in said else {}
    )
    return _model(Outreach, {**following, **own}, "outreach")


def _limits(settings: Settings, said: dict[str, Any]) -> Limits:
    inbox, retention = said.get("inbox"), said.get("retention")

    def of(part: Any, name: str, otherwise: Any) -> Any:
        value = getattr(part, name, None)
        return otherwise if value is None else value

    days = of(inbox, "max_days", settings.inbox_hours / 24)
    return Limits(
        debounce=int(of(inbox, "debounce_seconds", settings.debounce_seconds) * SECOND),
        longest=int(of(inbox, "debounce_max_seconds", settings.debounce_max_seconds) * SECOND),
        lease=int(settings.lease_seconds * SECOND),
        messages=of(inbox, "max_messages", settings.inbox_messages),
        characters=of(inbox, "max_characters", settings.inbox_characters),
        age=int(days * DAY),
        lines=of(retention, "transcript_messages", settings.transcript_messages),
        keep=of(retention, "transcript_days", settings.transcript_days) * DAY,
        timezone=settings.timezone,
        turns=settings.turns_per_hour,
    )


def _links(
    settings: Settings, bot_id: str, channel: dict[str, Any] | None, secrets: dict[str, str]
) -> tuple[Account, ...]:
    if channel is None:
        try:
            return default_accounts(settings) if bot_id == DEFAULT else ()
        except ValidationError as error:
            raise BadConfig(problems_of(error, "channel of the settings")) from None
    public, _ = split_secrets(channel)
    name = public.pop("type")
    if name == "simulator":
        return ()
    kind, known = channels()[name], defaults(settings).get(name, {})
    if "url" in public and public["url"] != known.get("url"):
        # what belongs to another address must not be shown to this one
        known = {n: v for n, v in known.items() if n in ("webhook_url", "version")}
    elif bot_id != DEFAULT:
        known = {
            n: v for n, v in known.items() if n not in ("phone_number_id", "profile_id", "webhook_secret")
        }
    if name == "waha":
        known["session"] = bot_id
    credentials = _model(kind.Credentials, {**known, **public, **secrets}, "channel")
    if missing := credentials.missing:
        raise BadConfig([Problem(field=f"channel.{field}", problem="is missing") for field in missing])
    if is_simulated(credentials.account):
        raise BadConfig(
            [Problem(field="channel", problem=f"{credentials.account} is a number of the simulator")]
        )
    return (Account(name, credentials),)


Said = tuple[dict[str, Any], dict[str, str]]


def default_configs(settings: Settings) -> dict[str, Said]:
    """(configuration, secrets) of the bot the settings describe, and of the sample shop for the simulator.
    Raises BadBotFile."""
    config = _from_file(settings.bot_file)
    try:
        secrets = split_secrets(config["channel"])[1] if isinstance(config.get("channel"), dict) else {}
        own = ({**config, "id": DEFAULT}, secrets)
        build_bot(settings, *own)
    except BadConfig as error:
        where = f"BOT_FILE: {settings.bot_file}: " if settings.bot_file else ""
        raise BadBotFile(f"{where}{error}") from None
    return {DEFAULT: own, DEMO: ({"id": DEMO, "business": DEMO_BUSINESS}, {})}


def default_bots(settings: Settings) -> list[Bot]:
    """The bots that need no configuration. Raises BadBotFile."""
    return [build_bot(settings, *said) for said in default_configs(settings).values()]


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadBotFile(f"BOT_FILE: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise BadBotFile(f"BOT_FILE: {path} must hold settings, such as `business: Aurora Coffee`")
    return cast(dict[str, Any], found)


def runtime_of(bot: Bot, redis: Redis) -> BotRuntime:
    """A bot at work."""
    return BotRuntime(
        bot, Mailbox(redis, bot.id, bot.limits), Conversations(redis, bot.id, bot.limits.timezone), redis
    )


def runtimes(settings: Settings, redis: Redis) -> dict[str, BotRuntime]:
    """The runtimes of the bots that need no configuration, by bot id."""
    return {bot.id: runtime_of(bot, redis) for bot in default_bots(settings)}
