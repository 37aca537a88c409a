"""Chat models by name, what to do when one fails, and the one place where a tape or a meter can be put in between."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel, SecretStr, ValidationError

from agent import meter
from agent.failures import Trouble, brief, judge, unusable

log = structlog.get_logger()

OFFLINE = "offline"
# A provider that wants to be left alone longer than this is not waited for.
LONGEST_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Access:
    """Keys, addresses and the time limit of model providers. `timeout` in seconds for one call; `http` carries OpenAI's
    wire when it is given."""

    openai_key: str | None = None
    openai_url: str | None = None
    gemini_key: str | None = None
    gemini_url: str | None = None
    timeout: float = 30
    http: httpx.AsyncClient | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came back: the message, the structured output when one was asked for, and who answered."""

    message: AIMessage
    parsed: Any
    model: str


class NoModelAnswered(RuntimeError):
    """Every candidate failed, the offline one included."""


Alarm = Callable[[str, Trouble | None], Awaitable[None]]


@dataclass
class Models:
    """The models of this process. Clients are made once and reused.

    `alarm` is told (provider, trouble) once when a provider refuses the key or the account, and (provider, None) once
    when it answers again. `rest` (seconds) is how long a provider is left alone after that, and at most ten times as long when it
    asks to be.
    """

    offline: BaseChatModel
    default: str = OFFLINE
    fallback: str | None = None
    access: Access = field(default_factory=Access)
    attempts: int = 3
    alarm: Alarm | None = None
    rest: float = 60
    _made: dict[str, BaseChatModel] = field(default_factory=dict)
    _runnables: dict[Any, tuple[Any, tuple[BaseTool, ...]]] = field(default_factory=dict)
    _troubled: dict[str, Trouble] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    async def ask(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        *,
        tools: Sequence[BaseTool] = (),
        schema: type[BaseModel] | None = None,
        timeout: float | None = None,
        purpose: str = "",
        cheaper: str = "",
        fallback: str = "",
    ) -> Asked:
        """The answer of the named model (`auto`: the default), else of the fallback, else of the offline one.

        With a `schema`, `parsed` is an instance of it. `purpose` names the call on the bill. When the day's allowance is
        nearly spent `cheaper` is asked instead, and when it is spent the offline model alone. A refusal, an empty, cut or
        malformed answer counts as no answer. Raises NoModelAnswered.
        """
        for candidate in self._candidates(name, cheaper, fallback or self.fallback):
            answer = await self._ask(candidate, messages, tools, schema, timeout or self.access.timeout, purpose)
            if answer is not None:
                return answer
        raise NoModelAnswered("no model answered")

    def warm(self) -> None:
        """Load the providers' libraries now, not in the first customer's turn: that takes a second."""
        for name in self._candidates("auto", "", self.fallback):
            try:
                self._model(name)
            except Exception as error:  # a missing key shows at the first call too, and the next model answers
                log.error("model_not_ready", model=name, detail=brief(error))

    def put(self, name: str, model: BaseChatModel) -> None:
        """Let a name stand for a model made elsewhere."""
        self._made[name] = model

    def made(self, name: str) -> BaseChatModel:
        """The client of a name, as it is asked. Raises ValueError for a name nobody knows."""
        return self._model(name)

    def resolve(self, name: str) -> str:
        """The model that `name` stands for."""
        return self.default if name in ("", "auto") else name

    def _candidates(self, name: str, cheaper: str, fallback: str | None) -> list[str]:
        allowed = meter.allowance.get()
        wanted = [self.resolve(name), fallback, OFFLINE]
        if allowed == "cheaper" and (cheaper or fallback):
            wanted = [cheaper or fallback, OFFLINE]
        elif allowed == "offline":
            wanted = [OFFLINE]
        return list(dict.fromkeys(candidate for candidate in wanted if candidate))

    async def _ask(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        tools: Sequence[BaseTool],
        schema: type[BaseModel] | None,
        timeout: float,
        purpose: str,
    ) -> Asked | None:
        provider = name.partition(":")[0]
        if max(self._until.get(provider, 0), self._until.get(name, 0)) > time.monotonic():
            return None
        for attempt in range(1, self.attempts + 1):
            try:
                answer = await asyncio.wait_for(self._runnable(name, tools, schema).ainvoke(list(messages)), timeout)
            except Exception as error:  # whatever a provider raises, the next one is asked; it is logged here
                fault = judge(error, provider)
                log.warning("model_failed", model=name, attempt=attempt, fault=fault.kind, detail=brief(error))
                if fault.kind in ("key", "account"):
                    await self._trouble(provider, Trouble(provider, fault.kind, brief(error)))
                wait = fault.wait if fault.wait is not None else 0.25 * 2**attempt * random.uniform(0.5, 1)
                if wait > LONGEST_WAIT:
                    self._until[name] = time.monotonic() + min(wait, 10 * self.rest)
                if fault.kind != "retry" or attempt == self.attempts or wait > LONGEST_WAIT:
                    return None
                await asyncio.sleep(wait)
                continue
            meter.count(purpose, name, answer)
            await self._trouble(provider, None)
            parsed = _parsed(answer, schema)
            if reason := unusable(answer) or ("malformed" if schema and parsed is None else ""):
                log.warning("answer_unusable", model=name, purpose=purpose, reason=reason)
                return None
            return Asked(answer, parsed, name)
        return None

    async def _trouble(self, provider: str, trouble: Trouble | None) -> None:
        before = self._troubled.get(provider)
        if trouble:
            self._troubled[provider] = trouble
            self._until[provider] = time.monotonic() + self.rest
        elif before:
            del self._troubled[provider]
        if self.alarm and (trouble is None) != (before is None):
            await self.alarm(provider, trouble)

    def _runnable(self, name: str, tools: Sequence[BaseTool], schema: type[BaseModel] | None) -> Any:
        """A model with its tools or its schema; kept, since describing them costs more than the rest of the call."""
        kind = (name, schema, tuple(id(tool) for tool in tools))
        if kind not in self._runnables:
            runnable: Any = self._model(name)
            if schema is not None:
                runnable = runnable.bind_tools([schema], tool_choice=schema.__name__)
            elif tools:
                runnable = runnable.bind_tools(list(tools))
            self._runnables[kind] = (runnable, tuple(tools))
        return self._runnables[kind][0]

    def _model(self, name: str) -> BaseChatModel:
        if name == OFFLINE:
            return self.offline
        if name not in self._made:
            self._made[name] = _make(name, self.access)
        return self._made[name]


def _make(name: str, access: Access) -> BaseChatModel:
    """A provider's client. Retries are ours, so that one policy holds for all of them."""
    provider, _, model = name.partition(":")
    if provider == "openai":
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(
            model=model,
            api_key=SecretStr(access.openai_key or "none"),
            base_url=access.openai_url,
            timeout=access.timeout,
            max_retries=0,
            use_responses_api=False,
            http_async_client=access.http,
        )
    if provider == "google_genai":
        from langchain_google_genai import ChatGoogleGenerativeAI

        options: dict[str, Any] = {"base_url": access.gemini_url} if access.gemini_url else {}
        return ChatGoogleGenerativeAI(
            model=model, google_api_key=access.gemini_key, timeout=access.timeout, max_retries=1, **options
        )
    raise ValueError(f"unknown chat model {name!r}: use openai:NAME, google_genai:NAME or offline")


def _parsed(answer: AIMessage, schema: type[BaseModel] | None) -> BaseModel | None:
    """The structured output of an answer. LangChain's own chain for this costs as much as the rest of the call."""
    calls = [call["args"] for call in answer.tool_calls if schema and call["name"] == schema.__name__]
    try:
        return schema.model_validate(calls[0]) if schema and calls else None
    except ValidationError:
        return None
