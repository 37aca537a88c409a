"""How many unsupported replies a verifier lets through, and how many supported ones it stops.

    python -m benchmarks.grounding REPLIES.yaml                                  code alone, without a model
    python -m benchmarks.grounding REPLIES.yaml --model openai:gpt-4.1-mini      asks a model
    python -m benchmarks.grounding REPLIES.yaml --requests OUT.jsonl             writes what a model would be
    asked
    python -m benchmarks.grounding REPLIES.yaml --answers IN.jsonl               judges what somebody answered

REPLIES.yaml has `shops` (name -> business, passages, tool) and `replies` (id, shop, heard, reply, lang, kind,
label: supported or unsupported, wordy). The files of requests and answers are in OpenAI's batch format
("Batch API": one JSON object a line, `custom_id` in both), so a provider's batch, another machine or people
who read can answer."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from agent.context import Context
from agent.grounding.notary import Doubt, Verified, doubts
from agent.grounding.numbered import lines, sentences
from agent.grounding.verify import unsupported
from agent.model_options import CallSettings
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.models.cleaning import objects_in
from agent.models.offline import offline_model
from agent.nodes.ground import asked, evidence
from agent.nodes.verify import request, sources
from agent.state import Quoted, State
from server.cli.common import load_settings
from server.pipeline.agents import models as models_of

# The day the replies are judged on, by the clock of the shops: Unix ms, and in words.
AT, NOW = 1_760_356_800_000, "Monday 13 October 2025, 12:00"


def turn(shop: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[State, Context]:
    """The turn that ends in the reply of a row."""
    heard = []
    for said in row["heard"]:
        who, _, words = said.partition(": ")
        heard.append(AIMessage(words) if who in ("agent", "bot", "shop") else HumanMessage(words or said))
    tools = []
    for number, answer in enumerate(shop.get("tool") or ()):
        call = {"name": "look_up", "args": {}, "id": f"t{number}"}
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        tools += [
            AIMessage("", tool_calls=[call]),
            ToolMessage(text, tool_call_id=f"t{number}", name="look_up"),
        ]
    passages = [
        Quoted(document="shop.md", page=number, text=text, language="", strong=True)
        for number, text in enumerate(shop["passages"], 1)
    ]
    state: Any = {
        "messages": [*heard, *tools, AIMessage(row["reply"])],
        "replies": [row["reply"]],
        "passages": passages,
        "profile": {"language": row["lang"]},
        "now": NOW,
        "at": AT,
    }
    return state, Context(business=shop["business"])


def judged(shop: Mapping[str, Any], row: Mapping[str, Any], answer: Verified) -> list[Doubt]:
    """What is wrong with a reply, by a verifier's answer and the code that holds it to what it cites."""
    state, context = turn(shop, row)
    vetoed = {finding.claim.text.strip() for finding in unsupported(row["reply"], evidence(state, context))}
    known = lines(sources(state, context))
    return doubts(sentences(row["reply"]), known, answer.sentences, today="2025-10-13", vetoed=vetoed)


def batch_line(shop: Mapping[str, Any], row: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A request in OpenAI's batch format."""
    state, context = turn(shop, row)
    asked_of = request(context, lines(sources(state, context)), asked(state), sentences(row["reply"]))
    messages = [
        {"role": "system" if message.type == "system" else "user", "content": str(message.content)}
        for message in asked_of
    ]
    form = {"name": "Verified", "schema": Verified.model_json_schema()}
    return {
        "custom_id": row["id"],
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": form},
        },
    }


