"""`salesgraph doctor` asks everything that the product needs, and says what does not work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.openai_wire import FakeOpenAI, error, message
from tests.fakes.serving import served
from tests.support.command_line import run

pytestmark = pytest.mark.slow


def test_the_doctor_asks_and_says_what_does_not_work(tmp_path: Path):
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def refuse() -> JSONResponse:
        return JSONResponse(
            {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401
        )

    bot = tmp_path / "bot.json"
    bot.write_text('{"forms": [{"name": "call", "flow_id": "7", "label": "Book", "books": true}]}')
    emulator = CloudApiEmulator("", "secret", "the right token")
    with served(app) as wrong, served(emulator.app) as graph:
        number = {
            "WHATSAPP_ACCESS_TOKEN": "a wrong token",
            "WHATSAPP_PHONE_NUMBER_ID": "42",
            "WHATSAPP_APP_SECRET": "s",
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN": "word",
            "WHATSAPP_GRAPH_URL": graph,
        }
        done = run(
            tmp_path,
            "doctor",
            OPENAI_API_KEY="sk-wrong",
            OPENAI_BASE_URL=f"{wrong}/v1",
            PUBLIC_URL=wrong,
            BOT_FILE=str(bot),
            **number,
        )
    assert done.returncode == 1 and "nothing to fix" not in done.stdout
    for said in (
        "fix: OPENAI_API_KEY is refused",
        "fix: WHATSAPP_ACCESS_TOKEN: Meta refuses it",
        "fix: PUBLIC_URL: the webhook",
        "fix: WHATSAPP_FLOWS_KEY_FILE: a form of default books calls",
    ):
        assert said in done.stdout, done.stdout
    assert "sk-wrong" not in done.stdout and "a wrong token" not in done.stdout
    done = run(tmp_path, "doctor", OPENAI_API_KEY="sk-x", OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert done.returncode == 1 and "does not answer" in done.stdout and "OPENAI_BASE_URL" in done.stdout


def test_the_doctor_finds_nothing_where_all_works(tmp_path: Path):
    model = FakeOpenAI()
    with served(model.app) as url:
        settings = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1", "TRANSCRIPTION_MODEL": "off"}
        done = run(tmp_path, "doctor", **settings)
    assert done.returncode == 0 and "nothing to fix" in done.stdout, done.stdout
    # this one talks, and does nothing else
    assert "CHAT_MODEL: openai:gpt-4.1-mini: answers (" in done.stdout
    assert "answers without calling the tool; cannot fill a form" in done.stdout
    sorts = [[tool["function"]["name"] for tool in request.get("tools", [])] for request in model.requests]
    assert sorts[:3] == [[], ["stock_of"], ["Colour"]]


def test_the_doctor_says_what_each_model_can_do_and_hears_voice_messages_and_documents(tmp_path: Path):
    model = FakeOpenAI()
    model.heard = ""

    def able(request: dict[str, Any]) -> Any:
        names = [tool["function"]["name"] for tool in request.get("tools", [])]
        if request.get("tool_choice") not in (None, "auto"):
            return error(400, "invalid_request_error", None, "tool_choice must be auto or none")
        if names:
            return message(call=(names[0], {"product": "vase", "colour": "red"}))
        return message("ok")

    model.answer = able

    @model.app.post("/v1/embeddings")
    async def embed() -> dict[str, Any]:
        row = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return {"object": "list", "data": [row], "model": "e", "usage": usage}

    with served(model.app) as url:
        known = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1", "CHAT_MODEL": "openai:m"}
        named = {"TRANSCRIPTION_MODEL": "openai:whisper-1", "EMBEDDING_MODEL": "openai:e"}
        done = run(tmp_path, "doctor", **known, **named)
    assert done.returncode == 0, done.stdout
    assert "CHAT_MODEL: openai:m: answers, calls tools, fills forms (" in done.stdout
    assert "TRANSCRIPTION_MODEL: openai:whisper-1: hears voice messages" in done.stdout
    assert "EMBEDDING_MODEL: openai:e: makes vectors" in done.stdout


@pytest.mark.parametrize("command", ["doctor", "serve", "work"])
def test_a_folder_nobody_can_write_to_is_one_line(tmp_path: Path, command: str):
    done = run(
        tmp_path,
        command,
        *(["--no-ask"] if command == "doctor" else []),
        DATA_DIR="/proc/nope",
        API_TOKEN="x" * 24,
    )
    said = done.stdout + done.stderr
    assert (
        done.returncode in (1, 2)
        and "DATA_DIR: " in said
        and "/proc/nope" in said
        and "Traceback" not in said
    )
