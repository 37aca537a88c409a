"""Tables as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NUMBER = re.compile(r"^\+\d+$")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows by the names of their columns, under a line of these; what a row lacks is empty."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(columns)
    table.writerows([cell(name, row.get(name, "")) for name in columns] for row in rows)
    return out.getvalue()


def cell(name: str, value: Any) -> str:
    """A value that no spreadsheet takes for a formula; a `phone` keeps its plus sign."""
    text = str(value)
    risky = text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if risky and not (name == "phone" and _NUMBER.match(text)) else text
