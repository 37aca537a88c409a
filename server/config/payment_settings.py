"""Settings of how orders are paid."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class PaymentSettings(BaseSettings):
    """The account that customers' payments go to."""

    stripe_secret_key: SecretStr | None = Field(
        None, description="Secret key of Stripe, for bots whose orders are paid there."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="Signs Stripe's webhooks, which go to /webhook/stripe/BOT."
    )
    stripe_url: str = Field("https://api.stripe.com", description="Base address of Stripe's API.")
