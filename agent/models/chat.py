"""Chat models by name, what to do when one fails, and the one place where a tape or a meter can be put in
between."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from agent.model_options import CallSettings, ModelOptions
from agent.models.cleaning import cleaned
from agent.models.failures import LASTING, Trouble, brief, judge_failure, unusable
from agent.models.lately import Lately
from agent.models.providers import ProviderAccess, make
from agent.models.trial import Request, Trial
from agent.models.usage import Allowance, Meter
from agent.models.verifiers import VERIFY, Verifiers
from agent.models.ways import Ways, read_form, shaped, without_foreign_parts

log = structlog.get_logger()

OFFLINE = "offline"
# A provider that wants to be left alone longer than this is not waited for.
LONGEST_WAIT = 5.0
# What models take is looked up again after so many seconds: others have learned, and what is old is
# forgotten.
LOOKED_UP = 900
# So often a model writes text in the place of a call before it is asked for JSON at once.
WROTE = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What came back: the message, the structured output when one was asked for, and who answered."""

    message: AIMessage
    parsed: Any
    model: str


class NoModelAnswered(RuntimeError):
    """Every candidate failed, the offline one included."""


Alarm = Callable[[str, Trouble | None], Awaitable[None]]
# Told what a model takes, each time that is learned; knows what was learned before, in another process or
# before a restart.
# Providers whose libraries take no system message behind the first one.
ONE_SYSTEM = {"anthropic", "bedrock", "bedrock_converse", "google_genai", "google_vertexai"}

Note = Callable[[str, Ways], Awaitable[None]]
Recall = Callable[[], Awaitable[dict[str, Ways]]]
# The client of a model: (name, access, options, whether over OpenAI's Responses).
Maker = Callable[[str, ProviderAccess, ModelOptions, bool], BaseChatModel]


