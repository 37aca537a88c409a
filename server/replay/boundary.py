"""What stands between the graph and the world while a saved conversation is played: models, tools and
documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.types import Command

from agent.model_options import ModelOptions
from agent.models.chat import OFFLINE, Models
from agent.models.failures import judge_failure
from agent.models.usage import Meter
from agent.nodes.retrieve import Knowledge
from agent.state import Quoted
from agent.tool_calls import Answer, Call, Calling
from channels.json_parts import as_dict
from knowledge_base.goods.catalogue import Catalogue
from server.replay.batch.exchange import Stoppable
from server.replay.saved import Answer as Scripted
from server.replay.saved import SavedConversation
from server.replay.tape import Row, Tape, TapeError, prompt_as_text
from tools.price_list import PriceList

# The model of conversations whose answers stand in their file.
SCRIPT = "scripted"
# Tools whose answers depend on what they did before in the same conversation: on tape, they would not have
# done it.
STATEFUL = frozenset({"book_call"})
# Tools that are called whenever a conversation is played: what they change is in memory, and what they work
# out is to be the same.
ALWAYS = frozenset({"cart"})
# How an outage looks to `agent.models.failures.judge_failure`, without a wait.
_OUTAGES: dict[str, str] = {
    "down": "503 service unavailable; retry in 0s",
    "rate_limit": "429 rate limit reached; retry in 0s",
    "timeout": "the request timed out",
    "key": "401 incorrect api key",
    "quota": "429 insufficient_quota",
}
_KINDS = {"retry": "down", "next": "timeout", "key": "key", "account": "quota"}


class Outage(RuntimeError):
    """A provider's failure that a script or a tape asks for."""


class StandIn(Stoppable):
    """A chat model that knows which node of the graph asks it."""

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(offered=list(tools), choice=tool_choice)

    async def answer(
        self, node: str, messages: list[BaseMessage], offered: Sequence[Any], choice: Any
    ) -> AIMessage:
        """What it says; `node` is `judge` where no node asks."""
        raise NotImplementedError

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        offered: Sequence[Any] = (),
        choice: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        metadata = (run_manager.metadata if run_manager else None) or {}
        node = str(metadata.get("langgraph_node", "judge"))
        return await self.result(self.answer(node, messages, offered, choice))


class TapedModel(StandIn):
    """Stands where a provider's chat model would. `inner` is that model where it may be asked."""

    name: str | None = None
    tape: Any
    saved: Any
    inner: Any = None

    @property
    def _llm_type(self) -> str:
        return "taped"

    async def answer(
        self, node: str, messages: list[BaseMessage], offered: Sequence[Any], choice: Any
    ) -> AIMessage:
        place = self.tape.place(node)
        try:
            prompt = prompt_as_text(messages, [convert_to_openai_tool(tool) for tool in offered])
            return await self._answer(place, node, prompt, messages, offered, choice)
        except (Outage, TapeError):
            raise
        except Exception as error:
            if self.tape.keeps:  # the graph would take a mistake of ours for an outage
                self.tape.problems.append(f"{place}: {error!r}")
            raise

    async def _answer(
        self,
        place: str,
        node: str,
        prompt: str,
        messages: list[BaseMessage],
        offered: Sequence[Any],
        choice: Any,
    ) -> AIMessage:
        tape: Tape = self.tape
        kept = self._kept(place, node)
        if kept is not None and kept.get("model", self.name) != self.name:
            tape.give_back(node)  # another model answered here: this one was given up by then
            raise Outage(_OUTAGES["timeout"])
        if kept is None:
            if self.inner is None:
                raise tape.missing(place)
            kept = await self._asked(place, prompt, messages, offered, choice)
        else:
            tape.check(place, prompt)
        from_file = self._from_file(place, node) is not None
        tape.calls[place] = {**({} if from_file else kept), "prompt": prompt}
        return recorded_message(kept, place)

    def _from_file(self, place: str, node: str) -> Row | None:
        """What the file itself says the model answers here."""
        if not self.tape.keeps:
            return None
        answers = self.saved.scripted(self.tape.turn, node)
        number = int(place.rpartition("/")[2])
        return {"model": self.name, **row_of(answers[number - 1])} if number <= len(answers) else None

    def _kept(self, place: str, node: str) -> Row | None:
        if not self.tape.keeps:
            return None
        if (scripted := self._from_file(place, node)) is not None:
            return scripted
        row = self.tape.old.calls.get(place)
        return row if row and ({"text", "calls", "error"} & row.keys()) else None

    async def _asked(
        self, place: str, prompt: str, messages: list[BaseMessage], offered: Sequence[Any], choice: Any
    ) -> Row:
        forced = {"tool_choice": choice} if choice else {}
        model = self.inner.bind_tools(list(offered), **forced) if offered else self.inner
        try:
            return {"model": self.name, **row_from(await model.ainvoke(messages))}
        except asyncio.CancelledError:  # the node's time was over
            self.tape.calls[place] = {"model": self.name, "error": "timeout", "prompt": prompt}
            raise
        except Exception as error:  # an outage is an answer too: the same comes when this is played
            kind = _KINDS[judge_failure(error).kind]
            self.tape.calls[place] = {"model": self.name, "error": kind, "prompt": prompt}
            raise


