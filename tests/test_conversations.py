"""Every saved conversation goes as it was saved: `pytest tests/test_conversations.py -k price`. No key,
nobody is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.studio import graph
from server.replay.masking import people_in
from server.replay.runs import played, read_kept
from server.replay.saved import SavedConversation, conversation_schema, load_conversation, saved_in, tape_of

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "conversations"
SAVED = saved_in(FOLDER)
# The sample shop's own: it belongs to nobody.
SHOP = ("14 Orbita Street", "улица Орбита, 14")


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
async def test_conversation(path: Path):
    went, _ = await played(read_kept(path))
    assert went.passed, f"\n{went.shown()}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["price", "follow_up_en", "booking_it"])
async def test_a_hundred_times_the_same(name: str):
    conversation, live = read_kept(FOLDER / f"{name}.yaml"), Models(offline_model())
    assert len({(await played(conversation, live=live))[0].outcome() for _ in range(100)}) == 1


def test_every_conversation_has_its_tape_and_every_tape_its_conversation():
    tapes = {path.name for path in FOLDER.rglob("*.tape.yaml")}
    assert tapes == {tape_of(path).name for path in SAVED}


@pytest.mark.slow
async def test_together_they_take_every_way_through_the_graph():
    went = [(await played(read_kept(path)))[0] for path in SAVED]
    assert len(went) >= 25
    turns = [turn for each in went for turn in each.turns]
    assert {node for turn in turns for node in turn.route} == set(graph.nodes) - {"__start__"}
    assert {turn.verdict for turn in turns} >= {"answer", "refuse", "handoff", "silent"}
    said = [line for turn in turns for line in turn.said]
    assert {"/info", "/history", "/reset"} <= set(said)
    tags = {tag for path in SAVED for tag in load_conversation(path).tags}
    assert len(tags & {"ru", "kk", "it", "es", "de", "hi", "pt"}) >= 5  # and English
    wanted = "burst handoff opt-out follow-up injection grounding outage voice group non-client template"
    assert {*wanted.split(), "orders"} <= tags


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.y*ml")), ids=lambda path: path.name)
def test_nobody_real_is_in_them(path: Path):
    text = path.read_text(encoding="utf-8")
    for own in SHOP:
        text = text.replace(own, " ")
    found = [(kind, raw) for kind, raw in people_in(text) if not raw.endswith("@example.com")]
    assert not found


def test_the_schema_for_editors_is_the_one_in_the_code():
    assert json.loads((ROOT / "schemas" / "conversation.schema.json").read_text()) == json.loads(
        json.dumps(conversation_schema())
    )
    assert SavedConversation.__doc__
