"""How a bot follows up, as it is set: the names that older versions gave are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.bots.bot import build_bot
from server.config.loading import settings_from_environment
from server.config.settings import Settings

TEMPLATES = {"call": "call_soon:en(when)", "2": "news:en"}


def test_a_bot_that_was_stored_with_calls_has_appointments(tmp_path: Path):
    old = {"call_minutes": 45, "calls_at_once": 3, "templates": TEMPLATES}
    bot = build_bot(Settings(_env_file=None, data_dir=tmp_path), {"id": "shop", "outreach": old}, {})
    assert (bot.outreach.appointment_minutes, bot.outreach.appointments_at_once) == (45, 3)
    assert bot.outreach.appointment_template({"when": "10:00"}) == ("call_soon:en", ("10:00",))
    assert bot.outreach.template(2, "de") == "news:en"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('{"1:ru": "come_back:ru(name)", "2": "news:en"}', ""),
        ("1:ru=come_back:ru(name);2=news:en", "now a JSON"),
    ],
    ids=["JSON", "as before"],
)
def test_templates_are_read_as_json_and_as_they_were_written_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, told: str
):
    monkeypatch.setenv("FOLLOW_UP_TEMPLATES", said)
    settings = settings_from_environment()
    assert settings.follow_up_templates == {"1:ru": "come_back:ru(name)", "2": "news:en"}
    written = capsys.readouterr().err
    assert ("FOLLOW_UP_TEMPLATES" in written) == bool(told) and told in written


@pytest.mark.parametrize("said", ['{"1": "Come back"}', "1=Come back", '{"1": ', "[]"])
def test_templates_that_are_none_are_refused_by_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
):
    monkeypatch.setenv("FOLLOW_UP_TEMPLATES", said)
    with pytest.raises(SystemExit):
        settings_from_environment()
    assert "FOLLOW_UP_TEMPLATES: " in capsys.readouterr().err


def test_the_template_of_a_call_in_the_settings_reminds_of_an_appointment(tmp_path: Path):
    said = "call=call_soon:en(when)"
    bot = build_bot(Settings(_env_file=None, data_dir=tmp_path, follow_up_templates=said), {"id": "shop"}, {})
    assert bot.outreach.appointment_template({"when": "10:00"}) == ("call_soon:en", ("10:00",))
