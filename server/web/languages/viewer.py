"""Who looks at a page: in which language they read and by which clock they live, and a text in their
language.

A text that is shown stands in English where it is used, in `_` or `ngettext`, with named placeholders such as
`%(name)s`; a `%` itself is written twice. `N_` marks a text that is translated later, by `_` of the same
text."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import UnknownLocaleError, negotiate_locale
from babel.numbers import format_decimal
from fastapi import Request
from markupsafe import Markup, escape

from server.web.languages.catalogues import SOURCE, Language, languages

# Cookies of a browser: the language that was chosen, and the zone that `viewer.js` says.
LANGUAGE, ZONE = "language", "tz"
# Characters of the longest name in the tz database, and some; and of an Accept-Language that is read.
_LONGEST_ZONE, _LONGEST_ACCEPTED = 60, 200


@dataclass(frozen=True)
class Viewer:
    """`told`: the zone as the browser said it, empty where it has not yet or where nobody knows such a
    zone."""

    language: Language
    zone: ZoneInfo
    told: str = ""

    @cached_property
    def languages(self) -> list[Language]:
        """Those to choose from."""
        return list(languages().values())

    @property
    def scripts(self) -> dict[str, Any]:
        """What the scripts of the page are handed."""
        if not self.language.scripts:
            return {}
        return {"texts": dict(self.language.scripts), "plurals": self.language.plurals}


_viewer: ContextVar[Viewer] = ContextVar("viewer")


def viewer() -> Viewer:
    """Who makes the request in hand; before anybody is known, somebody who reads English."""
    return _viewer.get(None) or Viewer(languages()[SOURCE], ZoneInfo("UTC"))


async def meet(request: Request) -> None:
    """Learn from a request who makes it. A dependency of every route that shows something."""
    know(request)


def know(request: Request) -> Viewer:
    """Learn from a request who makes it."""
    usual = ZoneInfo(request.app.state.api.settings.timezone)
    zone = _zone(request.cookies.get(ZONE, ""))
    found = Viewer(_language(request), zone or usual, zone.key if zone else "")
    _viewer.set(found)
    return found


def _language(request: Request) -> Language:
    """The one that was chosen, else the first of the browser's that there is, else English."""
    known = languages()
    if chosen := known.get(request.cookies.get(LANGUAGE, "")):
        return chosen
    wanted = _accepted(request.headers.get("accept-language", "")[:_LONGEST_ACCEPTED])
    try:
        return known[negotiate_locale(wanted, list(known), sep="-") or SOURCE]
    except (ValueError, UnknownLocaleError):
        return known[SOURCE]


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language (RFC 9110, 12.5.4), the dearest first."""
    found: list[tuple[float, str]] = []
    for part in header.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            found.append((float(weight or 1), name))
        except ValueError:
            continue
    return [name for weight, name in sorted(found, key=lambda one: -one[0]) if name and weight > 0]


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if 0 < len(name) <= _LONGEST_ZONE else None
    except (ValueError, OSError):  # no such zone is a KeyError of its own, and some names are folders
        return None
    except KeyError:
        return None


def N_(text: str) -> str:
    """A text that is translated where it is shown."""
    return text


def NP_(of: str, text: str) -> str:
    """A text that is translated where it is shown, by what it is said of; `of` is told to translators."""
    return text


def translated_in(of: str, text: str) -> str:
    """What `NP_` marked, in the viewer's language."""
    return viewer().language.texts.pgettext(of, text)


def _(text: str, /, **values: Any) -> str:
    """A text in the viewer's language."""
    return viewer().language.texts.gettext(text) % values


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """A text of so many things in the viewer's language; `num` is their number."""
    said = viewer().language.texts.ngettext(one, many, count)
    return said % {"num": format_decimal(count, locale=viewer().language.locale), **values}


def gettext_of_page(text: str, /, **values: Any) -> Markup:
    """`_` in a template: values are escaped, and so is the translation, unless its English has elements."""
    return _safe(viewer().language.texts.gettext(text), text) % values


def ngettext_of_page(one: str, many: str, count: int, /, **values: Any) -> Markup:
    """`ngettext` in a template."""
    said = _safe(viewer().language.texts.ngettext(one, many, count), one)
    return said % {"num": format_decimal(count, locale=viewer().language.locale), **values}


def _safe(said: str, english: str) -> Markup:
    return Markup(said) if "<" in english else escape(said)  # noqa: S704 - a test compares the elements


def install(env: Any, shown: Iterable[tuple[str, Any]] = ()) -> None:
    """Let templates speak the viewer's language. `env` is jinja2's; it gives its functions no type."""
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(gettext_of_page, ngettext_of_page, newstyle=False)
    env.newstyle_gettext = True  # the functions fill in the values themselves
    env.globals.update({"viewer": viewer, "_": gettext_of_page, **dict(shown)})
