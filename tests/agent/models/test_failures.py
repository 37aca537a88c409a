"""Every way a provider fails ends in an answer of the next model; recordings and error bodies of real
providers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi.responses import Response
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agent.models.chat import Models, ProviderAccess
from agent.models.failures import Trouble, judge_failure, unusable
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.nodes.moderate import Verdict
from tests.fakes.openai_wire import FakeOpenAI, error, message
from tests.fakes.serving import served

ASK = [SystemMessage("You sell."), HumanMessage("hello")]


async def asked(answer: Any, **how: Any) -> tuple[str, int, list[tuple[str, Trouble | None]]]:
    """(who answered, how often the provider was asked, what the alarm was told)."""
    openai, told = FakeOpenAI(), []
    openai.answer = answer

    async def alarm(provider: str, trouble: Trouble | None) -> None:
        told.append((provider, trouble))

    with served(openai.app) as url:
        models = Models(
            offline_model(), "openai:gpt-x", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm
        )
        got = [await models.ask("auto", ASK, Meter(), **how) for _ in range(2)][-1]
    return got.model, len(openai.requests), told


def ended(reason: str, content: str | None = "Half an ans", **more: Any) -> dict[str, Any]:
    body = message(content)
    body["choices"][0]["finish_reason"] = reason
    body["choices"][0]["message"].update(more)
    return body


@pytest.mark.parametrize(
    "body",
    [
        ended("length"),
        ended("content_filter", ""),
        ended("stop", None, refusal="I cannot help with that."),
        ended("stop", ""),
        {"error": {"message": "The server is overloaded", "type": "server_error", "code": None}},
    ],
    ids=["cut", "filtered", "refused", "empty", "error in a 200"],
)
async def test_an_answer_that_is_none_is_given_by_the_next_model(body: dict[str, Any]):
    assert (await asked(lambda _: body))[0] == "offline"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (AIMessage([{"type": "refusal", "refusal": "I cannot."}]), "refused"),
        (
            AIMessage(
                "", additional_kwargs={"refusal": "I cannot."}, response_metadata={"model_provider": "openai"}
            ),
            "refused",
        ),
        (
            AIMessage("Well, ", response_metadata={"model_provider": "anthropic", "stop_reason": "refusal"}),
            "refused",
        ),
        (
            AIMessage(
                "",
                response_metadata={
                    "model_provider": "google_genai",
                    "prompt_feedback": {"block_reason": "SAFETY"},
                },
            ),
            "refused",
        ),
        (AIMessage("We open at 9."), ""),
    ],
    ids=["part", "field", "why it ended", "prompt", "answer"],
)
def test_a_refusal_is_told_however_a_provider_says_it(answer: AIMessage, reason: str):
    assert unusable(answer) == reason


async def test_an_event_stream_that_nobody_asked_for_is_no_answer():
    text = 'data: {"error": {"message": "quota", "code": "insufficient_quota"}}\n\n'
    assert (await asked(lambda _: Response(text, media_type="text/event-stream")))[0] == "offline"


async def test_structured_output_out_of_shape_is_asked_of_the_next_model():
    who, times, _ = await asked(lambda _: message(call=("Verdict", {"intent": "nonsense"})), schema=Verdict)
    assert (who, times) == ("offline", 4)  # each time once more, with the complaint


async def test_a_wrong_key_is_one_alert_that_names_the_setting_and_no_more_calls():
    refused = error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-abcdef.")
    who, times, told = await asked(lambda _: refused)
    assert (who, times) == ("offline", 1)
    ((provider, trouble),) = told
    assert provider == "openai" and trouble and "OPENAI_API_KEY is refused" in trouble.advice
    assert "sk-abcdef" not in trouble.detail


async def test_the_alert_is_over_when_the_provider_answers_again():
    openai, told = FakeOpenAI(), []

    async def alarm(provider: str, trouble: Trouble | None) -> None:
        told.append(trouble is not None)

    with served(openai.app) as url:
        models = Models(
            offline_model(), "openai:gpt-x", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm
        )
        polite, openai.answer = (
            openai.answer,
            lambda _: error(401, "x", "invalid_api_key", "Incorrect API key provided"),
        )
        await models.ask("auto", ASK, Meter())
        openai.answer = polite
        models._until.clear()
        assert (await models.ask("auto", ASK, Meter())).model == "openai:gpt-x"
    assert told == [True, False]


GEMINI_BUSY = (
    "429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'details': [{'@type': 'RetryInfo', 'retryDelay': "
    "'33s'}]}}"
)


@pytest.mark.parametrize(
    ("text", "kind", "wait"),
    [
        (GEMINI_BUSY, "retry", 33),
        ("Error code: 429 - Rate limit reached. Please try again in 20ms.", "retry", 0.02),
        ("Error code: 429 - Rate limit reached. Please try again in 1m2s.", "retry", 62),
        ("400 INVALID_ARGUMENT. API key not valid. Please pass a valid API key.", "key", None),
        ("429 You exceeded your current quota, quotaId: GenerateRequestsPerDayPerProject", "account", None),
        ("503 UNAVAILABLE. The model is overloaded.", "retry", None),
        ("404 NOT_FOUND. models/gemini-x is not found", "gone", None),
        ("400 The prompt is longer than the maximum context length", "next", None),
        ("402 Payment required", "account", None),
        ("403 unsupported_country_region_territory", "region", None),
        ("Error code: 404 - 404 page not found", "address", None),
        ("Unexpected response type from OpenAI-compatible endpoint: '<html>'", "address", None),
        ("400 Failed to call a function. tool_use_failed", "again", None),
        ("400 registry/x does not support tools", "refused", None),
    ],
)
def test_what_an_error_says_is_heard(text: str, kind: str, wait: float | None):
    fault = judge_failure(RuntimeError(text))
    assert (fault.kind, fault.wait) == (kind, wait)


@pytest.mark.external_data
async def test_real_error_bodies(external_data):
    rows = [
        json.loads(line)
        for line in (external_data / "07_llm_wire" / "llm_errors.jsonl").read_text().splitlines()
    ]
    times = {}
    for row in (row for row in rows if row["provider"] == "openai"):
        answer, body = row["response"], row["response"]["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {k: v for k, v in answer["headers"].items() if k != "content-length"}
        who, times[row["id"]], _ = await asked(
            lambda _, t=text, a=answer, h=headers: Response(t, a["status"], h)
        )
        assert who == "offline", row["id"]
    assert (
        times["llmerr-openai-401"] == times["llmerr-openai-429-quota"] == times["llmerr-openai-429-rpm"] == 1
    )
    assert times["llmerr-openai-500"] == 6


@pytest.mark.external_data
async def test_real_recordings_never_break_a_turn(external_data):
    """Every chat completion that others recorded, whatever it holds, ends in an answer."""
    rows = [
        json.loads(line)
        for line in (external_data / "07_llm_wire" / "llm_http_recordings.jsonl").read_text().splitlines()
    ]
    openai = FakeOpenAI()
    with served(openai.app) as url:
        async with httpx.AsyncClient() as http:
            for row in (row for row in rows if row["api"] == "chat.completions"):
                models = Models(
                    offline_model(),
                    "openai:gpt-x",
                    access=ProviderAccess("sk", f"{url}/v1", http=http),
                    attempts=1,
                )
                body = row["response"].get("body")
                text = body if isinstance(body, str) else json.dumps(body)
                status = row["response"].get("status", 200)
                openai.answer = lambda _, t=text, s=status: Response(t, s, media_type="application/json")
                got = await models.ask("auto", ASK, Meter())
                assert got.message.tool_calls or str(got.message.text).strip()
