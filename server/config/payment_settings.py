"""Settings of how orders are paid."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings


class StripeAccount(BaseModel):
    """An account of Stripe that one bot's customers pay into."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret_key: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr = Field(min_length=1)


class PaymentSettings(BaseSettings):
    """The accounts that customers' payments go to."""

    def stripe_account(self, bot_id: str) -> tuple[str, str]:
        """(secret key, webhook secret) of a bot: its own, else those of all; empty where nothing is set."""
        own = self.stripe_accounts.get(bot_id)
        pair = (
            (own.secret_key, own.webhook_secret)
            if own
            else (self.stripe_secret_key, self.stripe_webhook_secret)
        )
        key, secret = (one.get_secret_value() if one else "" for one in pair)
        return key, secret

    stripe_secret_key: SecretStr | None = Field(
        None, description="Secret key of Stripe, for bots whose orders are paid there."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="Signs Stripe's webhooks, which go to /webhook/stripe/BOT."
    )
    stripe_accounts: dict[str, StripeAccount] = Field(
        default={},
        description="Accounts of Stripe by bot, for bots that are not paid into the one above, as JSON: "
        '`{"almaty": {"secret_key": "sk_...", "webhook_secret": "whsec_..."}}`.',
    )
    stripe_url: str = Field("https://api.stripe.com", description="Base address of Stripe's API.")