@dataclass
class Models:
    """The models of this process. Clients are made once and reused.

    `alarm` is told (provider, trouble) once when a provider refuses the key or the account, and (provider,
    None) once when it answers again. `rest` (seconds) is how long a provider is left alone after that, and at
    most ten times as long when it asks to be. `note` and `recall` keep what was learned of what each model
    takes."""

    offline: BaseChatModel
    default: str = OFFLINE
    fallback: str | None = None
    access: ProviderAccess = field(default_factory=ProviderAccess)
    attempts: int = 3
    alarm: Alarm | None = None
    rest: float = 60
    note: Note | None = None
    recall: Recall | None = None
    # How clients are made: by the provider's library, or so that their calls are carried otherwise.
    maker: Maker = make
    # Of each model the last error, in one line.
    last_faults: dict[str, str] = field(default_factory=dict[str, str])
    verifiers: Verifiers = field(default_factory=Verifiers)
    _put: dict[str, BaseChatModel] = field(default_factory=dict[str, BaseChatModel])
    _made: dict[Any, BaseChatModel] = field(default_factory=dict[Any, BaseChatModel])
    _runnables: dict[Any, tuple[Any, tuple[BaseTool, ...]]] = field(
        default_factory=dict[Any, tuple[Any, tuple[BaseTool, ...]]]
    )
    _troubled: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    _until: dict[str, float] = field(default_factory=dict[str, float])
    _ways: dict[str, Ways] = field(default_factory=dict[str, Ways])
    _recall_at: float = 0
    _wrote: dict[str, int] = field(default_factory=dict[str, int])
    _lately: Lately = field(default_factory=Lately)

    async def ask(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        meter: Meter,
        *,
        tools: Sequence[BaseTool] = (),
        schema: type[BaseModel] | None = None,
        call: CallSettings = CallSettings(),
    ) -> Asked:
        """The answer of the named model (`auto`: the default), else of the fallback, else of the offline one.

        With a `schema`, `parsed` is an instance of it. The options of the call are those of the named model,
        and of no other that answers in its place, but for their time limit. `meter` is that of the turn:
        when the day's allowance is nearly spent the cheaper model is asked instead, when it is spent the
        offline model alone, and every call goes on its bill. A refusal or a cut answer counts as no answer,
        and so does an empty or malformed one when it comes a second time. What a server does not take (tools,
        a forced call, a system message, pictures, an option) is left out, and remembered for the model.
        Raises NoModelAnswered, also when `within` is over."""
        if call.within is None:
            return await self._first(name, messages, tools, schema, call, meter)
        try:
            async with asyncio.timeout(call.within):
                return await self._first(name, messages, tools, schema, call, meter)
        except TimeoutError:
            if call.purpose == VERIFY:
                self.verifiers.late(self.resolve(name))
            log.warning("model_late", model=self.resolve(name), purpose=call.purpose, seconds=call.within)
            raise NoModelAnswered(f"no model answered within {call.within:.0f} s") from None

    async def _first(
        self,
        name: str,
        messages: Sequence[AnyMessage],
        tools: Sequence[BaseTool],
        schema: type[BaseModel] | None,
        call: CallSettings,
        meter: Meter,
    ) -> Asked:
        """The first answer that can be used. Raises NoModelAnswered."""
        await self._recall()
        for candidate in self._candidates(name, call, meter.allowance):
            own = candidate == self.resolve(name)
            options = call.options if own else ModelOptions(timeout=call.options.timeout)
            request = Request(messages, tools, schema, options, call.purpose, call.timeout, meter)
            answer = await self.answer(candidate, request)
            if answer is not None:
                final = call.purpose == "sell" and not answer.message.tool_calls  # a call is no answer yet
                if final and meter.allowance != "offline":
                    await self._fell_back(name, answer.model)
                return answer
        raise NoModelAnswered("no model answered")

    async def _recall(self) -> None:
        if self.recall and self._recall_at <= time.monotonic():
            self._recall_at = time.monotonic() + LOOKED_UP
            self._ways = await self.recall()

    async def judged(self, name: str, readable: bool) -> None:
        """Whether what a model gave as a verifier was a judgement at all. One that gives none time and again
        is not asked for any from then on, and its owner sees that among what it does not take."""
        if readable:
            self.verifiers.answered(name)
        elif self.verifiers.unreadable(name) and self.ways_of(name).verifies:
            await self._learn(name, replace(self.ways_of(name), verifies=False))
            log.warning("model_takes_less", model=name, lacking=self.ways_of(name).lacking)

    def ways_of(self, name: str) -> Ways:
        """What a model takes, as far as that is known."""
        return self._ways.get(name) or Ways(later_system=name.partition(":")[0] not in ONE_SYSTEM)

    def warm(self) -> None:
        """Load the providers' libraries now, not in the first customer's turn: that takes a second."""
        for name in self._candidates("auto", CallSettings()):
            try:
                self.made(name)
            except (
                Exception
            ) as error:  # a missing key shows at the first call too, and the next model answers
                log.error("model_not_ready", model=name, detail=brief(error))

    def put(self, name: str, model: BaseChatModel) -> None:
        """Let a name stand for a model made elsewhere."""
        self._put[name] = model

    def made(
        self, name: str, options: ModelOptions = ModelOptions(), *, responses: bool = False
    ) -> BaseChatModel:
        """The client of a name, as it is asked; made once for the same options. Raises NotSetUp for one that
        cannot be asked."""
        if name in self._put or name == OFFLINE:
            return self._put.get(name, self.offline)
        kind = (name, options, responses)
        if kind not in self._made:
            self._made[kind] = self.maker(name, self.access, options, responses)
        return self._made[kind]

    def resolve(self, name: str) -> str:
        """The model that `name` stands for."""
        return self.default if name in ("", "auto") else name

    def _candidates(self, name: str, call: CallSettings, allowed: Allowance = "full") -> list[str]:
        fallback = call.fallback or self.fallback
        wanted = [self.resolve(name), fallback, OFFLINE]
        if allowed == "cheaper" and (call.cheaper or fallback):
            wanted = [call.cheaper or fallback, OFFLINE]
        elif allowed == "offline" or call.stood_in:
            wanted = [OFFLINE]
        return list(dict.fromkeys(candidate for candidate in wanted if candidate))

    async def answer(self, name: str, request: Request) -> Asked | None:
        """The answer of this one model; None where it has none that can be used."""
        trial = Trial(name, request, self.ways_of(name))
        sort = _sort(name, request.schema is not None)
        if any(self._until.get(whose, 0) > time.monotonic() for whose in (trial.provider, name, sort)):
            return None
        if request.purpose == VERIFY and (not trial.ways.verifies or self.verifiers.rests(name)):
            return None
        timeout = request.timeout or request.options.timeout or self.access.timeout
        while True:
            trial.began = time.monotonic()
            try:
                runnable, given = self._put_to(trial)  # a library that is loaded now takes none of the time
                message = await asyncio.wait_for(_answered(runnable, given), timeout)
            except Exception as error:  # whatever a provider raises, the next one is asked; it is logged here
                pause = await self._failed(trial, error)
                if pause is None:
                    return None
                await asyncio.sleep(pause)
                continue
            if not isinstance(message.content, str):
                message.response_metadata["asked"] = name
            message = await self._received(trial, message)
            parsed = read_form(message, request.schema) if request.schema else None
            reason = unusable(message) or ("malformed" if request.schema and parsed is None else "")
            if not reason:
                if trial.wrote:
                    await self._writes(name, trial.ways)
                return Asked(message, parsed, name)
            self.last_faults[name] = reason
            log.warning("answer_unusable", model=name, purpose=request.purpose, reason=reason)
            if name == OFFLINE or not trial.complains(reason, message):
                if request.purpose == VERIFY and name != OFFLINE:
                    await self.judged(name, readable=False)
                return None

    def _put_to(self, trial: Trial) -> tuple[Any, list[AnyMessage]]:
        """A model and what it is given. Raises NotSetUp."""
        name, request, ways = trial.name, trial.request, trial.ways
        own = [without_foreign_parts(message, name) for message in request.messages]
        given = own if name == OFFLINE else shaped(own, ways, request.schema, trial.complaint)
        return self._runnable(name, request, ways), given

    async def _failed(self, trial: Trial, error: Exception) -> float | None:
        """In how many seconds the model is asked again, in another way perhaps; None: not again."""
        name, provider, fault = trial.name, trial.provider, judge_failure(error)
        self.last_faults[name] = brief(error)
        if isinstance(error, TimeoutError) and name != OFFLINE:
            self._was_late(trial)
        log.warning("model_failed", model=name, attempt=trial.attempt, fault=fault.kind, detail=brief(error))
        if fault.kind == "again" and trial.complains_of(error):
            return 0
        if name != OFFLINE and trial.finds_another_way(fault, error):
            return 0
        if fault.kind in LASTING:
            trouble = Trouble(provider, fault.kind, brief(error), name)
            await self._trouble(_whose(fault.kind, provider, name), trouble)
        if fault.kind != "retry":
            return None
        wait = fault.wait if fault.wait is not None else 0.25 * 2**trial.attempt * random.uniform(0.5, 1)
        if wait > LONGEST_WAIT:
            self._until[name] = time.monotonic() + min(wait, 10 * self.rest)
            return None
        if trial.attempt >= self.attempts:
            return 0 if trial.leaves_out_tools(error) else None
        trial.attempt += 1
        return wait

    async def _received(self, trial: Trial, message: AIMessage) -> AIMessage:
        """What a model sent, on the bill, and without what it was not asked for."""
        name, request = trial.name, trial.request
        request.meter.count(request.purpose, name, message)
        if name == OFFLINE:
            return message
        if message.tool_calls and not request.offered:
            message = message.model_copy(update={"tool_calls": []})
        await self._works(trial)
        used = {call["id"] for m in request.messages if isinstance(m, AIMessage) for call in m.tool_calls}
        return cleaned(message, request.offered, form=request.schema is not None, used=used)

    def _was_late(self, trial: Trial) -> None:
        """A model that is late time and again is left alone for a while: nobody else need wait for it."""
        for form in self._lately.late(trial.name, trial.request.schema is not None, trial.began):
            self._until[_sort(trial.name, form)] = time.monotonic() + self.rest

    async def _works(self, trial: Trial) -> None:
        """A model has answered: what was wrong with it is over, and how it takes questions is known from now
        on."""
        name, provider, ways = trial.name, trial.provider, trial.ways
        self._lately.in_time(name, trial.request.schema is not None)
        for whose in (provider, name):
            await self._trouble(whose, None)
        if trial.refused and ways != self.ways_of(name):
            await self._learn(name, ways)
            log.warning("model_takes_less", model=name, lacking=ways.lacking)
            if not ways.tools and self.alarm:
                await self.alarm(f"ways:{name}", Trouble(provider, "ways", ", ".join(ways.lacking), name))

    async def _learn(self, name: str, ways: Ways) -> None:
        self._ways[name] = ways
        if self.note:
            await self.note(name, ways)

    async def _writes(self, name: str, ways: Ways) -> None:
        """A model wrote text where it had to call a form, and filled it as JSON: the second time it is asked
        so from then on."""
        self._wrote[name] = self._wrote.get(name, 0) + 1
        if self._wrote[name] >= WROTE and self.ways_of(name).forms:
            await self._learn(name, replace(self.ways_of(name), forms=False, grammar=ways.grammar))

    async def _fell_back(self, wanted: str, answered: str) -> None:
        """Count turns that the offline model had to answer, whatever the cause: some in a row are an
        alert."""
        name = self.resolve(wanted)
        if OFFLINE in (wanted, name):
            return
        if answered != OFFLINE:
            if self._lately.answered(name) and self.alarm:
                await self.alarm(f"{OFFLINE}:{name}", None)
        elif (turns := self._lately.stood_in(name)) and self.alarm:
            trouble = Trouble("", "offline", f"{turns} answers in a row", name)
            await self.alarm(f"{OFFLINE}:{name}", trouble)

    async def _trouble(self, whose: str, trouble: Trouble | None) -> None:
        """`whose`: of a provider, or of one model of it."""
        before = self._troubled.get(whose)
        if trouble:
            self._troubled[whose] = trouble
            self._until[whose] = time.monotonic() + self.rest
        elif before:
            del self._troubled[whose]
        if self.alarm and (trouble is None) != (before is None):
            await self.alarm(whose, trouble)

    def _runnable(self, name: str, request: Request, ways: Ways) -> Any:
        """A model with its tools or its schema; kept, since describing them costs more than the rest of the
        call."""
        tools, schema, options = request.tools, request.schema, ways.left_of(request.options)
        kind = (name, schema, options, ways, tuple(id(tool) for tool in tools))
        if kind not in self._runnables:
            runnable: Any = self.made(name, options, responses=not ways.chat)
            if schema is not None and ways.calls_forms:
                forced = {"tool_choice": schema.__name__} if ways.forced else {}
                runnable = runnable.bind_tools([schema], **forced)
            elif schema is not None and _has_grammar(name, ways):
                shape = {"name": schema.__name__, "schema": schema.model_json_schema()}
                runnable = runnable.bind(response_format={"type": "json_schema", "json_schema": shape})
            elif tools and ways.tools:
                # As OpenAI writes them, which every provider's library reads: Gemini's, left to itself, shows
                # a model what tools are given by us (`tools.runtime`), as if it were to fill it in.
                runnable = runnable.bind_tools([convert_to_openai_tool(tool) for tool in tools])
            if not ways.whole and name.startswith("openai:"):
                # Beside what the client itself asks for, so that it takes the stream for an answer.
                runnable = runnable.bind(extra_body={"stream": True})
            self._runnables[kind] = (runnable, tuple(tools))
        return self._runnables[kind][0]


async def _answered(runnable: Any, given: Sequence[AnyMessage]) -> AIMessage:
    answer = await runnable.ainvoke(given)
    return answer if isinstance(answer, AIMessage) else AIMessage(answer.content)


def _has_grammar(name: str, ways: Ways) -> bool:
    """Whether JSON can be held to a schema: on OpenAI's chat completions, which servers of small models
    imitate in this too."""
    return name.startswith("openai:") and ways.chat and ways.grammar


def _sort(name: str, form: bool) -> str:
    """Under what a model is left alone for one sort of calls."""
    return f"{name} {'forms' if form else 'words'}"


def _whose(kind: str, provider: str, name: str) -> str:
    """Whose trouble it is: a refused key is the provider's, a model that is gone only its own."""
    return provider if kind in ("key", "account") else name
