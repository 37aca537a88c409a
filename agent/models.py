"""Chat models by name, what to do when one fails, and the one place where a tape or a meter can be put in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel, SecretStr, ValidationError

log = structlog.get_logger()

OFFLINE = "offline"


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


@dataclass
class Models:
    """The models of this process. Clients are made once and reused."""

    offline: BaseChatModel
    default: str = OFFLINE
    fallback: str | None = None
    access: Access = field(default_factory=Access)
    attempts: int = 3
    _made: dict[str, BaseChatModel] = field(default_factory=dict)
    _runnables: dict[Any, tuple[Any, tuple[BaseTool, ...]]] = field(default_factory=dict)

    async def ask(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        *,
        tools: Sequence[BaseTool] = (),
        schema: type[BaseModel] | None = None,
        timeout: float | None = None,
    ) -> Asked:
        """The answer of the named model (`auto`: the default), else of the fallback, else of the offline one.

        With a `schema`, `parsed` holds an instance, or None when the model did not keep to it: that is not retried.
        """
        for candidate in self._candidates(name):
            answer = await self._ask(candidate, messages, tools, schema, timeout or self.access.timeout)
            if answer is not None:
                return answer
        raise NoModelAnswered("no model answered")

    def warm(self) -> None:
        """Load the providers' libraries now, not in the first customer's turn: that takes a second."""
        for name in self._candidates("auto"):
            try:
                self._model(name)
            except Exception as error:  # a missing key shows at the first call too, and the next model answers
                log.error("model_not_ready", model=name, detail=_brief(error))

    def resolve(self, name: str) -> str:
        """The model that `name` stands for."""
        return self.default if name in ("", "auto") else name

    def _candidates(self, name: str) -> list[str]:
        wanted = [self.resolve(name), self.fallback, OFFLINE]
        return list(dict.fromkeys(candidate for candidate in wanted if candidate))

    async def _ask(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        tools: Sequence[BaseTool],
        schema: type[BaseModel] | None,
        timeout: float,
    ) -> Asked | None:
        for attempt in range(1, self.attempts + 1):
            try:
                runnable = self._runnable(name, tools, schema)
                answer = await asyncio.wait_for(runnable.ainvoke(list(messages)), timeout)
            except Exception as error:  # whatever a provider raises, the next one is asked; it is logged here
                log.warning(
                    "model_failed", model=name, attempt=attempt, error=type(error).__name__, detail=_brief(error)
                )
                if attempt == self.attempts or not retryable(error):
                    return None
                await asyncio.sleep(_pause(error, attempt))
                continue
            return Asked(answer, _parsed(answer, schema), name)
        return None

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


def retryable(error: BaseException) -> bool:
    """Whether the same call may succeed a moment later. An empty account is a 429 that no waiting mends."""
    text = str(error)
    if "insufficient_quota" in text or "exceeded your current quota" in text:
        return False
    verdict = getattr(error, "is_retryable", None)
    if isinstance(verdict, bool):
        return verdict
    if isinstance(error, TimeoutError):
        return False  # the time of this turn is spent; the fallback answers
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return isinstance(error, ConnectionError) or (isinstance(status, int) and (status == 429 or status >= 500))


def _pause(error: BaseException, attempt: int) -> float:
    """Seconds to wait: what the provider asks for, up to 5, else a growing, jittered moment."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return min(5.0, float(headers.get("retry-after", "")))
    except ValueError:
        return 0.25 * 2**attempt * random.uniform(0.5, 1)


def _brief(error: BaseException) -> str:
    return str(error).replace("\n", " ")[:200]
