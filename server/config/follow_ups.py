"""How a bot follows up: touches, hours and templates, as they are set."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from server.config.working_hours import Hours

MAPPED = re.compile(
    r"^(?P<name>[a-z0-9_]{1,512}):(?P<language>[a-z]{2,3}(?:_[A-Z]{2})?)(?:\((?P<fields>[a-z0-9_, ]*)\))?$"
)

# What older versions called these: bots that are stored, and files of bots, may still say so.
OLD_NAMES = {"call_minutes": "appointment_minutes", "calls_at_once": "appointments_at_once"}


def rising_hours(hours: Sequence[float]) -> tuple[float, ...]:
    """Hours after which each touch is due, from the silence on. Raises ValueError for none, and where one is
    not later than the one before."""
    if not hours or any(a >= b for a, b in itertools.pairwise((0.0, *hours))):
        raise ValueError("use rising hours, such as 24, 72, 168")
    return tuple(hours)


def mapped_templates(templates: Mapping[str, str]) -> dict[str, str]:
    """What touches are mapped to. Raises ValueError where that names no template."""
    if wrong := [template for template in templates.values() if not MAPPED.match(template)]:
        raise ValueError(f"{', '.join(wrong)}: write NAME:LANGUAGE or NAME:LANGUAGE(FIELD, FIELD)")
    return dict(templates)


def with_new_names(given: Any) -> Any:
    """A bot's `outreach` by today's names of its fields, and of the template that reminds of an appointment
    (once `call`)."""
    if not isinstance(given, Mapping):
        return given
    values = cast("Mapping[str, Any]", given)
    renamed = {OLD_NAMES.get(name, name): value for name, value in values.items()}
    if isinstance(templates := renamed.get("templates"), Mapping):
        mapped = cast("Mapping[str, Any]", templates)
        renamed["templates"] = {"appointment" if to == "call" else to: name for to, name in mapped.items()}
    return renamed


class Outreach(BaseModel):
    """How a bot follows up. `templates` maps a touch and a language (`2:ru`), a touch (`2`), a language
    (`ru`) or anything (`*`) to an approved template with the profile fields that fill it:
    `come_back:ru(name)`; `appointment` is the one that reminds of an appointment."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    enabled: bool = Field(default=False, description="Whether follow-ups go out.")
    intervals: tuple[float, ...] = Field(
        default=(24, 72, 168, 336, 720),
        max_length=20,
        description="Hours after the silence began at which each touch is due, rising.",
    )
    templates: Mapping[str, str] = Field(
        default={},
        description=(
            "Approved templates for touches outside the 24-hour window: touch and language (`2:ru`), touch "
            "(`2`), language (`ru`) or `*` -> `NAME:LANGUAGE` or `NAME:LANGUAGE(FIELD, FIELD)`, with the "
            "profile fields that fill it; `appointment` reminds of an appointment."
        ),
    )
    hours: Hours = Hours()
    a_day: int = Field(default=1, ge=1, description="Unanswered touches a day.")
    in_all: int = Field(default=5, ge=1, description="Unanswered touches in all.")
    unofficial: bool = Field(
        default=False,
        description=(
            "Whether to follow up where there is no 24-hour window and no template (Wappi, QR-linked "
            "sessions): unasked messages there get numbers banned."
        ),
    )
    price_limit: float = Field(
        default=0.1,
        ge=0,
        description="US dollars that a touch may cost at WhatsApp before you are warned; 0: no warning.",
    )
    free_windows_first: bool = Field(
        default=True,
        description=(
            "Whether a touch that falls due shortly after the 24-hour window, or the free time after an ad, "
            "goes out before its end: as words, for less or nothing, in place of a template."
        ),
    )
    appointment_minutes: int = Field(
        default=30, ge=5, le=480, description="Length of an appointment for a phone call."
    )
    appointments_at_once: int = Field(default=1, ge=1, le=100, description="Appointments in one slot.")

    @model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, given: Any) -> Any:
        return with_new_names(given)

    @field_validator("intervals")
    @classmethod
    def _rising(cls, hours: tuple[float, ...]) -> tuple[float, ...]:
        return rising_hours(hours)

    @field_validator("templates")
    @classmethod
    def _known_form(cls, templates: Mapping[str, str]) -> Mapping[str, str]:
        return mapped_templates(templates)

    def template(self, touch: int, language: str) -> str:
        """What goes out outside the window; empty: nothing may."""
        keys = (f"{touch}:{language}", str(touch), language, "*")
        return next((self.templates[key] for key in keys if self.templates.get(key)), "")

    def appointment_template(self, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
        """The template that reminds of an appointment, with what fills it, out of `values`; None when there
        is none."""
        mapped = MAPPED.match(self.templates.get("appointment", ""))
        fields = [f.strip() for f in ((mapped["fields"] if mapped else "") or "").split(",") if f.strip()]
        if mapped is None or not all(values.get(field) for field in fields):
            return None
        return f"{mapped['name']}:{mapped['language']}", tuple(values[field] for field in fields)
