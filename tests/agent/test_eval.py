"""What the evaluation asks a model can be answered through a file."""

from __future__ import annotations

import json
from pathlib import Path

from langchain_core.messages import AIMessage

from agent.models.chat import Models
from agent.models.offline import offline_model
from benchmarks.eval import Asker, classes, labelled, verified
from server.replay.batch.exchange import Exchange

KINDS = ("customer_question", "spam_or_vendor", "personal_chat_not_a_client")


def folder(path: Path) -> Path:
    rows = [{"contact_kind": kind, "text": f"{kind} {n}"} for kind in KINDS for n in range(3)]
    (path / "06_safety").mkdir()
    (path / "06_safety" / "contact_kind.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return path


async def test_calls_wait_and_count_once_they_are_answered(tmp_path: Path):
    exchange, data = Exchange(), folder(tmp_path)
    asker = Asker(exchange.models(offline_model(), "openai:m"), "openai:m", sample=2)
    assert [row[2] for row in await classes(data, asker)] == ["0 of 0 (0.0 %)"] * 3
    assert len(exchange.waiting) == 6
    vendors = {id for id, row in exchange.waiting.items() if "spam_or_vendor" in str(row["body"]["messages"])}
    said = {id: "non_client" if id in vendors else "client" for id in list(exchange.waiting)[:5]}
    exchange.take({id: AIMessage(json.dumps({"contact_class": kind})) for id, kind in said.items()})
    found = await classes(data, asker)
    assert [row[0] for row in found] == [f"openai:m moderator: {kind.replace('_', ' ')}" for kind in KINDS]
    assert sum(int(row[2].split()[2]) for row in found) == 5 and len(exchange.waiting) == 1
    assert found[1][2].startswith("2 of 2")


async def test_the_verifier_is_asked_about_the_labelled_replies():
    exchange = Exchange()
    asker = Asker(exchange.models(offline_model(), "openai:m"), "openai:m", sample=1)
    await verified(asker)
    (_, known), _ = labelled()
    assert len(exchange.waiting) == 4 and {row["id"] for row, _ in known} & exchange.waiting.keys()
    told = {"sentences": [{"n": n, "status": "not_stated"} for n in range(1, 9)]}
    exchange.take({id: AIMessage(json.dumps(told)) for id in exchange.waiting})
    assert [row[2] for row in await verified(asker)] == ["0 of 1 (0.0 %)", "1 of 1 (100.0 %)"] * 2


async def test_without_files_the_offline_model_is_asked_about_all(tmp_path: Path):
    found = await classes(folder(tmp_path), Asker(Models(offline_model())))
    assert found[0][0] == "offline moderator: customer question"
    assert [int(row[2].split()[2]) for row in found] == [3, 3, 3]
