"""What is known of human languages: the files of `locales/`, read once, and the patterns that their lists
make together. `common.yaml` holds what is the same in every language.

A new language is a new file, named by its two letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from agent.language import notation
from agent.language.locale_file import Locale, LocaleTexts
from agent.language.notation import Expression

HERE = Path(__file__).parent / "locales"


class BadLocale(ValueError):
    """A locale file that cannot be used; the message names file and key, and says what to do."""


# In C where PyYAML was built with it, which is ten times as fast.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """Refuses a key that stands twice, of which YAML would keep the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.MarkedYAMLError(
                problem=f"`{twice}` stands twice; put both together", problem_mark=node.start_mark
            )
        made = super().construct_mapping(node, deep)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - C's or Python's
        return cast(dict[Any, Any], made)


def read_locale(path: Path) -> Locale:
    """The locale of a file. Raises BadLocale."""
    try:
        known = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadLocale(f"{path.name}{line}: {error.problem}") from None
    try:
        return Locale.model_validate(known or {})
    except ValidationError as error:
        raise BadLocale("\n".join(f"{path.name}: {_told(problem)}" for problem in error.errors())) from None


_REMEDIES = {
    "extra_forbidden": "is no key of a locale; en.yaml has all of them",
    "missing": "is missing; write it, or leave the whole section out",
}


def _told(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    return f"{key}: {_REMEDIES.get(problem['type'], problem['msg'].removeprefix('Value error, '))}"


def _read_all() -> dict[str, Locale]:
    """English first, which others fall back on."""
    paths = sorted(HERE.glob("*.yaml"), key=lambda path: (path.stem != "en", path.stem))
    return {path.stem: read_locale(path) for path in paths}


_ALL = _read_all()
COMMON = _ALL.pop("common")
# Two letters -> what is known of a language.
LOCALES: Mapping[str, Locale] = _ALL
# The languages that there are fixed texts in; others are answered by the model, in their own language.
_TEXTS = {code: locale.texts for code, locale in LOCALES.items() if locale.texts}
SPOKEN = tuple(_TEXTS)
# Tables of which a complete language has every list that English has; others are as long as they need be.
_TABLES = ("units.durations", "units.things")


def locale_texts(code: str) -> LocaleTexts:
    """What is said without a model in a language, in English where there is nothing in it."""
    return _TEXTS.get(code) or _TEXTS["en"]


def locale_phrases(key: str) -> tuple[str, ...]:
    """The phrases of a list, such as `screens.stop`, in every language; of a list without notation."""
    get = attrgetter(key)
    return tuple(dict.fromkeys(phrase for locale in _everything() for phrase in get(locale)))


def phrases_within(key: str, locale: Locale | None = None, **slots: str) -> str:
    """Any phrase of a list, in a language or in every one, to be put into a larger pattern. `slots`: patterns
    that phrases may name besides the lists of their own section."""
    return notation.joined_phrases(_expressions(key, attrgetter(key), locale, slots))


def anywhere(key: str, locale: Locale | None = None) -> str:
    """A pattern that finds any phrase of a list as whole words."""
    return notation.bordered(_expressions(key, attrgetter(key), locale, {}))


def table(key: str) -> dict[Any, list[Expression]]:
    """The lists of a table, such as `units.measures`, each with the expressions of every language."""
    get = attrgetter(key)
    names = dict.fromkeys(name for locale in _everything() for name in get(locale))
    return {
        name: list(_expressions(key, lambda at, name=name: get(at).get(name, ()), None, {})) for name in names
    }


def _everything() -> tuple[Locale, ...]:
    return COMMON, *LOCALES.values()


def _expressions(
    key: str, get: Callable[[Locale], Iterable[str]], only: Locale | None, slots: Mapping[str, str]
) -> Iterator[Expression]:
    section = key.partition(".")[0]
    for locale in (only,) if only else _everything():
        for phrase in get(locale):
            yield notation.expression(
                phrase, lambda name, at=locale: slots.get(name) or phrases_within(f"{section}.{name}", at)
            )


def lacks(locale: Locale) -> tuple[str, ...]:
    """The keys that a language has nothing for, those that it needs none for apart."""
    known = set(_keys(locale, filled=True)) | set(locale.needs_no)
    return tuple(key for key in _keys(LOCALES["en"]) if key not in known)


def _keys(section: BaseModel, before: str = "", filled: bool = False) -> Iterator[str]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _keys(value, f"{before}{name}.", filled)
        elif isinstance(value, dict) and f"{before}{name}" in _TABLES:
            yield from (f"{before}{name}.{part}" for part in cast(dict[str, Any], value))
        elif name not in ("needs_no", "also_reads") and (value or not filled):
            yield f"{before}{name}"
