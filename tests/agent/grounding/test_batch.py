"""The verifier is measured with answers that come as a file: a provider's batch, another machine, people who
read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.grounding.notary import Verified
from benchmarks import grounding
from server.replay.batch.exchange import BadAnswers, answers_of_batch

FOLDER = Path(__file__).parent / "read"
REPLIES = """
shops:
  vases:
    business: Vase shop
    passages: ["Blue vase 900 KZT. Delivery is free from 5,000 KZT."]
    tool: ['[{"name": "Blue vase", "stock": 3}]']
replies:
- {id: a, lang: en, shop: vases, heard: ["customer: price?"],
   reply: "It is 900 KZT.", label: supported, kind: paraphrase, wordy: false, why: as said}
- {id: b, lang: en, shop: vases, heard: ["customer: price?"],
   reply: "It is hand-made.", label: unsupported, kind: feature, wordy: true, why: not said}
"""
CITED = [{"id": "p1.1", "quote": "Blue vase 900 KZT."}]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["grounding", *map(str, arguments)])
    grounding.main()


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    path = tmp_path / "replies.yaml"
    path.write_text(REPLIES)
    return path


def answered(id: str, sentence: dict[str, Any]) -> str:
    text = json.dumps({"sentences": [{"n": 1, **sentence}]})
    return json.dumps({"custom_id": id, "response": {"body": {"choices": [{"message": {"content": text}}]}}})


def test_requests_go_out_and_answers_come_in(
    replies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out, back = tmp_path / "out.jsonl", tmp_path / "in.jsonl"
    run(monkeypatch, replies, "--requests", out)
    asked = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["custom_id"] for row in asked] == ["a", "b"]
    assert "[p1.1] Blue vase 900 KZT." in asked[0]["body"]["messages"][1]["content"]
    back.write_text(
        "\n".join(
            (answered("a", {"status": "supported", "cite": CITED}), answered("b", {"status": "not_stated"}))
        )
    )
    run(monkeypatch, replies, "--answers", back)
    told = capsys.readouterr().out
    assert "let through          0 of 1 (0.0 %)" in told and "stopped                0 of 1 (0.0 %)" in told


def test_a_reader_that_errs_is_counted(
    replies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    back = tmp_path / "in.jsonl"
    back.write_text(answered("b", {"status": "no_claim"}))
    run(monkeypatch, replies, "--answers", back, "--show")
    told = capsys.readouterr().out
    assert (
        "let through          1 of 1 (100.0 %)" in told
        and "not answered: 1 (a)" in told
        and "1 calls have no answer" in told
    )
    assert "It is hand-made." in told


@pytest.mark.parametrize("line", ["{", "{}", '{"custom_id": "a"}'])
def test_a_line_that_is_no_answer_is_named(
    replies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
):
    back = tmp_path / "in.jsonl"
    back.write_text(f"{answered('b', {'status': 'no_claim'})}\n{line}\n")
    with pytest.raises(BadAnswers, match="line 2"):
        run(monkeypatch, replies, "--answers", back)


# Of the replies that the code was made with: stock that no tool has said in the turn, refusals in whose
# clause the code sees none, and what readers took more strictly than who labelled it.
STOPPED = {
    "fresh": set[str](),
    "attack": set[str](),
    "made": set("hi-01 hi-28 hi-29 kk-01 mx-023 mx-033 mx-085 mx-119 bl-038 bl-073".split()),
}
MADE = ("en", "es", "hi", "it", "kk", "ru", "mixed", "unseen")


@pytest.mark.parametrize("name", STOPPED)
def test_a_held_set_is_judged_by_a_reader_and_the_notary(name: str):
    """Replies over invented businesses; who wrote, labelled and read them stands at the head of each file."""
    files = [FOLDER.parent / f"{file}.yaml" for file in MADE] if name == "made" else [FOLDER / f"{name}.yaml"]
    shops, rows = grounding.read(files)
    answers = answers_of_batch(FOLDER / f"{name}.answers.jsonl")
    wrong: dict[str, set[str]] = {"supported": set(), "unsupported": set()}
    for row in rows:
        said = Verified.model_validate(answers[row["id"]].tool_calls[0]["args"])
        stopped = bool(grounding.judged(shops[row["shop"]], row, said))
        if stopped is (row["label"] == "supported"):
            wrong[row["label"]].add(row["id"])
    assert wrong == {"supported": STOPPED[name], "unsupported": set()}
