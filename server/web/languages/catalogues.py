"""Languages of the pages, as their gettext catalogues have them: read once, nothing compiled is kept."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FOLDER = Path(__file__).parent
# The language of the sources, whose texts are the ids of all others.
SOURCE = "en"
# What a script needs to know to find a plural: every formula of gettext that Babel has repeats itself after a
# hundred, but for the first numbers and for whole millions.
COUNTED = (*range(200), 1_000_000)
_SCRIPTS = "/static/"


@dataclass(frozen=True)
class Language:
    """`scripts`: what the scripts of the pages say, by its English, each with its plurals; `plurals`: which
    of them holds, a digit for each of `COUNTED`."""

    code: str
    texts: NullTranslations = field(default_factory=NullTranslations)
    scripts: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    plurals: str = ""

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    @property
    def name(self) -> str:
        """As those who speak it call it."""
        return (self.locale.get_display_name(self.code) or self.code).capitalize()


@cache
def languages() -> Mapping[str, Language]:
    """By code, English first."""
    found = {SOURCE: Language(SOURCE)}
    for path in sorted(FOLDER.glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem)
        found[path.stem] = _language(path.stem, catalog)
    return found


def _language(code: str, catalog: Catalog) -> Language:
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    texts = Translations(compiled)
    plural: Any = getattr(texts, "plural", None)
    scripts: dict[str, list[str]] = {}
    for message in catalog:
        if not message.id or not any(_SCRIPTS in place for place, _ in message.locations):
            continue
        said = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if said and all(said) and not message.fuzzy:
            scripts[message.id if isinstance(message.id, str) else message.id[0]] = said
    return Language(code, texts, scripts, "".join(str(plural(n)) for n in COUNTED) if plural else "")
