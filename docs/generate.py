"""Writes the pages that follow from the code: `settings.md` from the settings, `bots-file.md` from the schema
of bots, `languages-known.md` from the files of languages.

`python docs/generate.py` writes them; tests/test_docs.py fails when a committed page differs.
"""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from agent.language.locale import LOCALES, lacks
from server.config.settings import Settings

HERE = Path(__file__).parent
SCHEMA = HERE.parent / "schemas" / "bots.schema.json"
SETTINGS_HEAD = """# Settings

<!-- Written by docs/generate.py from server/config/settings.py; `make docs` writes it again. -->

This page lists every setting. Settings are environment variables, or lines of a file named `.env` in the
folder that the command starts in; `.env.example` has the usual ones.

- An empty value counts as unset. A wrong value is reported with its remedy, and nothing starts.
- `salesgraph doctor` lists the settings in force and tests them against Redis, the models, Meta and your own
  address; `--no-ask` only lists them.
- The settings describe the bot `default`. Further bots override them, see [Many bots](bots.md).
- Times are seconds unless the name says otherwise. [Chat models](models.md) explains names of models.
- The keys of further providers (`ANTHROPIC_API_KEY`, `MISTRAL_API_KEY`, ...) are read from the environment or
  `.env` too.

| Setting | Type | Default | Description |
|---|---|---|---|
"""
BOTS_HEAD = """# Bots file

<!-- Written by docs/generate.py from schemas/bots.schema.json; `make docs` writes it again. -->

This page lists every field of a bot. [Many bots](bots.md) has an example, and says how to use such a file.

- The same fields stand in a file for `salesgraph bots apply`, in the body of `PUT /api/bots`, and, without
  `id` and `channel`, in the file that `BOT_FILE` names.
- A file holds one bot or a list of them. Only `id` is required; what is not given follows the
  [settings](settings.md). Unknown fields are refused.
- Fields marked *secret* are stored encrypted and never shown again.
- Point your editor at `schemas/bots.schema.json` to have the fields completed and checked.
  `salesgraph bots schema` prints the same schema.
"""
LANGUAGES_HEAD = """# What each language lacks

<!-- Written by docs/generate.py from agent/language/locales/; `make docs` writes it again. -->

This page lists, for each language, the keys that its file has nothing for. [Languages](languages.md) says how
to fill them, and `en.yaml` what each key is. Keys for which a language needs no words are named in its file,
under `needs_no`, and are not listed here.

| Language | File | Spoken | Keys it lacks |
|---|---|---|---|
"""
NAMES = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret text",
}


def type_of(annotation: Any) -> str:
    """A type of Python in words."""
    if annotation in NAMES:
        return NAMES[annotation]
    parts = [part for part in get_args(annotation) if part is not type(None)]
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(type_of(part) for part in parts)
    if origin is tuple:
        return f"list of {type_of(parts[0])}s"
    return "JSON object" if origin is dict else str(annotation)


def default_of(field: FieldInfo) -> str:
    """The default as it would stand in `.env`, or that there is none."""
    value = field.default
    if value is None or value == {}:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(str(part) for part in value)}`"
    return f"`{value}`"


def cell(text: str) -> str:
    """Text that breaks no table."""
    return " ".join(text.split()).replace("|", "\\|")


def settings_page() -> str:
    """The page of settings."""
    rows = [
        f"| `{name.upper()}` | {type_of(field.annotation)} | {default_of(field)} "
        f"| {cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]
    return SETTINGS_HEAD + "\n".join(rows) + "\n"


def kind_of(schema: dict[str, Any]) -> str:
    """The type of a part of the schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(kind_of(one) for one in choices if one.get("type") != "null"))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {kind_of(schema['additionalProperties'])}"
    words = {"string": "text", "boolean": "true or false"}
    return ("secret " if schema.get("writeOnly") else "") + words.get(kind, kind)


def limits_of(schema: dict[str, Any]) -> str:
    """What a value must keep to."""
    parts = [schema, *(schema.get("anyOf") or [])]
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "maxLength": "at most {} characters",
        "maxItems": "at most {} items",
        "pattern": "pattern `{}`",
    }
    return "; ".join(words[name].format(part[name]) for part in parts for name in words if name in part)


def table_of(schema: dict[str, Any]) -> str:
    """The fields of one object."""
    rows = ["| Field | Type | Default | Description |", "|---|---|---|---|"]
    required = set(schema.get("required", []))
    for name, field in schema.get("properties", {}).items():
        default = field.get("default")
        shown = (
            "required"
            if name in required
            else f"`{json.dumps(default)}`"
            if default not in (None, "")
            else ""
        )
        said, limits = field.get("description", ""), limits_of(field)
        said = f"{said[:1].upper()}{said[1:]}" + (f" ({limits})" if limits else "")
        kind = "[channel](#channel)" if name == "channel" else kind_of(field)
        rows.append(f"| `{name}` | {cell(kind)} | {shown} | {cell(said)} |")
    return "\n".join(rows) + "\n"


def bots_page() -> str:
    """The page of the bots file."""
    kinds: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    parts = [BOTS_HEAD, "## Bot\n", table_of(kinds["Bot"]), "## channel\n"]
    for channel in kinds["Bot"]["properties"]["channel"]["oneOf"]:
        if name := channel.get("properties", {}).get("type", {}).get("const"):
            parts += [f"### {name}\n", f"{channel.get('description', '')}\n", table_of(channel)]
    for name, kind in kinds.items():
        if name != "Bot":
            parts += [f"## {name}\n", f"{kind.get('description', '')}\n", table_of(kind)]
    return "\n".join(part for part in parts if part.strip()) + "\n"


def languages_page() -> str:
    """The page of what languages lack."""
    rows, parts = [], []
    for code, locale in sorted(LOCALES.items(), key=lambda row: row[1].name):
        missing = lacks(locale)
        count = f"[{len(missing)}](#{locale.name.lower()})" if missing else "none"
        rows.append(f"| {locale.name} | `{code}.yaml` | {'yes' if locale.texts else 'no'} | {count} |")
        if missing:
            parts.append(f"## {locale.name}\n\n{', '.join(f'`{key}`' for key in missing)}\n")
    return LANGUAGES_HEAD + "\n".join(rows) + "\n\n" + "\n".join(parts)


PAGES = {"settings.md": settings_page, "bots-file.md": bots_page, "languages-known.md": languages_page}

if __name__ == "__main__":
    for page, text in PAGES.items():
        (HERE / page).write_text(text(), encoding="utf-8")
