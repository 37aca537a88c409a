"""Model calls as files in OpenAI's batch format ("Batch API"): one JSON request a line goes out, one JSON
answer a line comes in, whoever answers: a provider at half the price, another machine, people who read."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.model_options import ModelOptions
from agent.models.chat import OFFLINE, Models
from agent.models.providers import ProviderAccess

Row = dict[str, Any]
Result = TypeVar("Result")

# Where each request goes, as a batch names it.
ENDPOINT = "/v1/chat/completions"
# Seconds a run goes on after a call without an answer, so that nodes beside it put theirs down as well.
BESIDE = 0.25

# The id of the next request, where the caller has one of its own that outlives a change of the prompt; else
# it is made of the request and of `sample`: how often the same was asked before, to get several answers.
named: ContextVar[str] = ContextVar("named", default="")
sample: ContextVar[int] = ContextVar("sample", default=0)


class Unanswered(BaseException):
    """Nobody has answered this call yet. It ends the run, past all that would take it for an outage."""


class BadAnswers(ValueError):
    """A file of answers cannot be used; the message names file, line and remedy."""


@dataclass
class Exchange:
    """Answers by the id of their request, and the requests that wait for one."""

    answers: dict[str, AIMessage] = field(default_factory=dict[str, AIMessage])
    waiting: dict[str, Row] = field(default_factory=dict[str, Row])

    async def answer(self, body: Row) -> AIMessage:
        """The answer to a request. Raises Unanswered, and notes the request."""
        text = json.dumps([body, sample.get()], sort_keys=True, ensure_ascii=False)
        id = named.get() or hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        if id in self.answers:
            return self.answers[id].model_copy(deep=True)
        self.waiting[id] = {"custom_id": id, "method": "POST", "url": ENDPOINT, "body": body}
        await asyncio.sleep(BESIDE)
        raise Unanswered(id)

    def models(self, offline: BaseChatModel, name: str) -> Models:
        """Models whose calls go through this exchange, all but the offline one's."""

        def carried(
            model: str, access: ProviderAccess, options: ModelOptions, responses: bool
        ) -> BaseChatModel:
            return CarriedModel(name=model, exchange=self, options=options)

        return Models(offline, name, maker=carried)

    def take(self, answers: dict[str, AIMessage]) -> None:
        """Keep answers; whatever waited for one waits no longer."""
        self.answers |= answers
        self.waiting = {id: row for id, row in self.waiting.items() if id not in self.answers}


async def or_waiting(run: Awaitable[Result]) -> Result | None:
    """What a run comes to; None for one that waits for an answer."""
    try:
        return await run
    except Unanswered:
        return None


class _Held(Exception):
    """An Unanswered on its way through LangChain, which takes what is no Exception for an answer."""


class Stoppable(BaseChatModel):
    """A chat model whose `answer` may raise Unanswered."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("the graph's nodes are async")

    async def ainvoke(self, input: Any, config: Any = None, *, stop: Any = None, **kwargs: Any) -> AIMessage:
        """Its answer. Raises Unanswered."""
        try:
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        except _Held as held:
            raise Unanswered(str(held)) from None

    async def result(self, answer: Awaitable[AIMessage]) -> ChatResult:
        """What LangChain is given of an answer."""
        try:
            return ChatResult(generations=[ChatGeneration(message=await answer)])
        except Unanswered as waiting:
            raise _Held(str(waiting)) from None


class CarriedModel(Stoppable):
    """A chat model whose calls are requests in a file."""

    name: str | None = None
    exchange: Any
    options: Any = None

    @property
    def _llm_type(self) -> str:
        return "carried"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        """The model with these tools."""
        return self.bind(offered=list(tools), choice=tool_choice)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        offered: Sequence[Any] = (),
        choice: Any = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        body: Row = {
            "model": (self.name or OFFLINE).partition(":")[2],
            "messages": convert_to_openai_messages(messages),
        }
        if offered:
            body["tools"] = [convert_to_openai_tool(tool) for tool in offered]
        if choice:
            body["tool_choice"] = {"type": "function", "function": {"name": choice}}
        if response_format:
            body["response_format"] = response_format
        options: ModelOptions = self.options or ModelOptions()
        body |= {
            name: value
            for name in ("temperature", "reasoning_effort", "max_tokens")
            if (value := getattr(options, name)) is not None
        }
        return await self.result(self.exchange.answer(body))


def write_requests(path: Path, requests: Iterable[Row]) -> None:
    """Put requests into a file, whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in requests)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def answers_of_batch(path: Path) -> dict[str, AIMessage]:
    """The answers of a file, by the id of their request; of two to one request the later one. Raises
    BadAnswers."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadAnswers(f"--answers {path}: cannot be read: {error}") from None
    return parse_answers(text, str(path))


def parse_answers(text: str, name: str) -> dict[str, AIMessage]:
    """The answers in a text, by the id of their request. An answer that a provider gives as failed is left
    out: its request waits on. Raises BadAnswers."""
    found: dict[str, AIMessage] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if answer := _answer(row):
                found[row["custom_id"]] = answer
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadAnswers(
                f"{name}, line {number}: no answer in OpenAI's batch format ({error!r}); write custom_id and "
                "response, or custom_id and text, or custom_id and the fields of the form"
            ) from None
    return found


def _answer(row: Row) -> AIMessage | None:
    """The answer of a line, if there is one: a completion; or, as people write it, `text`, `calls` with their
    arguments, or the fields of the form that was asked for."""
    response: Row = row.get("response") or {}
    if row.get("error") or response.get("status_code", 200) >= 400:
        return None
    if "response" in row:
        return _of_completion(row["response"]["body"])
    if "text" in row:
        return AIMessage(str(row["text"]))
    if "calls" in row:
        named = [(name, args) for call in row["calls"] for name, args in call.items()]
        calls = [{"name": name, "args": args, "id": f"c{n}"} for n, (name, args) in enumerate(named)]
        return AIMessage("", tool_calls=calls)
    form = {name: value for name, value in row.items() if name not in ("custom_id", "id")}
    if not form:
        raise ValueError("nothing beside custom_id")
    return AIMessage(json.dumps(form, ensure_ascii=False))


def _of_completion(body: Row) -> AIMessage:
    """The message of a chat completion."""
    choice: Row = body["choices"][0]
    said: Row = choice["message"]
    text, calls = str(said.get("content") or ""), list[Row]()
    asked: list[Row] = said.get("tool_calls") or []
    for call in asked:
        try:
            args = json.loads(call["function"]["arguments"] or "{}")
            calls.append({"name": call["function"]["name"], "args": args, "id": call["id"]})
        except ValueError:  # a call that was cut: what there is of it is text, and so no answer
            text = text or str(call["function"]["arguments"])
    counts: Row = body.get("usage") or {}
    details: Row = counts.get("prompt_tokens_details") or {}
    read, out = int(counts.get("prompt_tokens", 0)), int(counts.get("completion_tokens", 0))
    usage: Any = {
        "input_tokens": read,
        "output_tokens": out,
        "total_tokens": read + out,
        "input_token_details": {"cache_read": int(details.get("cached_tokens", 0) or 0)},
    }
    ended = choice.get("finish_reason")
    metadata = {"finish_reason": ended} if ended else {}
    return AIMessage(text, tool_calls=calls, usage_metadata=usage, response_metadata=metadata)
