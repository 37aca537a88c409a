"""The components of Flow JSON 7: what each needs, what else it may have, and how long its texts are (WhatsApp
Flows, "Components", "Limits and restrictions" of each)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ComponentRule:
    """What a component `needs` and `may` have besides its type, how many characters texts have at most, which
    `values` a property takes, and how many `options` there are."""

    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    longest: Mapping[str, int] = field(default_factory=dict[str, int])
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict[str, tuple[Any, ...]])
    options: int = 0


def _rule(needs: str, may: str = "", options: int = 0, **limits: Any) -> ComponentRule:
    """`limits`: a number is the length of a text, a tuple the values; `_` stands for `-` in their names."""
    named = {name.replace("_", "-"): limit for name, limit in limits.items()}
    longest = {name: limit for name, limit in named.items() if isinstance(limit, int)}
    values: dict[str, tuple[Any, ...]] = {n: limit for n, limit in named.items() if n not in longest}
    return ComponentRule(frozenset(needs.split()), frozenset(may.split()), longest, values, options)


_INPUT_TYPES = ("text", "number", "email", "password", "passcode", "phone")
_WEIGHTS = ("bold", "italic", "bold_italic", "normal")
_CHOICE = "description required enabled min-selected-items max-selected-items on-select-action init-value"
_WRITTEN = "required enabled helper-text init-value error-message"

COMPONENTS: Mapping[str, ComponentRule] = {
    "TextHeading": _rule("text", text=80),
    "TextSubheading": _rule("text", text=80),
    "TextBody": _rule("text", "font-weight strikethrough markdown", text=4096, font_weight=_WEIGHTS),
    "TextCaption": _rule("text", "font-weight strikethrough markdown", text=4096, font_weight=_WEIGHTS),
    "RichText": _rule("text"),
    "TextInput": _rule(
        "name label",
        f"input-type pattern min-chars max-chars label-variant {_WRITTEN}",
        label=20,
        helper_text=80,
        error_message=30,
        input_type=_INPUT_TYPES,
    ),
    "TextArea": _rule("name label", f"max-length label-variant {_WRITTEN}", label=20, helper_text=80),
    "CheckboxGroup": _rule("name data-source label", f"media-size {_CHOICE}", 20, label=30, description=300),
    "RadioButtonsGroup": _rule(
        "name data-source label",
        "description required enabled on-select-action init-value media-size",
        20,
        label=30,
        description=300,
    ),
    "ChipsSelector": _rule("name data-source label", _CHOICE, 20, label=80, description=300),
    "Dropdown": _rule(
        "name data-source label", "required enabled on-select-action init-value error-message", 200, label=20
    ),
    "DatePicker": _rule(
        "name label",
        "min-date max-date unavailable-dates on-select-action enabled required helper-text init-value "
        "error-message",
        label=40,
        helper_text=80,
        error_message=80,
    ),
    "CalendarPicker": _rule(
        "name label",
        "title description mode min-date max-date unavailable-dates include-days min-days max-days "
        "on-select-action enabled required helper-text init-value error-message",
        label=40,
        helper_text=80,
        error_message=80,
        mode=("single", "range"),
    ),
    "OptIn": _rule("name label", "required on-click-action on-select-action init-value", label=120),
    "EmbeddedLink": _rule("text on-click-action", text=25),
    "NavigationList": _rule(
        "name list-items", "label description media-size on-click-action", label=80, description=300
    ),
    "Image": _rule("src", "width height scale-type aspect-ratio alt-text", scale_type=("cover", "contain")),
    "PhotoPicker": _rule(
        "name label",
        "description photo-source max-file-size-kb min-uploaded-photos max-uploaded-photos enabled "
        "error-message",
        label=80,
        description=300,
    ),
    "DocumentPicker": _rule(
        "name label",
        "description max-file-size-kb min-uploaded-documents max-uploaded-documents allowed-mime-types "
        "enabled error-message",
        label=80,
        description=300,
    ),
    "Footer": _rule(
        "label on-click-action",
        "left-caption center-caption right-caption enabled",
        label=35,
        left_caption=15,
        center_caption=15,
        right_caption=15,
    ),
}
# What the contact fills in.
INPUTS = frozenset(name for name, rule in COMPONENTS.items() if "name" in rule.needs)
# How many of one a screen has at most.
MOST_OF_ONE = {"Footer": 1, "OptIn": 5, "EmbeddedLink": 3, "Image": 3, "PhotoPicker": 1, "DocumentPicker": 1}
