"""What the reading of replies costs on the usual turn: model calls, tokens on the wire and time, without and
with it.

    python -m benchmarks.reading                 [--seconds 0.5]

A fake provider on OpenAI's wire answers every call after a given time; questions, documents and replies are
those of the sample shop. Tokens are a quarter of the characters ("What are tokens", OpenAI help center)."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent.context import Context
from agent.documents import folder
from agent.graph import build
from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from tests.fakes.openai_wire import FakeOpenAI, last_user, message, polite, schema_of
from tests.fakes.serving import served

# What customers ask, and what is answered: two replies that claim something, and one that only asks.
TURNS = (
    ("What does the Aurora Duo cost?", "The *Aurora Duo* costs 449 000 ₸. Is it for your home?"),
    ("How much is delivery in Almaty?", "Delivery in Almaty costs 1 500 ₸ and takes one working day."),
    ("I am not sure which one fits us.", "How many cups a day do you make?"),
)
CHARACTERS = 4


def answer(request: dict[str, Any]) -> Any:
    """A seller with these replies, and a verifier that finds each sentence supported by the first line that
    has its figure."""
    asked = last_user(request)
    if schema_of(request) == "Verified":
        evidence, _, rest = asked.partition("</evidence>")
        lines = [line for line in evidence.split("\n") if line.startswith("[p")]
        quote = next((line for line in lines if "449" in line or "1,500" in line), lines[0] if lines else "")
        cited = {"id": quote.partition("]")[0].strip("["), "quote": quote.partition("] ")[2]}
        count = rest.partition("<reply>\n")[2].partition("\n</reply>")[0].count("\n") + 1
        rows = [{"n": n, "status": "supported", "cite": [cited]} for n in range(1, count + 1)]
        return message(call=("Verified", {"sentences": rows}))
    if schema_of(request):
        return polite(request)
    return message(next((reply for words, reply in TURNS if words in asked), TURNS[-1][1]))


async def measured(verifier: str, seconds: float) -> list[tuple[int, float, float, float]]:
    """Of each turn: calls, tokens in, tokens out, and seconds."""
    fake = FakeOpenAI()
    fake.answer, fake.hang = answer, seconds
    found = []
    with served(fake.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"))
        graph = build(models, folder(None), InMemorySaver())
        context = Context(business="Aurora Coffee, coffee machines", verify_model=verifier)
        for number, (words, _) in enumerate((("Hello, are you open?", ""), *TURNS)):
            before, began = len(fake.requests), time.perf_counter()
            turn: Any = {"messages": [HumanMessage(words)], "bot_id": "b", "turn_id": str(number)}
            config: Any = {"configurable": {"thread_id": "c"}}
            await graph.ainvoke(turn, config, context=context)
            took, asked = time.perf_counter() - began, fake.requests[before:]
            tokens = sum(len(json.dumps(body, ensure_ascii=False)) for body in asked) / CHARACTERS
            out = sum(len(json.dumps(answer(body)["choices"][0]["message"])) for body in asked) / CHARACTERS
            found.append((len(asked), tokens, out, took))
    return found[1:]  # the first loads what later ones use


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading")
    parser.add_argument("--seconds", type=float, default=0.5, help="that one model call takes")
    given = parser.parse_args()
    off, on = (asyncio.run(measured(verifier, given.seconds)) for verifier in ("off", ""))
    print("| reply | calls | tokens in | tokens out | seconds |\n|---|---|---|---|---|")
    for (_, reply), without, with_ in zip(TURNS, off, on, strict=True):
        cells = [f"{a:.0f} -> {b:.0f}" for a, b in list(zip(without, with_, strict=True))[:3]]
        print(f"| {reply} | {' | '.join(cells)} | {without[3]:.1f} -> {with_[3]:.1f} |")


if __name__ == "__main__":
    main()
