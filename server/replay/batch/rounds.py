"""A command whose model calls are carried: it plays until every run waits or is done, gets answers, and plays
on. A set of conversations takes as many rounds as its longest has calls one after another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from agent.models.chat import OFFLINE, Models
from agent.models.offline import offline_model
from server.config.settings import Settings
from server.replay.batch.carriage import Carriage
from server.replay.batch.exchange import BadAnswers, Exchange, answers_of_batch, parse_answers, write_requests
from server.replay.batch.provider import BatchApi, BatchFailed


@dataclass
class CarriedCalls:
    """The calls of one command. `models` are to be asked; `say` tells people a line."""

    carriage: Carriage
    models: Models
    exchange: Exchange
    api: BatchApi | None = None
    say: Callable[[str], None] = print
    rounds: int = field(default=0)

    async def until_done(self, play: Callable[[], Awaitable[object]]) -> bool:
        """Play as often as answers come that were waited for. Whether nothing waits in the end; what does is
        in the file of requests. Raises BatchFailed and BadAnswers."""
        while True:
            self.rounds += 1
            await play()
            if not self.exchange.waiting:
                return True
            if self.api is None:
                return self._put_down()
            text = await self.api.answers(self.exchange.waiting.values())
            self._keep(text)
            answers = parse_answers(text, "the batch")
            if not answers.keys() & self.exchange.waiting.keys():
                raise BatchFailed("the batch answered none of the requests; see its error file")
            self.exchange.take(answers)

    def _put_down(self) -> bool:
        waiting = self.exchange.waiting
        if self.carriage.requests is None:
            self.say(f"{len(waiting)} calls have no answer; add --requests FILE to write them down")
            return False
        write_requests(self.carriage.requests, waiting.values())
        self.say(
            f"{len(waiting)} calls wait for an answer: {self.carriage.requests}; have them answered, and "
            "give the answers with --answers FILE beside those given so far"
        )
        return False

    def _keep(self, text: str) -> None:
        """Add answers that were paid for to their file, so that a run that is broken off goes on."""
        if self.carriage.answers:
            with self.carriage.answers[-1].open("a", encoding="utf-8") as file:
                file.write(text)


@asynccontextmanager
async def carried(
    carriage: Carriage, settings: Settings, say: Callable[[str], None] = print
) -> AsyncGenerator[CarriedCalls]:
    """The calls of a command, carried as it is told. The model is that of the settings; where no key is set
    and none is named, OPENAI_MODEL. Raises BadAnswers for a file that cannot be used."""
    name = settings.model_name if settings.model_name != OFFLINE else f"openai:{settings.openai_model}"
    exchange = Exchange()
    for path in carriage.answers:
        if path.exists() or not carriage.batch:
            exchange.answers |= answers_of_batch(path)
    models = exchange.models(offline_model(), name)
    async with httpx.AsyncClient(timeout=settings.model_timeout) as http:
        api = None
        if carriage.batch:
            if not settings.openai_key:
                raise BadAnswers("--batch: OPENAI_API_KEY is not set, and a batch API asks for one")
            api = BatchApi(http, settings.openai_base_url, settings.openai_key, say)
        yield CarriedCalls(carriage, models, exchange, api, say)
