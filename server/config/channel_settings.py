"""Settings of the default bot's accounts: the Cloud API, Wappi, a WAHA gateway."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from channels.flows.sealed import BadFlowKey, flow_key
from server.config.whatsapp_prices.rate_card import OwnPrices, shipped_rate_card


class ChannelSettings(BaseSettings):
    """How messages come and go."""

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
        description=(
            "Approved template without variables, name:language, sent in place of a reply that comes after "
            "the 24-hour window; unset: such a reply is dropped, visibly."
        ),
    )
    whatsapp_flows_key: SecretStr | None = Field(
        None,
        description="Private RSA key (PEM) of the data endpoint of Flows; its public half is put up at Meta.",
    )
    whatsapp_flows_key_file: Path | None = Field(
        None, description="File that holds that key, in place of WHATSAPP_FLOWS_KEY."
    )
    whatsapp_flows_key_passphrase: SecretStr | None = Field(
        None, description="Passphrase of that key; unset: it has none."
    )
    whatsapp_prices: OwnPrices = Field(
        {},
        description="Prices of your own, in US dollars a message, as JSON over the rate card: "
        '{"Kazakhstan": {"service": 0.02}}; `salesgraph prices show` lists markets and prices in force.',
    )
    report_conversions: bool = Field(
        False,
        description="Whether Meta is told which ads brought leads and purchases; customers must have agreed.",
    )
    conversions_dataset_id: str | None = Field(
        None, pattern=r"^\d{5,32}$", description="Dataset of Meta's Conversions API that is told."
    )
    conversions_token: SecretStr | None = Field(None, description="Token that may write to the dataset.")
    conversions_url: str = Field(
        "https://graph.facebook.com", description="Base address of the Conversions API."
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
        description=(
            "WAHA gateway for QR-linked sessions: not WhatsApp's own, against its terms, numbers get banned."
        ),
    )
    waha_api_key: SecretStr | None = Field(None, description="X-Api-Key of the gateway.")
    waha_hmac_key: SecretStr | None = Field(None, description="Key that signs the gateway's webhooks.")
    whatsapp_max_clients: int = Field(
        30, ge=0, le=1000, description="QR-linked sessions of this deployment at most."
    )

    @model_validator(mode="after")
    def _key_opens(self) -> ChannelSettings:
        """A key that cannot be used stops the start, not the first form."""
        _ = self.flow_private_key
        return self

    @cached_property
    def flow_private_key(self) -> RSAPrivateKey | None:
        """What opens the calls of the data endpoint of Flows; None where there is no endpoint. Raises
        ValueError for a key that cannot be used."""
        name, pem = "WHATSAPP_FLOWS_KEY", b""
        if self.whatsapp_flows_key:
            # one line in `.env` has its line ends written out
            pem = self.whatsapp_flows_key.get_secret_value().replace("\\n", "\n").encode()
        elif self.whatsapp_flows_key_file:
            name = "WHATSAPP_FLOWS_KEY_FILE"
            try:
                pem = self.whatsapp_flows_key_file.read_bytes()
            except OSError as error:
                raise ValueError(f"{name}: it cannot be read: {error.strerror}") from None
        if not pem:
            return None
        phrase = self.whatsapp_flows_key_passphrase
        try:
            return flow_key(pem, phrase.get_secret_value() if phrase else "")
        except BadFlowKey as error:
            raise ValueError(f"{name}: {error}") from None

    @field_validator("whatsapp_prices")
    @classmethod
    def _known_markets(cls, value: OwnPrices) -> OwnPrices:
        shipped_rate_card().with_own(value)
        return value

    @model_validator(mode="after")
    def _can_report(self) -> Self:
        if self.report_conversions and not (self.conversions_dataset_id and self.conversions_token):
            raise ValueError("REPORT_CONVERSIONS: set CONVERSIONS_DATASET_ID and CONVERSIONS_TOKEN too")
        return self
