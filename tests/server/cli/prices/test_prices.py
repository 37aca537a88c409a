"""A newer rate card from a file: `salesgraph prices`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli import doctor
from server.cli.prices.commands import price_commands
from server.config.settings import Settings
from server.config.whatsapp_prices.prices_in_force import keep_rate_card
from server.config.whatsapp_prices.rate_card import shipped_rate_card


class Today(date):
    """The first of December 2026."""

    @classmethod
    def today(cls) -> Today:
        return cls(2026, 12, 1)


def doctored(**settings: Any) -> Settings:
    return Settings(_env_file=None, **settings)


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(price_commands, list(arguments))
    return found.exit_code, found.output


def test_a_card_is_written_changed_checked_and_put_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    code, text = run("show", "--json")
    card, file = json.loads(text), tmp_path / "card.json"
    card["periods"].append({**card["periods"][0], "from": "2027-01-01", "free_service_messages": 500})
    file.write_text(json.dumps(card), encoding="utf-8")
    code, text = run("update", str(file))
    assert code == 0 and "47 markets from 2027-01-01" in text
    code, text = run("show")
    assert code == 0 and "from 2027-01-01; free: 500 service messages" in text and "Kazakhstan" in text
    monkeypatch.setenv("WHATSAPP_PRICES", '{"Italy": {"service": 0.0123}}')
    assert any(line.startswith("Italy") and "0.0123" in line for line in run("show")[1].splitlines())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"source": "x"}', "checked"),
        ("\x00", "neither JSON nor YAML"),
        ('{"source": "abc", "checked": "soon", "currency": "USD", "periods": []}', "checked"),
    ],
)
def test_a_file_that_is_none_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, named: str
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    code, said = run("update", str(tmp_path / "card.json"))
    assert code == 2 and named in said and "Nothing was changed" in said
    assert run("update", str(tmp_path / "absent.json"))[0] == 2
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").iterdir())


def test_the_doctor_says_when_a_card_was_checked_long_ago(tmp_path: Path):
    card = json.loads(shipped_rate_card().model_dump_json(by_alias=True, exclude_none=True))
    settings = doctored(data_dir=tmp_path)
    for checked, told in (("2026-11-30", False), ("2020-01-01", True)):
        keep_rate_card(tmp_path, json.dumps({**card, "checked": checked}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(doctor, "date", Today)
            assert any("the rate card was checked" in note for note in doctor.notes(settings)) == told