def row_of(answer: Scripted) -> Row:
    """What a person wrote down as an answer."""
    if isinstance(answer, str):
        return {"text": answer}
    if "error" in answer:
        return {"error": str(answer["error"])}
    return {"calls": [{name: args} for name, args in answer.items()]}


def row_from(message: AIMessage) -> Row:
    """What a model answered, without ids."""
    usage: Any = message.usage_metadata or {}
    details: Row = usage.get("input_token_details") or {}
    cached = int(details.get("cache_read", 0) or 0)
    row: Row = {"text": str(message.text), "calls": [{c["name"]: c["args"]} for c in message.tool_calls]}
    tokens = [int(usage.get("input_tokens", 0)), cached, int(usage.get("output_tokens", 0))]
    row |= {"tokens": tokens if any(tokens) else None}
    ended = (message.response_metadata or {}).get("finish_reason")
    row |= {"ended": ended if ended not in ("stop", "tool_calls", "STOP") else None}
    kept = {name: value for name, value in row.items() if value}
    return kept if "text" in kept or "calls" in kept else {**kept, "text": ""}


def recorded_message(row: Row, place: str) -> AIMessage:
    """The answer of a row, with ids that are the same every time. Raises Outage where it is one."""
    if kind := row.get("error"):
        raise Outage(_OUTAGES.get(kind, kind))
    calls = [
        {"name": name, "args": args, "id": f"{place}#{number}"}
        for number, call in enumerate(row.get("calls", []), 1)
        for name, args in call.items()
    ]
    read, cached, out = row.get("tokens") or (0, 0, 0)
    usage: Any = {
        "input_tokens": read,
        "output_tokens": out,
        "total_tokens": read + out,
        "input_token_details": {"cache_read": cached},
    }
    metadata = {"finish_reason": row["ended"]} if row.get("ended") else {}
    return AIMessage(
        row.get("text", ""), tool_calls=calls, id=place, usage_metadata=usage, response_metadata=metadata
    )


@dataclass
class TapedModels(Models):
    """The models of one playing. Nobody is asked while the tape keeps, save the offline model, which no
    network decides, for a conversation that has no tape yet."""

    tape: Tape | None = None
    saved: SavedConversation | None = None
    # Who answers in the place of a script that says nothing of a call.
    filling: str = OFFLINE

    @classmethod
    def over(cls, tape: Tape, saved: SavedConversation, live: Models) -> TapedModels:
        """`live` is what is asked when the tape may."""
        default, fallback = live.default, live.fallback
        if tape.keeps:
            default = tape.old.model or (SCRIPT if saved.is_scripted else OFFLINE)
            fallback = tape.old.fallback or None
        models = cls(
            live.offline,
            default,
            fallback,
            live.access,
            live.attempts,
            None,
            live.rest,
            maker=live.maker,
            tape=tape,
            saved=saved,
            filling=live.default,
        )
        models._made, models._put = live._made, live._put  # clients are made once and reused
        return models

    def made(
        self, name: str, options: ModelOptions = ModelOptions(), *, responses: bool = False
    ) -> BaseChatModel:
        """The model of a name with the tape before it."""
        if self.tape is None or self.saved is None:
            return super().made(name, options, responses=responses)
        may_ask = not self.tape.keeps or (
            name == OFFLINE and (self.tape.mode == "accept" or not self.tape.old)
        )
        if self.tape.fills and name != OFFLINE:
            inner = super().made(self.filling if name == SCRIPT else name, options, responses=responses)
        else:
            inner = super().made(name, options, responses=responses) if may_ask and name != SCRIPT else None
        return TapedModel(name=name, tape=self.tape, saved=self.saved, inner=inner)


