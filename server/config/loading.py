"""Settings read from the environment, or what is wrong with them in words that say how to mend it."""

from __future__ import annotations

import json
import sys

from pydantic import ValidationError

from server.config.settings import Settings


def explain(error: ValidationError) -> str:
    """One line per wrong setting: its variable, what is wrong, how to mend it."""
    lines = list[str]()
    for problem in error.errors():
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        hint = problem["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(name.lower())
        about = f" ({field.description})" if field and field.description else ""
        lines.append(f"{name}: {hint}{about}")
    return "\n".join(lines)


def settings_from_environment() -> Settings:
    """The settings, or one line per mistake on standard error and exit status 2."""
    try:
        found = Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        raise SystemExit(2) from None
    if found.web_url:
        print(
            "WEB_URL: now PUBLIC_URL (links that people get) and INTERNAL_URL (our own processes); use those",
            file=sys.stderr,
        )
    if found.has_old_templates:
        same = json.dumps(found.follow_up_templates, ensure_ascii=False)
        print(f"FOLLOW_UP_TEMPLATES: now a JSON object; this one says the same: {same}", file=sys.stderr)
    return found
