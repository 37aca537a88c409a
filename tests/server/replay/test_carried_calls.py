"""Model calls that are carried: written to a file, answered by whoever can read, or by a provider's batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.models.offline import offline_model
from agent.models.usage import Meter
from server.config.settings import Settings
from server.replay.batch.carriage import Carriage
from server.replay.batch.exchange import BadAnswers, Exchange, answers_of_batch, or_waiting, parse_answers
from server.replay.batch.provider import BatchApi, BatchFailed
from server.replay.batch.rounds import CarriedCalls, carried
from server.replay.judge import Label, measured
from server.replay.runs import accepted, documents, played, read_kept, recorded
from server.replay.tape import read_tape
from tests.fakes.batch_wire import FakeBatches
from tests.fakes.openai_wire import FakeOpenAI, message, schema_of
from tests.fakes.serving import served

pytestmark = pytest.mark.slow

DUO = """
about: A price, and what delivery costs.
bot: {business: "Aurora Coffee, coffee machines", verify_model: "openai:reader"}
turns:
- user: What does the Aurora Duo cost?
- user: And delivery?
"""
SAID = {
    "cost?": "The *Aurora Duo* costs 449 000 ₸.",
    "delivery?": "To other cities of Kazakhstan from 3,500 ₸.",
}
QUOTES = {"449": "It costs 449,000 ₸.", "3,500": "costs from 3,500 ₸"}


def careful(request: dict[str, Any]) -> dict[str, Any]:
    """Answers as a model would that reads."""
    told = str(request["messages"][-1]["content"])
    match schema_of(request):
        case "Verdict":
            return message(call=("Verdict", {"contact_class": "client", "reason": "asks for a price"}))
        case "Facts":
            return message(call=("Facts", {"topic": "price"}))
        case "Verified":
            quote = next(quote for figure, quote in QUOTES.items() if figure in told.rpartition("<reply>")[2])
            line = next(row for row in told.split("\n") if quote in row and row.startswith("["))
            cited = {"id": line.partition("]")[0].strip("["), "quote": quote}
            return message(
                call=("Verified", {"sentences": [{"n": 1, "status": "supported", "cite": [cited]}]})
            )
    return message(next(reply for asked, reply in SAID.items() if asked in told))


def settings(**given: Any) -> Settings:
    return Settings.model_construct(openai_model="gpt-4.1-mini", **given)


@pytest.fixture
def duo(tmp_path: Path) -> Path:
    path = tmp_path / "duo.yaml"
    path.write_text(DUO)
    return path


async def record(path: Path, calls: CarriedCalls) -> bool:
    async def play() -> None:
        _ = [went async for went in recorded([read_kept(path)], calls.models, settings())]

    return await calls.until_done(play)


async def test_a_conversation_takes_as_many_rounds_as_it_has_calls_one_after_another(
    duo: Path, tmp_path: Path
):
    out, back, rounds = tmp_path / "out.jsonl", tmp_path / "in.jsonl", list[set[str]]()
    back.touch()
    await documents(None).passages(
        "default", "Aurora Duo", "", 1, Meter()
    )  # read before a turn waits for them
    for _ in range(10):
        async with carried(Carriage(out, [back]), settings()) as calls:
            if await record(duo, calls):
                break
        asked = [json.loads(line) for line in out.read_text().splitlines()]
        rounds.append({schema_of(row["body"]) or "sell" for row in asked})
        with back.open("a") as file:
            for row in asked:
                assert row["url"] == "/v1/chat/completions" and row["body"]["model"]
                response = {"status_code": 200, "body": careful(row["body"])}
                file.write(json.dumps({"custom_id": row["custom_id"], "response": response}) + "\n")
    # what nodes side by side ask goes out in one round
    assert rounds == [{"Verdict", "Facts"}, {"sell"}, {"Verified"}, {"Facts"}, {"sell"}, {"Verified"}]
    went, _ = await played(read_kept(duo))
    assert went.passed and [turn.reply for turn in went.turns] == list(SAID.values())
    assert read_tape(duo.with_name("duo.tape.yaml")).calls["1/sell/1"]["tokens"] == [104, 0, 16]


async def test_a_batch_answers_round_by_round_and_its_answers_are_kept(duo: Path, tmp_path: Path):
    fake, told, waits = FakeBatches(FakeOpenAI()), list[str](), list[float]()
    fake.model.answer = careful
    await documents(None).passages("default", "Aurora Duo", "", 1, Meter())

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    with served(fake.app) as url:
        async with httpx.AsyncClient() as http:
            api = BatchApi(http, f"{url}/v1", "sk-test", told.append, pause)
            exchange, back = Exchange(), tmp_path / "answers.jsonl"
            models = exchange.models(offline_model(), "openai:gpt-4.1-mini")
            calls = CarriedCalls(Carriage(None, [back], True), models, exchange, api, told.append)
            assert await record(duo, calls)
    assert (await played(read_kept(duo)))[0].passed
    assert len(fake.batches) == 6 and calls.rounds == 7 and len(waits) == 12
    assert len(answers_of_batch(back)) == 7 and "batch batch_0: validating, 0 of 2" in told


@pytest.mark.parametrize("wrong", ["key", "fails", "loses"])
async def test_a_batch_without_answers_says_why(wrong: str):
    fake = FakeBatches()
    fake.fails = "Invalid model" if wrong == "fails" else ""
    fake.loses = {0} if wrong == "loses" else set()

    async def pause(seconds: float) -> None:
        pass

    with served(fake.app) as url:
        async with httpx.AsyncClient() as http:
            key = "sk-other" if wrong == "key" else "sk-test"
            api, exchange = BatchApi(http, f"{url}/v1", key, lambda line: None, pause), Exchange()
            models = exchange.models(offline_model(), "openai:judge")
            calls = CarriedCalls(Carriage(batch=True), models, exchange, api, lambda line: None)
            label = Label(rubric="Says a price.", said="price?", reply="900 KZT", meets=True)

            async def play() -> None:
                await measured(models, "auto", [label])

            with pytest.raises(
                BatchFailed, match={"key": "OPENAI_API_KEY", "fails": "Invalid model"}.get(wrong, "none")
            ):
                await calls.until_done(lambda: _stopped(play))


async def _stopped(play: Any) -> None:
    await or_waiting(play())


async def test_all_judgements_go_out_at_once_and_the_agreement_comes_in():
    exchange = Exchange()
    models = exchange.models(offline_model(), "openai:judge")
    labels = [
        Label(rubric="Says a price.", said="price?", reply="900 KZT", meets=True),
        Label(rubric="Says a price.", said="price?", reply="Hello!", meets=False),
    ]
    await _stopped(lambda: measured(models, "auto", labels))
    assert len(exchange.waiting) == 2
    rows = [{"custom_id": id, "meets": "900" in str(row)} for id, row in exchange.waiting.items()]
    exchange.take(parse_answers("\n".join(map(json.dumps, rows)), "people"))
    found = await measured(models, "auto", labels)
    assert (found.agreed, found.labels, found.model) == (2, 2, "openai:judge") and not exchange.waiting


async def test_what_a_script_does_not_say_is_filled_in_and_stands_on_the_tape(tmp_path: Path):
    path = tmp_path / "one.yaml"
    path.write_text(
        'about: A price.\nbot: {business: "Aurora Coffee, coffee machines", verify_model: auto}\nturns:\n'
        "- user: What does the Aurora Duo cost?\n  model:\n"
        "    moderate: [{Verdict: {contact_class: client, reason: asks}}]\n"
        "    extract: [{Facts: {topic: price}}]\n"
        f'    sell: ["{SAID["cost?"]}"]\n'
    )
    exchange = Exchange()
    models = exchange.models(offline_model(), "openai:reader")
    assert not [went async for went in accepted([read_kept(path)], None, models)]
    (row,) = exchange.waiting.values()
    assert schema_of(row["body"]) == "Verified"
    calls = {"custom_id": row["custom_id"], "response": {"body": careful(row["body"])}}
    exchange.take(parse_answers(json.dumps(calls), "people"))
    ((_, went, changed),) = [done async for done in accepted([read_kept(path)], None, models)]
    assert went.passed and "1/verify/1" in changed
    assert (await played(read_kept(path)))[0].passed


@pytest.mark.parametrize(
    "line", ["{", "{}", '{"custom_id": "a"}', '{"custom_id": "a", "response": {"body": {}}}']
)
def test_a_line_that_is_no_answer_is_named(line: str, tmp_path: Path):
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"custom_id": "b", "text": "hi"}}\n{line}\n')
    with pytest.raises(BadAnswers, match="line 2: no answer"):
        answers_of_batch(path)


def test_people_may_write_a_text_calls_or_the_fields_of_a_form():
    rows = [
        {"custom_id": "a", "text": "Hello"},
        {"custom_id": "b", "calls": [{"find_product": {"name": "Duo"}}]},
        {"custom_id": "c", "meets": True, "reason": "it does"},
        {"custom_id": "d", "error": {"code": "batch_expired"}},
    ]
    found = parse_answers("\n".join(map(json.dumps, rows)), "people")
    assert found["a"].text == "Hello" and found["b"].tool_calls[0]["args"] == {"name": "Duo"}
    assert json.loads(found["c"].text) == {"meets": True, "reason": "it does"} and "d" not in found
