"""Every setting of the product, read once from the environment or `.env`."""

from __future__ import annotations

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from server.config.channel_settings import ChannelSettings
from server.config.model_settings import ModelSettings
from server.config.outreach_settings import OutreachSettings
from server.config.payment_settings import PaymentSettings
from server.config.server_settings import ServerSettings
from server.config.turn_settings import TurnSettings


# Pydantic takes the fields of the last base first.
class Settings(
    PaymentSettings, OutreachSettings, TurnSettings, ChannelSettings, ModelSettings, ServerSettings
):
    """What the environment says. Field names are the variable names in lower case.

    Lengths are seconds unless the name says otherwise. They describe the bot `default`; the sample bot `demo`
    shares the timing and model settings.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )

    @field_validator(
        *("web_url", "public_url", "internal_url", "operator_webhook_url"),
        *(
            "openai_base_url",
            "gemini_base_url",
            "whatsapp_graph_url",
            "conversions_url",
            "wappi_url",
            "waha_url",
            "stripe_url",
        ),
    )
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("start it with http:// or https://")
        return value.rstrip("/") if value else value
