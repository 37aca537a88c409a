"""Settings of the models, of what they may cost, and of what the agent is given."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from agent.model_options import GEMINI_MODEL, OPENAI_MODEL, is_name


class ModelSettings(BaseSettings):
    """Which models answer, with which keys, for how much money."""

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
    openai_model: str = Field(OPENAI_MODEL, description="Model asked when only OPENAI_API_KEY is set.")
    openai_base_url: str = Field("https://api.openai.com/v1", description="Base address of the OpenAI wire.")
    gemini_api_key: SecretStr | None = Field(None, description="Key of the Gemini API.")
    google_api_key: SecretStr | None = Field(None, description="Another name of GEMINI_API_KEY.")
    gemini_model: str = Field(GEMINI_MODEL, description="Model asked when only GEMINI_API_KEY is set.")
    gemini_base_url: str | None = Field(None, description="Base address of the Gemini wire; unset: Google's.")
    cheaper_model: str | None = Field(
        None,
        description=(
            "Model asked when 80 % of DAILY_BUDGET is spent; same form as CHAT_MODEL; unset: FALLBACK_MODEL."
        ),
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
        description="A model that reads every reply that claims something against its evidence before it is "
        "sent; unset: EXTRACTOR_MODEL, else MODERATOR_MODEL, else CHAT_MODEL; off: code alone checks, and "
        "figures only.",
    )
    transcription_model: str | None = Field(
        None,
        description=(
            "openai:NAME, google_genai:NAME, offline (the voice extra) or off, for voice messages; unset: by "
            "key."
        ),
    )
    speech_model: str | None = Field(
        None,
        description="openai:NAME, google_genai:NAME (with the voice extra) or off, for voice replies of bots "
        "that have `speech`; unset: OpenAI's where its key is set.",
    )
    daily_budget: float = Field(
        25, ge=0, description="US dollars a day, of model calls and messages of each bot; 0: no limit."
    )
    model_prices: dict[str, dict[str, float]] = Field(
        {},
        description="US dollars per million tokens of models that have no price of ours, as JSON: "
        '{"openai:my-model": {"input": 0, "output": 0}}; without one a model is counted like the dearest.',
    )
    bot_file: Path | None = Field(
        None,
        description="YAML or JSON file with more settings of the default bot: prompts, lists, fields, facts.",
    )
    embedding_model: str | None = Field(
        None, description="openai:NAME, google_genai:NAME or bundled; unset: by which key is present."
    )
    knowledge_engine: str = Field(
        "memory",
        description="Where passages are searched: memory; postgresql://... (the postgres extra); or "
        "module:function, which makes an engine of your own.",
    )
    knowledge_memory_mb: int = Field(
        1024,
        ge=16,
        le=1_000_000,
        description="Megabytes that knowledge bases may take in each process; the least used are unloaded.",
    )
    catalogue_hours: int = Field(
        6,
        ge=0,
        le=8760,
        description="Every how many hours Commerce catalogues of bots (`catalogue_id`) are read again; 0: "
        "once, and when asked.",
    )
    model_timeout: float = Field(30, gt=0, le=300, description="Seconds one model call may take.")
    model_rest_seconds: float = Field(
        60,
        ge=0,
        le=3600,
        description="How long a provider that refuses the key or the account is left alone.",
    )
    prompt_sets: Path = Field(
        Path("prompt_sets"), description="Folder of prompt sets: one folder each, of PROMPT.md files."
    )
    mcp_file: Path | None = Field(
        None, description="mcp.json: MCP servers whose tools the agents may use (make mcp)."
    )

    @field_validator("knowledge_engine")
    @classmethod
    def _engine(cls, value: str) -> str:
        own = value.partition(":")
        if value == "memory" or value.startswith(("postgresql://", "postgres://")):
            return value
        if own[0].replace(".", "_").isidentifier() and own[2].isidentifier():
            return value
        raise ValueError("write memory, postgresql://USER:PASSWORD@HOST/DATABASE, or module:function")

    @field_validator(
        *("chat_model", "fallback_model", "cheaper_model"),
        *("moderator_model", "extractor_model", "summary_model", "verifier_model"),
    )
    @classmethod
    def _known_model(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value in ("auto", "off") and info.field_name == "verifier_model":
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

    @field_validator("speech_model")
    @classmethod
    def _speaks(cls, value: str | None) -> str | None:
        provider, _, name = (value or "").partition(":")
        if value and value != "off" and not (provider in ("openai", "google_genai") and name):
            raise ValueError("use openai:NAME, such as openai:gpt-4o-mini-tts, google_genai:NAME, or off")
        return value

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