class TapedKnowledge:
    """Documents of a playing: searches that are on tape with the same question are answered from it."""

    def __init__(self, tape: Tape, live: Knowledge) -> None:
        self._tape, self._live = tape, live

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """What a search found."""
        place = self._tape.place("retrieve")
        row = self._tape.old.passages.get(place)
        if row is None or row["question"] != question:
            again = (r for r in self._tape.old.passages.values() if r["question"] == question)
            row = next(again, row) if self._tape.mode != "replay" else row
        if row is not None and row["question"] == question and "error" in row:
            self._tape.passages[place] = row
            raise TimeoutError(row["error"])
        if row is not None and row["question"] == question:
            found = [Quoted(**passage) for passage in row["found"]]
        elif self._tape.mode == "replay" and self._tape.old:
            raise self._tape.missing(
                place, "another question than the one recorded for" if row else "no search recorded for"
            )
        else:
            self._tape.passages[place] = {"question": question, "error": "no documents in time"}
            found = await self._live.passages(bot_id, question, before, count, meter)
        self._tape.passages[place] = {"question": question, "found": [dict(passage) for passage in found]}
        return found

    async def price_list(self, bot_id: str) -> PriceList:
        """The products that tools look at, where tools are called at all."""
        if self._tape.mode == "replay" and self._tape.old:
            return Catalogue([])
        return await self._live.price_list(bot_id)


def taped_calls(tape: Tape) -> Calling:
    """Tool calls of a playing: one that is on tape with the same arguments has the same answer."""

    async def calling(request: Any, call: Call) -> Answer:
        name, args, call_id = (request.tool_call[part] for part in ("name", "args", "id"))
        place = tape.place(f"tool:{name}")
        tape.called.append({name: args})
        row = tape.old.tools.get(place)
        if (row is None or row["arguments"] != args) and tape.mode != "replay":
            like = (r for p, r in tape.old.tools.items() if f"/tool:{name}/" in p and r["arguments"] == args)
            row = next(like, row)
        if name in ALWAYS and row is not None and row["arguments"] == args:
            answer = await call(request)
            tape.tools[place] = {"arguments": args, **_row_of(answer)}
            if tape.mode == "replay" and tape.tools[place] != row:
                tape.problems.append(f"{place}: answers otherwise than when it was recorded")
            return answer
        stateful = name in STATEFUL and tape.mode != "replay"
        if row is not None and row["arguments"] == args and not stateful:
            tape.tools[place] = row
            return _answer_of(row, name, call_id)
        if tape.mode == "replay" and tape.old:
            raise tape.missing(
                place, "other arguments than those recorded for" if row else "no tool call recorded for"
            )
        try:
            tape.tools[place] = {"arguments": args, "error": "TimeoutError"}
            answer = await call(request)
        except Exception as error:
            tape.tools[place] = {"arguments": args, "error": f"{type(error).__name__}: {error}"[:300]}
            raise
        tape.tools[place] = {"arguments": args, **_row_of(answer)}
        return answer

    return calling


def _row_of(answer: Answer) -> Row:
    if isinstance(answer, ToolMessage):
        row: Row = {"answer": str(answer.text)}
        return row | ({"status": "error"} if answer.status == "error" else {})
    update = as_dict(cast(object, answer.update))
    messages: list[object] = update.get("messages", [])
    said = [str(m.text) for m in messages if isinstance(m, ToolMessage)]
    return {"answer": "\n".join(said), "update": {k: v for k, v in update.items() if k != "messages"}}


def _answer_of(row: Row, name: str, call_id: str) -> Answer:
    if "error" in row:
        raise RuntimeError(row["error"])
    message = ToolMessage(row["answer"], tool_call_id=call_id, name=name, status=row.get("status", "success"))
    return Command(update={**row["update"], "messages": [message]}) if "update" in row else message
