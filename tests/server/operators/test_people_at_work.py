"""What operators and owners rely on: who waits, what they enter, what the doctor says, how long answers
take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent.models.chat import Models
from channels.emulators.cloud_api import CloudApiEmulator
from server.conversations.listing import Inbox
from server.operators import takeover
from server.store.contacts import OPERATOR
from server.store.counters import STEPS, median
from tests.fakes.openai_wire import FakeOpenAI, error, message
from tests.fakes.serving import served
from tests.server.api.test_api import fresh
from tests.server.config.test_settings import run
from tests.support.chatting import Scripted, polite
from tests.support.office import Office
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


async def test_who_was_answered_by_a_person_does_not_wait_any_more(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        conversation = await office.writes("77010000001", "a person, please")
        await takeover.take_over(office.runtime, conversation)
        await until(office.idle)

        async def waiting() -> int:
            contact = await office.runtime.conversations.contact(conversation)
            assert contact
            return contact.waiting_since

        first = await waiting()
        assert first
        contact = await office.runtime.conversations.contact(conversation)
        assert contact
        await takeover.write(office.runtime, contact, {}, text="I am here")
        await until(lambda: "I am here" in office.replies("77010000001"))
        await until(office.idle)
        assert not await waiting()
        await office.writes("77010000001", "and the price?")
        await until(office.idle)
        assert await waiting() >= first


async def test_who_has_waited_longest_comes_first_and_who_has_an_answer_last(redis: Redis, tmp_path: Path):
    office, inbox = Office(redis, tmp_path), Inbox(redis)
    people = {}
    for number in range(6):
        conversation = await office.writes(f"7701000000{number}", "a person, please")
        await takeover.take_over(office.runtime, conversation)
        people[number] = conversation
        # since when each waits: the later they wrote, the longer ago it was
        await redis.hset(
            f"sg:{{default}}:contact:{conversation}", "asked_at", 1_800_000_000_000 - number * 60_000
        )  # pyright: ignore[reportGeneralTypeIssues]
    for answered in (4, 1):
        await redis.hdel(f"sg:{{default}}:contact:{people[answered]}", "asked_at")  # pyright: ignore[reportGeneralTypeIssues]
    order, cursor = [], None
    while True:
        page = await inbox.page({"default": office.runtime}, "needs_person", limit=2, cursor=cursor)
        order += [row.contact.id for row in page.rows]
        assert all(row.at > 0 for row in page.rows)
        cursor = page.cursor
        if cursor is None:
            break
    assert order[:4] == [people[n] for n in (5, 3, 2, 0)] and set(order[4:]) == {people[4], people[1]}


WRONG = [
    ({"email": "not an email"}, "email"),
    ({"email": "a@b"}, "email"),
    ({"phone": "12"}, "phone"),
    ({"phone": "call me"}, "phone"),
    ({"language": "russian"}, "language"),
    ({"stage": "somewhere"}, "stage"),
    ({"class": "friend"}, "class"),
    ({"name": "  "}, "name"),
]


@pytest.mark.parametrize(("profile", "field"), WRONG)
async def test_what_a_person_enters_is_held_to_what_the_field_is(
    stack: Stack, profile: dict[str, str], field: str
):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    known = (await stack.conversation_of(contact))["id"]
    answer = await stack.http.patch(f"/api/contacts/{known}", json={"profile": {"name": "Ann", **profile}})
    assert answer.status_code == 422 and f"profile.{field}: " in answer.json()["detail"]
    seen = (await stack.http.get(f"/api/contacts/{known}")).json()
    assert OPERATOR not in seen["sources"].values() and seen["profile"].get(field) != profile[field]


async def test_what_is_right_is_kept_in_its_normal_form(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    known = (await stack.conversation_of(contact))["id"]
    given = {"email": " Ann@EXAMPLE.com ", "phone": "8 (701) 555-02-02", "language": "RU", "name": "Ann"}
    profile = (await stack.http.patch(f"/api/contacts/{known}", json={"profile": given})).json()["profile"]
    assert (
        profile["email"] == "Ann@example.com"
        and profile["phone"] == "+77015550202"
        and profile["language"] == "ru"
    )
    again = await stack.http.patch(f"/api/contacts/{known}", json={"profile": {"email": None}})
    assert "email" not in again.json()["profile"]


def test_the_doctor_asks_and_says_what_does_not_work(tmp_path: Path):
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def refuse() -> JSONResponse:
        return JSONResponse(
            {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401
        )

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
            **number,
        )
    assert done.returncode == 1 and "nothing to fix" not in done.stdout
    for said in (
        "fix: OPENAI_API_KEY is refused",
        "fix: WHATSAPP_ACCESS_TOKEN: Meta refuses it",
        "fix: PUBLIC_URL: the webhook",
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


@given(
    st.lists(st.floats(min_value=0.01, max_value=STEPS[-1]), min_size=1, max_size=60),
    st.sampled_from(["bot", "person"]),
)
def test_a_median_lies_in_the_step_of_the_middle_answer(seconds: list[float], author: str):
    total: dict[str, int] = {}
    for took in seconds:
        step = next(end for end in STEPS if took <= end)
        total[f"answers of {author} le {step}"] = total.get(f"answers of {author} le {step}", 0) + 1
    middle = sorted(seconds)[(len(seconds) - 1) // 2]
    upper = next(end for end in STEPS if middle <= end)
    lower = max((end for end in STEPS if end < upper), default=0)
    found = median(total, "bot", "person")
    assert found is not None and lower <= found <= upper
    assert median(total, "person" if author == "bot" else "bot") is None


def test_one_slow_answer_of_a_person_makes_no_slow_bot():
    total = {"answers of bot le 2": 30, "answers of person le 600": 1}
    assert median(total, "bot") == 1.5 and median(total, "person") == 450.0  # type: ignore[comparison-overlap]
