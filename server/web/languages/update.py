"""Brings the catalogues up to the texts of the sources: `python -m server.web.languages.update`, with the
codes of new languages behind it."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from server.web.languages import catalogues

WEB = Path(__file__).parents[1]
ROOT = WEB.parents[1]
# Where texts are -> how Babel finds them.
METHODS = [("static/*.js", "javascript"), ("templates/*.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/*.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "NP_": ((1, "c"), 2)}
# Characters of a line, as in the rest of the sources.
WIDTH = 110


def extracted() -> Catalog:
    """All texts of the pages and of their scripts, in English, with the files they are in."""
    found = Catalog(project="Salesgraph", charset="utf-8", fuzzy=False)
    for name, _, text, comments, context in extract_from_dir(
        WEB, METHODS, OPTIONS, KEYWORDS, comment_tags=("translators:",), strip_comment_tags=True
    ):
        place = (WEB / name).relative_to(ROOT).as_posix()
        found.add(text, None, [(place, 0)], auto_comments=comments, context=context)
    return found


def updated(code: str, template: Catalog) -> bytes:
    """The catalogue of a language with all texts of the sources and no others. A text that is new to it has
    no translation yet; one that was changed has that of the old one, marked as fuzzy."""
    path = catalogues.FOLDER / f"{code}.po"
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=code)
    else:
        catalog = Catalog(locale=code, project="Salesgraph", fuzzy=False, header_comment=_head(code))
    catalog.update(template, update_creation_date=False)
    out = io.BytesIO()
    write_po(out, catalog, width=WIDTH, ignore_obsolete=True, include_previous=True, include_lineno=False)
    return out.getvalue()


def _head(code: str) -> str:
    name = Locale.parse(code).english_name
    return f"# The pages of Salesgraph in {name}. docs/languages.md says how to translate.\n#"


def main(codes: Sequence[str]) -> None:
    """Write the catalogues that there are, and those of `codes`."""
    for code in codes:
        try:
            Locale.parse(code)
        except (ValueError, UnknownLocaleError):
            raise SystemExit(f"{code}: the code of a language, such as ru or pt") from None
    template = extracted()
    for code in sorted({path.stem for path in catalogues.FOLDER.glob("*.po")} | set(codes)):
        (catalogues.FOLDER / f"{code}.po").write_bytes(updated(code, template))


if __name__ == "__main__":
    main(sys.argv[1:])
