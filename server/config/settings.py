"""Every setting of the product, read once from the environment or `.env`."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agent.model_options import is_name
from server.config.addresses import is_loopback
from server.config.follow_ups import MAPPED
from server.config.kept_secrets import kept_secret
from server.config.working_hours import Hours, days_of, hours_of, known_countries
from server.store.client import CONNECTIONS, SENTINEL, sentinels_of

SCHEMES = (
    *("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://"),
    *("redis+sentinel://", "rediss+sentinel://"),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Settings(BaseSettings):
    """What the environment says. Field names are the variable names in lower case.

    Lengths are seconds unless the name says otherwise. They describe the bot `default`; the sample bot `demo`
    shares the timing and model settings.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    data_dir: Path = Field(Path("data"), description="Where the embedded Redis and generated secrets live.")
    redis_url: str | None = Field(
        None,
        description="redis://, rediss:// or unix:// of a server, redis+cluster:// of any node of a cluster, "
        "redis+sentinel://HOST:26379,HOST:26379/NAME of what Sentinel watches; unset: embedded.",
    )
    redis_connections: int = Field(
        CONNECTIONS,
        ge=4,
        le=10_000,
        description="Connections to Redis of each process; with more to do, commands wait.",
    )
    redis_may_lose: bool = Field(
        False,
        description="Work with a Redis that may lose acknowledged messages (no append-only file, or eviction).",
    )
    api_token: SecretStr | None = Field(
        None, description="Operator token; unset: made once and kept in DATA_DIR."
    )
    hooks_private: bool = Field(
        False, description="Whether outgoing webhooks may go to private addresses, such as a CRM beside it."
    )
    simulator: bool | None = Field(
        None,
        description="Whether /simulator is there, for operators who log in; unset: only while HOST is this machine alone.",
    )
    public_url: str | None = Field(
        None,
        description="This server's address on the internet: in links that people get, and where webhooks come to.",
    )
    internal_url: str | None = Field(
        None, description="Where processes on other hosts reach the web server; unset: this machine."
    )
    web_url: str | None = Field(
        None, description="The old name of PUBLIC_URL and INTERNAL_URL together; use those."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")

    business: str = Field(
        "our shop", max_length=500, description="Name of the business and what it sells, in one line."
    )
    chat_model: str | None = Field(
        None, description="openai:NAME, google_genai:NAME or offline; unset: by which key is present."
    )
    fallback_model: str | None = Field(None, description="Model asked when CHAT_MODEL fails; same form.")
    openai_api_key: SecretStr | None = Field(
        None, description="Key of the OpenAI API or of a server like it."
    )
    openai_model: str = Field("gpt-4.1-mini", description="Model asked when only OPENAI_API_KEY is set.")
    openai_base_url: str = Field("https://api.openai.com/v1", description="Base address of the OpenAI wire.")
    gemini_api_key: SecretStr | None = Field(None, description="Key of the Gemini API.")
    google_api_key: SecretStr | None = Field(None, description="Another name of GEMINI_API_KEY.")
    gemini_model: str = Field(
        "gemini-3.1-flash-lite", description="Model asked when only GEMINI_API_KEY is set."
    )
    gemini_base_url: str | None = Field(None, description="Base address of the Gemini wire; unset: Google's.")
    cheaper_model: str | None = Field(
        None,
        description="Model asked when 80 % of DAILY_BUDGET is spent; same form as CHAT_MODEL; unset: FALLBACK_MODEL.",
    )
    moderator_model: str | None = Field(
        None, description="A smaller model for the moderator; unset: CHAT_MODEL."
    )
    extractor_model: str | None = Field(
        None, description="A smaller model for extraction; unset: CHAT_MODEL."
    )
    summary_model: str | None = Field(None, description="A smaller model for summaries; unset: CHAT_MODEL.")
    verifier_model: str | None = Field(
        None,
        description="A model that reads every reply against its evidence before it is sent; auto: CHAT_MODEL; unset: code "
        "checks figures alone.",
    )
    transcription_model: str | None = Field(
        None,
        description="openai:NAME, google_genai:NAME, offline (the voice extra) or off, for voice messages; unset: by key.",
    )
    daily_budget: float = Field(
        25, ge=0, description="US dollars of model calls a day, each bot; 0: no limit."
    )
    model_prices: dict[str, dict[str, float]] = Field(
        {},
        description="US dollars per million tokens of models that have no price of ours, as JSON: "
        '{"openai:my-model": {"input": 0, "output": 0}}; without one a model is counted like the dearest.',
    )
    turns_per_hour: int = Field(
        240,
        ge=0,
        description="Turns of one contact in an hour; what comes beyond waits and is answered together. 0: no limit.",
    )
    media_megabytes: int = Field(16, ge=1, le=100, description="Largest file of a contact that is fetched.")
    bot_file: Path | None = Field(
        None,
        description="YAML or JSON file with more settings of the default bot: prompts, lists, fields, facts.",
    )
    embedding_model: str | None = Field(
        None, description="openai:NAME, google_genai:NAME or bundled; unset: by which key is present."
    )
    model_timeout: float = Field(30, gt=0, le=300, description="Seconds one model call may take.")

    model_rest_seconds: float = Field(
        60,
        ge=0,
        le=3600,
        description="How long a provider that refuses the key or the account is left alone.",
    )

    whatsapp_access_token: SecretStr | None = Field(None, description="Token of the Cloud API.")
    whatsapp_phone_number_id: str | None = Field(None, description="Id of the business number.")
    whatsapp_business_account_id: str | None = Field(None, description="Id of the WhatsApp business account.")
    whatsapp_app_secret: SecretStr | None = Field(
        None, description="Secret of the Meta app; signs its webhooks."
    )
    whatsapp_webhook_verify_token: SecretStr | None = Field(
        None, description="Word Meta repeats on verification."
    )
    whatsapp_graph_url: str = Field(
        "https://graph.facebook.com", description="Base address of the Graph API."
    )
    whatsapp_graph_version: str = Field("v25.0", pattern=r"^v\d+\.\d+$", description="Graph API version.")

    whatsapp_messages_per_second: float = Field(
        80,
        ge=1,
        le=1000,
        description="Throughput of a number: 80, 20 when it is also used in the app, or as raised.",
    )
    whatsapp_reply_template: str | None = Field(
        None,
        pattern=r"^[a-z0-9_]+:[a-z]{2,3}(_[A-Z]{2})?$",
        description="Approved template without variables, name:language, sent in place of a reply that comes after the "
        "24-hour window; unset: such a reply is dropped, visibly.",
    )

    wappi_token: SecretStr | None = Field(None, description="Token of wappi.pro.")
    wappi_profile_id: str | None = Field(
        None, description="Profile of wappi.pro: the linked phone of the bot."
    )
    wappi_url: str = Field("https://wappi.pro", description="Base address of Wappi.")
    wappi_webhook_secret: SecretStr | None = Field(
        None, description="Last part of /webhook/wappi/default/SECRET; unset: messages are polled for."
    )
    wappi_webhook_authorization: SecretStr | None = Field(
        None, description="What Wappi sends as Authorization on webhooks; unset: the header is not looked at."
    )
    wappi_poll_seconds: float = Field(
        5, ge=1, le=300, description="Pause between polls of a profile without webhook."
    )
    waha_url: str | None = Field(
        None,
        description="WAHA gateway for QR-linked sessions: not WhatsApp's own, against its terms, numbers get banned.",
    )
    waha_api_key: SecretStr | None = Field(None, description="X-Api-Key of the gateway.")
    waha_hmac_key: SecretStr | None = Field(None, description="Key that signs the gateway's webhooks.")
    whatsapp_max_clients: int = Field(
        30, ge=0, le=1000, description="QR-linked sessions of this deployment at most."
    )
    secrets_key: SecretStr | None = Field(
        None,
        description="Encrypts the bots' credentials in Redis, the same on every host; unset: made once in DATA_DIR.",
    )
    prompt_sets: Path = Field(
        Path("prompt_sets"), description="Folder of prompt sets: one folder each, of PROMPT.md files."
    )
    mcp_file: Path | None = Field(
        None, description="mcp.json: MCP servers whose tools the agents may use (make mcp)."
    )

    debounce_seconds: float = Field(1.5, ge=0, le=60, description="Quiet time that ends a burst.")
    debounce_max_seconds: float = Field(8, ge=0, le=120, description="Longest wait for a burst to end.")
    inbox_messages: int = Field(
        50, ge=1, le=1000, description="Messages of one contact that one turn takes at most."
    )
    inbox_characters: int = Field(
        20_000, ge=100, description="Characters of one contact that one turn takes at most."
    )
    inbox_hours: float = Field(24, gt=0, description="A message that waited longer is not answered any more.")
    session_timeout_minutes: int = Field(
        720, ge=1, description="A longer pause starts a new session summary."
    )
    max_message_length: int = Field(
        4096, ge=100, le=65536, description="Characters of one message shown to a model."
    )
    turn_attempts: int = Field(
        5, ge=1, le=50, description="Tries of a turn before it goes to the dead letters."
    )
    lease_seconds: float = Field(
        15, ge=1, le=300, description="How long a dead worker's conversations wait for another."
    )
    send_grace_seconds: float = Field(
        20,
        ge=1,
        le=600,
        description="How long a send without an answer waits for a status before it is repeated.",
    )
    drain_seconds: float = Field(
        15,
        ge=0,
        le=300,
        description="How long a worker that is stopped goes on before it hands its turns to others.",
    )
    transcript_days: int = Field(0, ge=0, description="Days a transcript is kept; 0: until it is erased.")
    transcript_messages: int = Field(2000, ge=10, description="Messages kept of one conversation.")
    dead_letter_days: int = Field(30, ge=1, description="Days a dead letter is kept.")
    worker_concurrency: int = Field(
        512, ge=1, le=1000, description="Conversations one worker has in hand at once."
    )

    operator_webhook_url: str | None = Field(
        None, description="Address told when a conversation needs a person."
    )
    operator_webhook_secret: SecretStr | None = Field(
        None,
        description="Signs what OPERATOR_WEBHOOK_URL is told; unset: made for each bot from SECRETS_KEY.",
    )
    operator_number: str | None = Field(
        None, pattern=r"^\+?\d{6,15}$", description="WhatsApp number told when a conversation needs a person."
    )
    handoff_minutes: int = Field(
        0, ge=0, description="The bot goes on so long after a person last wrote; 0: when it is handed back."
    )
    answer_minutes: int = Field(
        15,
        ge=0,
        description="Minutes after which a customer handed over to people is not left without a word; 0: never.",
    )
    enable_follow_ups: bool = Field(False, description="Whether follow-ups go out.")
    follow_up_intervals: Annotated[tuple[float, ...], NoDecode] = Field(
        (24, 72, 168, 336, 720), description="Hours after which each touch is due."
    )
    follow_up_templates: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="Templates for touches outside the 24-hour window, with the profile fields that fill them: "
        "1:ru=come_back:ru(name);2=news:en",
    )
    working_hours_start: str = Field("10:00", pattern=r"^\d{2}:\d{2}$", description="HH:MM in TIMEZONE.")
    working_hours_end: str = Field("18:00", pattern=r"^\d{2}:\d{2}$", description="HH:MM in TIMEZONE.")
    working_days: str = Field("Mon-Fri", description="Days on which follow-ups go out.")
    timezone: str = Field("Asia/Almaty", description="IANA time zone of the business.")
    holidays: str | None = Field(
        None,
        description="ISO country whose public holidays are kept, or none; unset: the country of TIMEZONE.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _known_level(cls, value: object) -> str:
        level = str(value).upper()
        if level not in LOG_LEVELS:
            raise ValueError(f"use one of {', '.join(LOG_LEVELS)}")
        return level

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str | None) -> str | None:
        if value and not value.startswith(SCHEMES):
            raise ValueError(f"start it with {', '.join(SCHEMES)}, or leave it unset for the embedded server")
        if value and SENTINEL in value.split("://")[0]:
            sentinels_of(value)
            return value
        try:
            _ = urlsplit(value or "").port
        except ValueError:
            raise ValueError("its port is not a number; write redis://HOST:6379/0") from None
        return value

    @field_validator(
        *(
            "openai_base_url",
            "whatsapp_graph_url",
            "gemini_base_url",
            "web_url",
            "public_url",
            "internal_url",
        ),
        *("wappi_url", "waha_url", "operator_webhook_url"),
    )
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("start it with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator(
        *("chat_model", "fallback_model", "cheaper_model"),
        *("moderator_model", "extractor_model", "summary_model", "verifier_model"),
    )
    @classmethod
    def _known_model(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value == "auto" and info.field_name == "verifier_model":
            return value
        if value and not is_name(value):
            raise ValueError("use PROVIDER:NAME, such as openai:gpt-4.1-mini, or offline")
        return value

    @field_validator("embedding_model", "transcription_model")
    @classmethod
    def _known_small_model(cls, value: str | None, info: ValidationInfo) -> str | None:
        provider, _, name = (value or "").partition(":")
        own = ("bundled",) if info.field_name == "embedding_model" else ("offline", "off")
        if value and value not in own and not (provider in ("openai", "google_genai") and name):
            raise ValueError(f"use openai:NAME, google_genai:NAME or {' or '.join(own)}")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("use an IANA name such as Asia/Almaty") from None
        return value

    @field_validator("working_days")
    @classmethod
    def _known_days(cls, value: str) -> str:
        days_of(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, value: str | None) -> str | None:
        if value is None or value.casefold() == "none":
            return value and ""
        if value.upper() not in known_countries():
            raise ValueError("use an ISO country code such as KZ, or none")
        return value.upper()

    @field_validator("follow_up_templates", mode="before")
    @classmethod
    def _templates(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(";") if pair.strip()]
        if any(not name or not template for name, _, template in pairs):
            raise ValueError("use TOUCH:LANGUAGE=TEMPLATE:LANGUAGE(FIELDS) with ; between them")
        if wrong := [template for _, _, template in pairs if not MAPPED.match(template.strip())]:
            raise ValueError(f"{', '.join(wrong)}: write NAME:LANGUAGE or NAME:LANGUAGE(FIELD, FIELD)")
        return {name.strip(): template.strip() for name, _, template in pairs}

    @field_validator("follow_up_intervals")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or any(a >= b for a, b in itertools.pairwise((0.0, *value))):
            raise ValueError("use rising hours, such as 24,72,168")
        return value

    @field_validator("follow_up_intervals", mode="before")
    @classmethod
    def _hours(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return tuple(float(part) for part in value.strip("[]").split(",") if part.strip())
            except ValueError:
                raise ValueError("use hours with commas between them, such as 24,72,168") from None
        return value

    @cached_property
    def hours(self) -> Hours:
        """When the business may reach out. Raises ValueError when the hours end before they start."""
        return hours_of(
            self.timezone, self.working_days, self.working_hours_start, self.working_hours_end, self.holidays
        )

    @model_validator(mode="after")
    def _hours_end_later(self) -> Settings:
        if not self.working_hours_start < self.working_hours_end <= "24:00":
            raise ValueError("WORKING_HOURS_END: must be later than WORKING_HOURS_START")
        return self

    @property
    def gemini_key(self) -> str | None:
        """The Gemini key under either of its two names."""
        key = self.gemini_api_key or self.google_api_key
        return key.get_secret_value() if key else None

    @property
    def openai_key(self) -> str | None:
        """The OpenAI key in the clear, for the client that needs it."""
        return self.openai_api_key.get_secret_value() if self.openai_api_key else None

    @cached_property
    def model_name(self) -> str:
        """The chat model in use: CHAT_MODEL, else by which key is present, else `offline`."""
        if self.chat_model:
            return self.chat_model
        if self.openai_key:
            return f"openai:{self.openai_model}"
        return f"google_genai:{self.gemini_model}" if self.gemini_key else "offline"

    @property
    def simulates(self) -> bool:
        """Whether there is a simulator."""
        return is_loopback(self.host) if self.simulator is None else self.simulator

    @property
    def outside_url(self) -> str:
        """The address of this server on the internet; empty where it has none."""
        return self.public_url or self.web_url or ""

    @property
    def links_url(self) -> str:
        """How links begin that people get."""
        return self.outside_url or self.loopback_url

    @property
    def inside_url(self) -> str:
        """Where our other processes, and servers beside this one, reach the web server."""
        return self.internal_url or self.web_url or self.loopback_url

    @property
    def loopback_url(self) -> str:
        """Where processes on this machine reach the web server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @cached_property
    def operator_token(self) -> str:
        """API_TOKEN, or the one made for this DATA_DIR."""
        return (
            self.api_token.get_secret_value() if self.api_token else kept_secret(self.data_dir, "api_token")
        )

    @cached_property
    def sealing_key(self) -> str:
        """SECRETS_KEY, or the one made for this DATA_DIR."""
        return (
            self.secrets_key.get_secret_value()
            if self.secrets_key
            else kept_secret(self.data_dir, "secrets_key")
        )

    @cached_property
    def simulator_secret(self) -> str:
        """Signs the webhooks of the simulator and opens nothing but simulated numbers; the same wherever
        API_TOKEN is."""
        return hmac.new(self.operator_token.encode(), b"simulator", hashlib.sha256).hexdigest()
