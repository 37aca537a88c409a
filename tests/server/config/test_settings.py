"""A wrong setting names itself and its remedy; the right ones are kept exactly."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from server.config.loading import settings_from_environment
from server.config.settings import Settings
from tests.support.command_line import run


def of(**values: str) -> Settings:
    return Settings(_env_file=None, **values)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("PORT", "eighty", "integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("REDIS_URL", "localhost:6379", "redis://"),
        ("REDIS_URL", "redis://localhost:abc", "port is not a number"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO"),
        ("CHAT_MODEL", "gpt-4", "openai:NAME"),
        ("OPENAI_BASE_URL", "api.example", "http://"),
        ("DEBOUNCE_SECONDS", "-1", "greater than or equal to 0"),
        ("FOLLOW_UP_INTERVALS", "soon", "24,72,168"),
        ("WORKING_HOURS_START", "ten", "HH:MM"),
        ("WHATSAPP_GRAPH_VERSION", "25", "Graph API version"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(tmp_path: Path, name: str, value: str, remedy: str):
    done = run(tmp_path, "doctor", **{name: value})
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")
    assert remedy in lines[0]
    assert not (tmp_path / "data").exists()


def test_the_env_file_is_read(tmp_path: Path):
    (tmp_path / ".env").write_text("OPENAI_MODEL=from-file\nOPENAI_API_KEY=sk-secret-value\n")
    done = run(tmp_path, "doctor", "--no-ask")
    assert "from-file" in done.stdout
    assert "sk-secret-value" not in done.stdout + done.stderr
    assert done.returncode == 0


def test_doctor_says_what_is_missing(tmp_path: Path):
    done = run(tmp_path, "doctor", WHATSAPP_ACCESS_TOKEN="token")
    assert done.returncode == 1
    assert "fix: WHATSAPP_PHONE_NUMBER_ID, WHATSAPP_APP_SECRET, WHATSAPP_WEBHOOK_VERIFY_TOKEN" in done.stdout
    down = run(tmp_path, "doctor", REDIS_URL="redis://127.0.0.1:1/0")
    assert down.returncode == 1
    assert "fix: REDIS_URL" in down.stdout


@pytest.mark.parametrize(
    ("given", "model"),
    [
        ({}, "offline"),
        ({"openai_api_key": "k"}, "openai:gpt-4.1-mini"),
        ({"gemini_api_key": "k"}, "google_genai:gemini-3.1-flash-lite"),
        ({"google_api_key": "k"}, "google_genai:gemini-3.1-flash-lite"),
        ({"openai_api_key": "k", "openai_model": "x"}, "openai:x"),
        ({"openai_api_key": "k", "chat_model": "offline"}, "offline"),
        ({"openai_api_key": ""}, "offline"),
    ],
)
def test_the_model_follows_the_key(given: dict, model: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "CHAT_MODEL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name.upper(), value)
    assert of().model_name == model


def test_the_operator_token_is_made_once_and_kept_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("API_TOKEN", raising=False)
    first, second = of(data_dir=str(tmp_path / "d")), of(data_dir=str(tmp_path / "d"))
    assert first.operator_token == second.operator_token
    assert len(first.operator_token) >= 32
    assert stat.S_IMODE(os.stat(tmp_path / "d" / "api_token").st_mode) == 0o600
    assert of(data_dir=str(tmp_path / "e")).operator_token != first.operator_token


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_processes_on_this_machine_find_the_web_server(host: str, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PORT", raising=False)
    assert of(host=host).loopback_url == url


def test_links_go_outside_and_our_own_processes_stay_inside():
    ours = of(public_url="https://shop.example/", internal_url="http://web:8000")
    assert (ours.links_url, ours.inside_url, ours.outside_url) == (
        "https://shop.example",
        "http://web:8000",
        "https://shop.example",
    )
    only_inside = of(internal_url="http://web:8000")
    assert only_inside.outside_url == "" and only_inside.links_url == only_inside.loopback_url
    assert of().inside_url == of().links_url == of().loopback_url


def test_the_old_name_of_both_works_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEB_URL", "https://shop.example")
    found = settings_from_environment()
    assert found.links_url == found.inside_url == "https://shop.example"
    assert "PUBLIC_URL" in capsys.readouterr().err
