"""Settings of follow-ups, of working hours, and of the people who take conversations over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode

from agent.phone_numbers import WRITTEN
from server.config.follow_ups import mapped_templates, rising_hours
from server.config.working_hours import Hours, days_of, hours_of, known_countries

# Who sets one of these says when the business is open; their defaults say only when it writes by itself.
_STATED = {"working_days", "working_hours_start", "working_hours_end"}


def _is_old_form(templates: str) -> bool:
    """Whether it is `1:ru=come_back:ru(name);2=news:en`, as older versions took it, and no JSON."""
    return bool(templates.strip()) and not templates.lstrip().startswith("{")


class OutreachSettings(BaseSettings):
    """When a business writes by itself, and who of its people is told what."""

    _old_templates: bool = PrivateAttr(default=False)

    operator_webhook_url: str | None = Field(
        None, description="Address told when a conversation needs a person."
    )
    operator_webhook_secret: SecretStr | None = Field(
        None,
        description="Signs what OPERATOR_WEBHOOK_URL is told; unset: made for each bot from SECRETS_KEY.",
    )
    operator_number: str | None = Field(
        None, pattern=WRITTEN, description="WhatsApp number told when a conversation needs a person."
    )
    handoff_minutes: int = Field(
        0, ge=0, description="The bot goes on so long after a person last wrote; 0: when it is handed back."
    )
    answer_minutes: int = Field(
        15,
        ge=0,
        description=(
            "Minutes after which a customer handed over to people is not left without a word; 0: never."
        ),
    )
    enable_follow_ups: bool = Field(False, description="Whether follow-ups go out.")
    follow_up_intervals: Annotated[tuple[float, ...], NoDecode] = Field(
        (24, 72, 168, 336, 720), description="Hours after which each touch is due."
    )
    follow_up_templates: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description=(
            "Templates for touches outside the 24-hour window, with the profile fields that fill them: "
            '{"1:ru": "come_back:ru(name)", "2": "news:en"}'
        ),
    )
    free_windows_first: bool = Field(
        True,
        description="Whether a follow-up that would just miss the 24-hour window, or the free time after an "
        "ad, goes out before its end, in place of a template.",
    )
    touch_price_limit: float = Field(
        0.1,
        ge=0,
        description="US dollars that a follow-up may cost at WhatsApp before you are warned; 0: no warning.",
    )
    working_hours_start: str = Field("10:00", pattern=r"^\d{2}:\d{2}$", description="HH:MM in TIMEZONE.")
    working_hours_end: str = Field("18:00", pattern=r"^\d{2}:\d{2}$", description="HH:MM in TIMEZONE.")
    working_days: str = Field("Mon-Fri", description="Days on which follow-ups go out.")
    timezone: str = Field("Asia/Almaty", description="IANA time zone of the business.")
    holidays: str | None = Field(
        None,
        description="ISO country whose public holidays are kept, or none; unset: the country of TIMEZONE.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _with_its_form(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(given)
        said = (
            cast("Mapping[str, Any]", given).get("follow_up_templates") if isinstance(given, Mapping) else ""
        )
        made._old_templates = isinstance(said, str) and _is_old_form(said)
        return made

    @property
    def has_old_templates(self) -> bool:
        """Whether FOLLOW_UP_TEMPLATES is written as before it took JSON."""
        return self._old_templates

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
        if not _is_old_form(value):
            try:
                return json.loads(value) if value.strip() else {}
            except ValueError:
                raise ValueError("is no JSON object") from None
        pairs = [pair.partition("=") for pair in value.split(";") if pair.strip()]
        if any(not name or not template for name, _, template in pairs):
            raise ValueError("write a JSON object")
        return {name.strip(): template.strip() for name, _, template in pairs}

    @field_validator("follow_up_templates")
    @classmethod
    def _known_form(cls, value: dict[str, str]) -> dict[str, str]:
        return mapped_templates(value)

    @field_validator("follow_up_intervals")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return rising_hours(value)

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
            self.timezone,
            self.working_days,
            self.working_hours_start,
            self.working_hours_end,
            self.holidays,
            stated=bool(_STATED & self.model_fields_set),
        )

    @model_validator(mode="after")
    def _hours_end_later(self) -> Self:
        if not self.working_hours_start < self.working_hours_end <= "24:00":
            raise ValueError("WORKING_HOURS_END: must be later than WORKING_HOURS_START")
        return self
