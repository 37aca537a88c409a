"""The numbers of a bot: each on a channel, with what reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from channels.base import Credentials
from channels.cloud_api import CloudCredentials
from channels.emulators.numbers import PATHS, SIMULATED
from channels.waha import WahaCredentials
from channels.wappi import WappiCredentials
from server.config.settings import Settings

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Account:
    """One number of a bot: the channel it is on and what reaches it."""

    channel: str
    credentials: Credentials

    @property
    def id(self) -> str:
        """The provider's id of the number."""
        return self.credentials.account


def defaults(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the settings say of each channel's credentials; a bot's own go before them."""
    hook = f"{settings.inside_url}/webhook/waha"
    given: dict[str, dict[str, Any]] = {
        "cloud_api": {
            "phone_number_id": settings.whatsapp_phone_number_id,
            "access_token": settings.whatsapp_access_token,
            "app_secret": settings.whatsapp_app_secret,
            "business_account_id": settings.whatsapp_business_account_id,
            "url": settings.whatsapp_graph_url,
            "version": settings.whatsapp_graph_version,
            "messages_per_second": settings.whatsapp_messages_per_second,
        },
        "wappi": {
            "profile_id": settings.wappi_profile_id,
            "token": settings.wappi_token,
            "webhook_secret": settings.wappi_webhook_secret,
            "authorization": settings.wappi_webhook_authorization,
            "url": settings.wappi_url,
        },
        "waha": {
            "session": DEFAULT if settings.waha_url else None,
            "api_key": settings.waha_api_key,
            "hmac_key": settings.waha_hmac_key,
            "url": settings.waha_url,
            "webhook_url": hook,
        },
    }
    return {name: {k: v for k, v in row.items() if v is not None} for name, row in given.items()}


def default_accounts(settings: Settings) -> tuple[Account, ...]:
    """The numbers that the settings give to the default bot."""
    known, own = defaults(settings), list[Account]()
    if settings.whatsapp_phone_number_id:
        own.append(Account("cloud_api", CloudCredentials.model_validate(known["cloud_api"])))
    if settings.wappi_profile_id and settings.wappi_token:
        own.append(Account("wappi", WappiCredentials.model_validate(known["wappi"])))
    if settings.waha_url:
        own.append(Account("waha", WahaCredentials.model_validate(known["waha"])))
    return tuple(own)


def simulated_accounts(settings: Settings, bot_id: str) -> dict[str, Account]:
    """The numbers under which the simulator reaches a bot, one on every wire."""
    base, secret = f"{settings.inside_url}/simulator", SecretStr(settings.simulator_secret)
    of = {name: f"{prefix}{bot_id}" for name, prefix in SIMULATED.items()}
    cloud = CloudCredentials(
        phone_number_id=of["cloud_api"],
        access_token=secret,
        app_secret=secret,
        url=f"{base}/{PATHS['cloud_api']}",
        version=settings.whatsapp_graph_version,
        messages_per_second=0,
    )
    wappi = WappiCredentials(
        profile_id=of["wappi"],
        token=secret,
        webhook_secret=secret,
        receive="webhook",
        url=f"{base}/{PATHS['wappi']}",
    )
    waha = WahaCredentials(
        session=of["waha"], api_key=secret, hmac_key=secret, url=f"{base}/{PATHS['waha']}", webhook_url=""
    )
    return {
        "cloud_api": Account("cloud_api", cloud),
        "wappi": Account("wappi", wappi),
        "waha": Account("waha", waha),
    }
