"""What owners correct of their products, in Redis: one hash a bot, so that two who correct different things
at once both keep theirs, on any host."""

from __future__ import annotations

import json
from collections.abc import Mapping

from knowledge_base.goods.corrections import Answer, Corrections, Edit
from knowledge_base.goods.wording import folded
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import unreadable

# Corrections of one bot: more are a price list of their own.
MOST = 20_000


class RedisCorrections:
    """The hash `knowledge:corrections` of a bot. A field is `columns:DOCUMENT`, `edit:PRODUCT:KIND`,
    `answer:PRODUCT` or `alias:WORD`, its value JSON. Every change raises the bot's knowledge version, at
    which all processes take it in."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def of(self, bot_id: str) -> Corrections:
        """All corrections of a bot. One that cannot be read is left out, and an owner is told."""
        columns: dict[str, dict[str, str]] = {}
        edits: dict[str, dict[str, Edit]] = {}
        answers: dict[str, Answer] = {}
        aliases: dict[str, str] = {}
        for field, value in (await self._redis.hgetall(self._name(bot_id))).items():
            kind, _, rest = field.decode("utf-8", "replace").partition(":")
            try:
                if kind == "columns":
                    columns[rest] = {str(h): str(k) for h, k in json.loads(value).items()}
                elif kind == "edit":
                    product, _, of = rest.partition(":")
                    edits.setdefault(product, {})[of] = Edit.model_validate_json(value)
                elif kind == "answer":
                    answers[rest] = Answer.model_validate_json(value)
                elif kind == "alias":
                    aliases[rest] = str(json.loads(value))
            except (ValueError, AttributeError) as error:
                unreadable("a correction of the products", type(error).__name__, field=kind)
        return Corrections(columns=columns, edits=edits, answers=answers, aliases=aliases)

    async def set_columns(self, bot_id: str, document: str, columns: Mapping[str, str]) -> None:
        """What an owner says that the headers of a document stand for; nothing takes it back."""
        await self._put(bot_id, f"columns:{document}", json.dumps(dict(columns)) if columns else None)

    async def set_edit(self, bot_id: str, product: str, kind: str, edit: Edit | None) -> None:
        """A value of a product by hand; None takes it back."""
        await self._put(bot_id, f"edit:{product}:{kind}", edit.model_dump_json() if edit else None)

    async def set_answer(self, bot_id: str, product: str, answer: Answer | None) -> None:
        """The price that holds of several; None asks again."""
        await self._put(bot_id, f"answer:{product}", answer.model_dump_json() if answer else None)

    async def set_alias(self, bot_id: str, word: str, meant: str) -> None:
        """What customers call something; an empty meaning takes it back."""
        await self._put(bot_id, f"alias:{folded(word).strip()}", json.dumps(meant) if meant else None)

    async def _put(self, bot_id: str, field: str, value: str | None) -> None:
        """Raises ValueError when there are too many."""
        name = self._name(bot_id)
        if value is not None and await self._redis.hlen(name) >= MOST:
            raise ValueError(f"more than {MOST} corrections; put them into the price list")
        async with self._redis.pipeline(transaction=True) as pipe:
            if value is None:
                pipe.hdel(name, field)
            else:
                pipe.hset(name, field, value)
            pipe.incr(key(bot_id, "knowledge", "version"))
            await pipe.execute()

    def _name(self, bot_id: str) -> str:
        return key(bot_id, "knowledge", "corrections")
