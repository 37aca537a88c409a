"""Simulated customers talk to the agent, and what they say becomes a saved conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.models.chat import Models
from agent.models.offline import offline_model
from server.replay.play import Playing
from server.replay.runs import KeptConversation, documents, played
from server.replay.saved import BadConversation, parse_conversation
from server.replay.simulated.customers import PERSONAS, persona, simulated
from tests.fakes.openai_wire import FakeOpenAI, message, polite

pytestmark = pytest.mark.slow

OURS = sorted(path.stem for path in PERSONAS.glob("*.yaml"))


@pytest.mark.parametrize("name", OURS)
async def test_each_of_ours_plays_without_a_key(name: str):
    playing = Playing(Models(offline_model()), documents(None), "record")
    made = await simulated(name, persona(name), playing, {}, 3, "auto")
    saved = parse_conversation(made.file, name)
    assert (
        len(saved.turns) == 3
        and [turn.user[0].words for turn in saved.turns if turn.user] == persona(name).says[:3]
    )
    went, _ = await played(KeptConversation(Path(f"{name}.yaml"), saved, made.tape))
    assert went.passed and [turn.replies for turn in went.turns] == [
        turn.replies for turn in made.played.turns
    ]


async def test_a_model_plays_the_customer_until_it_is_done(live: Models, provider: tuple[FakeOpenAI, str]):
    asked: list[list[dict[str, Any]]] = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if not request["messages"][0]["content"].startswith("You play a customer"):
            return polite(request)
        asked.append(request["messages"])
        return message("Cheaper, please" if len(asked) < 3 else "[END]")

    provider[0].answer = answer
    playing = Playing(live, documents(None), "record")
    made = await simulated("haggler", persona("haggler"), playing, {"business": "Aurora"}, 12, "auto")
    said = [turn.user[0].words for turn in parse_conversation(made.file, "t").turns if turn.user]
    assert said == [persona("haggler").says[0], "Cheaper, please", "Cheaper, please"]
    prompt, heard = (m["content"] for m in asked[0])
    assert (
        "Corner Café" in prompt
        and "stubborn" in prompt
        and prompt.endswith(f"Your last message was: {said[0]}")
    )
    assert heard == f"You asked: {said[0]}"  # the shop is who speaks to the customer
    assert [m["role"] for m in asked[0]] == ["system", "user"]


def test_a_persona_that_is_none_is_named(tmp_path: Path):
    with pytest.raises(BadConversation, match=f"there is no nobody; use a file, or one of {', '.join(OURS)}"):
        persona("nobody")
    (tmp_path / "p.yaml").write_text("about: x\ngoal: y\nsays: []\nmod: z\n")
    with pytest.raises(BadConversation, match=r"p\.yaml: says: .*mod: there is no such field"):
        persona(str(tmp_path / "p.yaml"))