def answers_in(path: Path) -> dict[str, Verified]:
    """Answers by the id of their request. Raises ValueError for a line that is no answer, with its number."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            body = row.get("response", {}).get("body", row)
            text = body["choices"][0]["message"]["content"] if "choices" in body else json.dumps(body)
            found[row["custom_id"]] = Verified.model_validate(objects_in(text)[0])
        except (ValueError, KeyError, IndexError, TypeError, ValidationError) as error:
            raise ValueError(f"{path}, line {number}: no answer in OpenAI's batch format ({error})") from None
    return found


async def asked_now(
    shops: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], name: str
) -> dict[str, Verified]:
    """The answers of a model; those it gives none for are missing."""
    models: Models = models_of(load_settings()) if name != OFFLINE else Models(offline_model())
    found: dict[str, Verified] = {}
    for row in rows:
        state, context = turn(shops[row["shop"]], row)
        told = request(context, lines(sources(state, context)), asked(state), sentences(row["reply"]))
        try:
            answer = await models.ask(name, told, schema=Verified, call=CallSettings(purpose="verify"))
        except NoModelAnswered:
            continue
        if answer.model == name:
            parsed: Any = answer.parsed
            found[row["id"]] = parsed
    return found


def report(rows: Sequence[Mapping[str, Any]], stopped: Mapping[str, bool]) -> None:
    """Print what was let through and what was stopped wrongly: in all, of lies without a figure, by kind and
    language."""

    def share(label: str, wanted: bool, **where: Any) -> str:
        mine = [r for r in rows if r["label"] == label and r["id"] in stopped]
        mine = [r for r in mine if all(r.get(name) == value for name, value in where.items())]
        wrong = sum(stopped[r["id"]] is wanted for r in mine)
        return f"{wrong} of {len(mine)}" + (f" ({100 * wrong / len(mine):.1f} %)" if mine else "")

    print(f"unsupported, let through          {share('unsupported', False)}")
    print(f"  of them without a figure        {share('unsupported', False, wordy=True)}")
    print(f"supported, stopped                {share('supported', True)}")
    for name in ("lang", "kind"):
        for value in sorted(Counter(r[name] for r in rows)):
            through, alarms = (
                share("unsupported", False, **{name: value}),
                share("supported", True, **{name: value}),
            )
            print(f"  {name} {value:20} let through {through:18} stopped {alarms}")
    if missing := [r["id"] for r in rows if r["id"] not in stopped]:
        print(f"not answered: {len(missing)} ({', '.join(missing[:10])})")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grounding")
    parser.add_argument("replies", type=Path)
    parser.add_argument("--model", help="PROVIDER:NAME, asked now")
    parser.add_argument("--requests", type=Path, help="write what a model would be asked to this file")
    parser.add_argument("--answers", type=Path, help="read answers from this file")
    parser.add_argument("--show", action="store_true", help="print each reply that was judged wrongly")
    given = parser.parse_args()
    told = yaml.safe_load(given.replies.read_text(encoding="utf-8"))
    shops, rows = told["shops"], told["replies"]
    if given.requests:
        made = (batch_line(shops[row["shop"]], row, given.model or "gpt-4.1-mini") for row in rows)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made)
        given.requests.write_text(text, encoding="utf-8")
        print(f"{len(rows)} requests in {given.requests}")
        return
    if given.answers or given.model:
        found = (
            answers_in(given.answers) if given.answers else asyncio.run(asked_now(shops, rows, given.model))
        )
        wrong = {r["id"]: judged(shops[r["shop"]], r, found[r["id"]]) for r in rows if r["id"] in found}
        stopped = {id: bool(doubts) for id, doubts in wrong.items()}
    else:
        wrong = {}
        stopped = {r["id"]: bool(unsupported(r["reply"], evidence(*turn(shops[r["shop"]], r)))) for r in rows}
    report(rows, stopped)
    if given.show:
        for row in rows:
            if row["id"] in stopped and stopped[row["id"]] is (row["label"] == "supported"):
                print(f"\n{row['id']} {row['label']} ({row['kind']}): {row['reply']}")
                print(f"  {row['why']}")
                for doubt in wrong.get(row["id"], ()):
                    print(f"  “{doubt.sentence.text}”: {doubt.why}")


if __name__ == "__main__":
    main()
