"""How many unsupported replies a verifier lets through, and how many supported ones it stops.

    python -m benchmarks.grounding REPLIES.yaml...                               code alone, without a model
    python -m benchmarks.grounding REPLIES.yaml --model openai:gpt-4.1-mini    asks a model
    python -m benchmarks.grounding REPLIES.yaml --batch                        asks its batch API
    python -m benchmarks.grounding REPLIES.yaml --requests OUT.jsonl           writes what it would be asked
    python -m benchmarks.grounding REPLIES.yaml --answers IN.jsonl             judges what somebody answered

REPLIES.yaml has `shops` (name -> business, passages, tool) and `replies` (id, shop, heard, reply, lang, kind,
label: supported or unsupported, wordy; `today`, YYYY-MM-DD, where it is not the usual day); a line of `heard`
that is not the customer's ("customer: ...") was said by the shop. How calls are carried by files:
`server.replay.batch`."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.context import Context
from agent.grounding.notary import Doubt, Verified, doubts
from agent.grounding.numbered import evidence_lines, sentences
from agent.grounding.verify import unsupported_claims
from agent.model_options import CallSettings
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.models.usage import Meter
from agent.nodes.ground import contact_words, evidence
from agent.nodes.verify import evidence_of_turn, request
from agent.state import Quoted, State
from server.cli.common import load_settings
from server.pipeline.agents import models as models_of
from server.replay.batch.carriage import Carriage
from server.replay.batch.exchange import named, or_waiting
from server.replay.batch.rounds import carried

# Replies that are read at once: more make providers refuse calls.
AT_ONCE = 8
# The usual day that replies are judged on; it is noon by the clock of the shops.
TODAY = "2025-10-13"


def read(paths: Sequence[Path]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The shops and the replies of some files; where a row has no language, its file is named after it."""
    shops: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for path in paths:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        shops |= {f"{path.stem}:{name}": shop for name, shop in told["shops"].items()}
        usual = {"lang": path.stem, "kind": "any", "wordy": False, "heard": []}
        rows += [{**usual, **row, "shop": f"{path.stem}:{row['shop']}"} for row in told["replies"]]
    return shops, rows


def noon(row: Mapping[str, Any]) -> datetime:
    """When the reply of a row is judged."""
    return datetime.fromisoformat(f"{row.get('today', TODAY)}T12:00+00:00")


def turn(shop: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[State, Context]:
    """The turn that ends in the reply of a row."""
    heard: list[BaseMessage] = []
    for said in row["heard"]:
        who, _, words = said.partition(": ")
        heard.append(HumanMessage(words or said) if who in ("customer", said) else AIMessage(words))
    tools: list[BaseMessage] = []
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
        "now": f"{noon(row):%A %-d %B %Y, %H:%M}",
        "at": int(noon(row).timestamp() * 1000),
    }
    return state, Context(business=shop["business"])


def judged(shop: Mapping[str, Any], row: Mapping[str, Any], answer: Verified) -> list[Doubt]:
    """What is wrong with a reply, by a verifier's answer and the code that holds it to what it cites."""
    state, context = turn(shop, row)
    vetoed = {
        finding.claim.text.strip() for finding in unsupported_claims(row["reply"], evidence(state, context))
    }
    known = evidence_lines(evidence_of_turn(state, context))
    return doubts(
        sentences(row["reply"]), known, answer.sentences, today=f"{noon(row):%Y-%m-%d}", vetoed=vetoed
    )


async def asked_of(
    models: Models, shops: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Verified]:
    """The answers of a verifier; those it gives none for, or none yet, are missing."""

    async def one(row: Mapping[str, Any]) -> tuple[str, Verified | None]:
        state, context = turn(shops[row["shop"]], row)
        told = request(
            context,
            evidence_lines(evidence_of_turn(state, context)),
            contact_words(state),
            sentences(row["reply"]),
        )
        named.set(row["id"])  # so that answers outlive a change of the prompt
        try:
            answer = await models.ask("auto", told, Meter(), schema=Verified, call=CallSettings("verify"))
        except NoModelAnswered:
            return row["id"], None
        parsed: Any = answer.parsed
        return row["id"], None if answer.model == OFFLINE else parsed

    gate = asyncio.Semaphore(AT_ONCE)

    async def in_turn(row: Mapping[str, Any]) -> tuple[str, Verified | None] | None:
        async with gate:
            return await asyncio.create_task(or_waiting(one(row)))

    found = await asyncio.gather(*map(in_turn, rows))
    return {id: answer for id, answer in filter(None, found) if answer}


async def read_by(
    given: argparse.Namespace, shops: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Verified], bool]:
    """The answers, and whether none is waited for: of a model that is asked now, or carried."""
    settings, carriage = load_settings(), Carriage(given.requests, given.answers, given.batch)
    if given.model:
        settings = settings.model_copy(update={"chat_model": given.model})
    if not carriage.is_used:
        return await asked_of(models_of(settings), shops, rows), True
    found: dict[str, Verified] = {}
    async with carried(carriage, settings) as calls:

        async def play() -> None:
            found.update(await asked_of(calls.models, shops, rows))

        return found, await calls.until_done(play)


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


def add_carriage(parser: argparse.ArgumentParser) -> None:
    """The arguments of a command whose calls may be carried."""
    parser.add_argument("--requests", type=Path, help="write what a model would be asked to this file")
    parser.add_argument(
        "--answers", type=Path, action="append", default=[], help="read answers from this file"
    )
    parser.add_argument(
        "--batch", action="store_true", help="ask the provider's batch API, at half the price"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grounding")
    parser.add_argument("replies", type=Path, nargs="+")
    parser.add_argument("--model", help="PROVIDER:NAME, asked now")
    add_carriage(parser)
    parser.add_argument("--show", action="store_true", help="print each reply that was judged wrongly")
    given = parser.parse_args()
    shops, rows = read(given.replies)
    wrong: dict[str, list[Doubt]] = {}
    if given.model or given.requests or given.answers or given.batch:
        found, done = asyncio.run(read_by(given, shops, rows))
        if not done and not found:
            return
        wrong = {r["id"]: judged(shops[r["shop"]], r, found[r["id"]]) for r in rows if r["id"] in found}
        stopped = {id: bool(doubts) for id, doubts in wrong.items()}
    else:
        stopped = {
            r["id"]: bool(unsupported_claims(r["reply"], evidence(*turn(shops[r["shop"]], r)))) for r in rows
        }
    report(rows, stopped)
    if given.show:
        show(rows, stopped, wrong)


def show(
    rows: Sequence[Mapping[str, Any]], stopped: Mapping[str, bool], wrong: Mapping[str, Sequence[Doubt]]
) -> None:
    """Print each reply that was judged wrongly, and why."""
    for row in rows:
        if row["id"] in stopped and stopped[row["id"]] is (row["label"] == "supported"):
            print(f"\n{row['id']} {row['label']} ({row['kind']}): {row['reply']}")
            print(f"  {row.get('why', '')}")
            for doubt in wrong.get(row["id"], ()):
                print(f"  “{doubt.sentence.text}”: {doubt.why}")


if __name__ == "__main__":
    main()
