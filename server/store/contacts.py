"""Who writes to a bot and what was said: contacts, profiles and the append-only transcript.

A contact and its conversation share one id, a UUID made from a secret, the bot and the contact's first known
identity.

    alias:I       STRING  identity -> conversation id, so that number and user id of one person meet; who
                          writes to a simulated number has identities of another kind, which no real contact
                          can have
    contact:C     HASH    wa_id, user_id, account, name, owner (the assignee), owner_at, task, task_at,
                          created, heard_at; `p:field` profile, `s:field` its source; `r:field` the last ad
                          they came from, `r1:field` the first; calls, input, output, nano, wa_...: what it
                          cost; unread: messages nobody has looked at; asked_at: ms since when the contact
                          waits for an answer
    ads           HASH    id or address of an ad -> JSON of what it says
    transcript:C  LIST    JSON entries, oldest first
    sent:I        STRING  provider's message id -> `conversation reply`, 8 days, where statuses do not tell
    status:C      HASH    reply id -> accepted, sent, delivered, read or failed REASON; `heard:ID` words of a
                  voice message; `bill:ID` what WhatsApp charges (`server.observability.charges.ledger`)
    active        ZSET    conversation -> ms of the last entry
    silent        SET     digests of identities of people who were erased and want no messages
    merges        HASH    conversation -> JSON of the one it is to be merged into; `merged` the id of the one
                  it was merged into
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import ResponseError

from agent.phone_numbers import spellings
from channels.base import AMENDING, REFERRAL, Message
from channels.emulators.numbers import is_simulated
from server.clock import now_ms
from server.store.client import Redis
from server.store.counters import COUNTING, day_of, worth_of
from server.store.keys import digest, key
from server.store.readable import fields_of, readable, unreadable
from server.store.records import Assignee, Contact, Entry, Piece
from server.store.scripts import Scripts

OPERATOR = "operator"
# How many contacts a process remembers having looked up.
RECENT = 20_000
# For how long a provider's id leads to a reply, and how old a reply may be whose echo is told by its text.
SENT_SECONDS, ECHO, RECENT_REPLIES = 8 * 86_400, 600_000, 20

# Fields of a contact whose stored name is older than ours: workers of both versions may run side by side.
STORED_AS = {"assignee": "owner", "assigned_at": "owner_at"}
PREFIXES = {"profile": "p:", "sources": "s:", "referral": "r:", "first_referral": "r1:"}


def _under(row: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in row.items() if name.startswith(prefix) and value}


def _entries(rows: Sequence[bytes]) -> list[Entry]:
    return readable(rows, Entry.model_validate_json, "a line of a transcript")


def _identities(who: Message | Contact) -> list[str]:
    """What somebody is known by: the number in every spelling, and the user id. Whoever writes to a number of
    the simulator is never the real person of those digits."""
    kind = "simulated " if is_simulated(who.account) else ""
    numbers = [f"{kind}wa {way}" for way in spellings(who.wa_id)] if who.wa_id else []
    return [*numbers, *([f"{kind}user {who.user_id}"] if who.user_id else [])]


class Conversations:
    """The record of one bot's contacts and conversations, whose figures are counted by the days of
    `timezone`."""

    def __init__(self, redis: Redis, bot_id: str, timezone: str = "UTC") -> None:
        self.bot_id, self._timezone = bot_id, timezone
        self._redis = redis
        self._secret = ""
        self._recent: dict[tuple[str, ...], str] = {}
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)

    async def identify(self, message: Message, *, afresh: bool = False) -> str:
        """The conversation of a message, made on first contact; remembers number, user id, name and account.

        People seen lately are not looked up again unless `afresh`, as after a contact was erased.
        """
        known = {
            "wa_id": message.wa_id,
            "user_id": message.user_id,
            "account": message.account,
            "name": message.name,
        }
        seen = tuple(known.values())
        if not (afresh or message.referral) and (cached := self._recent.get(seen)):
            return cached
        secret = await self._salt()
        identities = _identities(message)
        fresh = uuid.uuid5(uuid.NAMESPACE_URL, f"salesgraph:{secret}:{self.bot_id}:{identities[0]}")
        keys = [key(self.bot_id, "alias", digest(f"{secret} {identity}")) for identity in identities]
        ad = {f"r:{name}": message.referral.get(name, "") for name in REFERRAL} if message.referral else {}
        ad |= {"r:at": str(message.timestamp * 1000 or now_ms())} if ad else {}
        flat = [text for name, value in (known | ad).items() if value or name in ad for text in (name, value)]
        prefix = key(self.bot_id, "contact", "")
        card = "1" if message.kind == "system" else "0"
        made = {"fresh": str(fresh), "prefix": prefix, "card": card, "day": day_of(self._timezone)}
        found, _ = await self._scripts.run("identify", keys, made, *flat)
        if len(self._recent) >= RECENT:
            self._recent.clear()
        self._recent[seen] = found.decode()
        return self._recent[seen]

    async def move(self, conversation_id: str, account: str, wa_id: str, user_id: str) -> str:
        """The contact has a new number, user id, or both: they lead to the same conversation from now on, and
        so do the old ones. Answers the conversation that one of them led to already, where that is another:
        it is to be merged into this one (`server.pipeline.merging`), and until then nothing has changed."""
        card = Message(id="move", account=account, kind="system", wa_id=wa_id, user_id=user_id)
        salt = await self._salt()
        keys = [key(self.bot_id, "alias", digest(f"{salt} {identity}")) for identity in _identities(card)]
        contact = key(self.bot_id, "contact", conversation_id)
        given = {"conversation": conversation_id, "wa_id": wa_id, "user_id": user_id}
        other: Any = await self._scripts.run("move", [contact, *keys], given)
        self.look_again()
        return other.decode()

    def look_again(self) -> None:
        """Whose conversation a message belongs to is asked anew: contacts have moved or were merged."""
        self._recent.clear()

    async def merged_into(self, conversation_id: str) -> str:
        """The conversation that one was merged into; itself where it was not."""
        for _ in range(10):  # a merged one may be merged in its turn
            found = await self._redis.hget(key(self.bot_id, "merged"), conversation_id)
            if not found:
                break
            conversation_id = found.decode()
        return conversation_id

    async def keep_silent(self, contact: Contact) -> None:
        """Remember of somebody who is erased that they want no messages."""
        digests = [digest(f"{await self._salt()} {identity}") for identity in _identities(contact)]
        await self._redis.sadd(key(self.bot_id, "silent"), *digests)

    async def aliases(self, contact: Contact) -> list[str]:
        """The keys that lead from a contact's identities to their conversation."""
        secret = await self._salt()
        known = _identities(contact)
        return [key(self.bot_id, "alias", digest(f"{secret} {identity}")) for identity in known]

    async def _salt(self) -> str:
        """Kept with the data it salts, so that all hosts agree: without it no id can be traced back to a
        phone number by trying them all."""
        if not self._secret:
            name = key(self.bot_id, "secret")
            await self._redis.set(name, secrets.token_urlsafe(32), nx=True)
            kept = await self._redis.get(name)
            if kept is None:
                raise LookupError(f"{name}: it was written and is not there; look for what deletes keys")
            self._secret = kept.decode()
        return self._secret

    async def contact(self, conversation_id: str) -> Contact | None:
        """The contact of a conversation, None when there is none of that id."""
        raw = await self._redis.hgetall(key(self.bot_id, "contact", conversation_id))
        return self._contact(conversation_id, raw)

    def _contact(self, conversation_id: str, raw: Mapping[bytes, bytes]) -> Contact | None:
        if not raw:
            return None
        row = {name.decode(): value.decode() for name, value in raw.items()}
        parts = {part: _under(row, prefix) for part, prefix in PREFIXES.items()}
        row |= {ours: row[stored] for ours, stored in STORED_AS.items() if stored in row}
        known = {k: v for k, v in row.items() if k in Contact.model_fields}
        parts["first_referral"] = parts["first_referral"] or parts["referral"]
        return Contact.model_validate({**known, **parts, "id": conversation_id, "bot_id": self.bot_id})

    async def latest(self, conversation_ids: Sequence[str]) -> list[tuple[Contact, Entry | None]]:
        """Contacts with the last line of their transcripts; those who are not known are left out."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in conversation_ids:
                pipe.hgetall(key(self.bot_id, "contact", name))
                pipe.lindex(key(self.bot_id, "transcript", name), -1)
            rows = await pipe.execute(raise_on_error=False)
            found = [
                pair
                for name, raw, line in zip(conversation_ids, rows[::2], rows[1::2], strict=True)
                if (pair := self._listed(name, raw, line))
            ]
            for contact, last in found:
                names = last.outcome_names if last else ("", "", "")
                pipe.hmget(key(self.bot_id, "status", contact.id), names)
            states = await pipe.execute()
        return [
            (contact, last and last.with_outcome(*told))
            for (contact, last), told in zip(found, states, strict=True)
        ]

    def _listed(self, conversation_id: str, raw: Any, line: Any) -> tuple[Contact, Entry | None] | None:
        """A contact with a line of their transcript; None, and a line in the log, for what is not as we wrote
        it, so that one damaged record does not hide all others. An unreachable server raises."""
        for answer in (raw, line):
            if isinstance(answer, Exception) and not isinstance(answer, ResponseError):
                raise answer
        try:
            contact = None if isinstance(raw, ResponseError) else self._contact(conversation_id, raw)
            entry = Entry.model_validate_json(line) if line and not isinstance(line, ResponseError) else None
        except ValueError as error:  # of JSON, of UTF-8 or of the shape of a record
            unreadable("a contact", type(error).__name__, bot=self.bot_id, conversation=conversation_id)
            return None
        return (contact, entry) if contact else None

    async def learn(self, conversation_id: str, facts: Mapping[str, str | None], source: str) -> None:
        """Store profile fields at once; None or an empty text forgets one. `source` is a message id or
        OPERATOR."""
        if facts:
            flat = [text for name, value in facts.items() for text in (name, value or "")]
            await self._run("learn", conversation_id, *flat, source=source)

    async def set(self, conversation_id: str, **fields: str) -> None:
        """Set plain fields of a contact; of a task the time is noted."""
        await self._run("set", conversation_id, *(text for pair in fields.items() for text in pair))

    async def assign(self, id: str, assignee: Assignee, promised: bool = False, **fields: str) -> None:
        """Say who has a conversation from now on, with plain fields; `promised`: may raise NotConfirmed."""
        flat = (text for pair in {"owner": assignee, **fields}.items() for text in pair)
        await self._run("set", id, *flat, promised="1" * promised)

    async def buy(self, conversation_id: str, purchase: str, value: str, currency: str) -> bool:
        """Note a purchase, once for its id; False for one that was noted before."""
        given = {"id": purchase, "value": value, "currency": currency, "worth": worth_of(value)}
        return bool(await self._run("buy", conversation_id, **given))

    async def see(self, conversation_id: str) -> None:
        """Nothing of it is unread any more."""
        await self._run("see", conversation_id)

    async def _run(self, name: str, conversation_id: str, *rest: str, **arguments: str) -> Any:
        keys, promised = [key(self.bot_id, "contact", conversation_id)], arguments.pop("promised", "")
        given = {"conversation": conversation_id, "day": day_of(self._timezone), **arguments}
        return await self._scripts.run(name, keys, given, *rest, confirmed=bool(promised))

    async def transcript(self, conversation_id: str, limit: int = 200, before: str = "") -> list[Entry]:
        """The last `limit` entries, or those before the one of the id `before`, oldest first, with the status
        of each reply."""
        first, last = -limit, -1
        if before:
            rows = await self._redis.lrange(key(self.bot_id, "transcript", conversation_id), 0, -1)
            place = next((n for n, row in enumerate(rows) if any(e.id == before for e in _entries([row]))), 0)
            if not place:
                return []
            first, last = max(0, place - limit), place - 1
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.lrange(key(self.bot_id, "transcript", conversation_id), first, last)
            pipe.hgetall(key(self.bot_id, "status", conversation_id))
            rows, statuses = await pipe.execute()
        entries = _entries(rows)
        return [e.with_outcome(*(statuses.get(name.encode()) for name in e.outcome_names)) for e in entries]

    async def heard(self, conversation_id: str, message_id: str) -> str | None:
        """What was heard in a voice message; None when nobody has listened yet."""
        found = await self._redis.hget(key(self.bot_id, "status", conversation_id), f"heard:{message_id}")
        return found.decode() if found is not None else None

    async def hear(self, conversation_id: str, message_id: str, text: str) -> None:
        """Put on record what was heard in a voice message."""
        given = {"conversation": conversation_id, "message": message_id, "text": text}
        await self._scripts.run("hear", [key(self.bot_id, "status", conversation_id)], given)

    async def reactions(self, conversation_id: str, limit: int) -> list[str]:
        """The emoji a contact left since anybody last wrote to them, among the last `limit` entries."""
        rows = await self._redis.lrange(key(self.bot_id, "transcript", conversation_id), -limit, -1)
        found: list[str] | None = None  # there is nothing to react to yet
        if any(b'"reaction"' in row for row in rows):
            for entry in _entries(rows):
                if entry.author != "contact":
                    found = []
                elif found is not None and entry.kind == "reaction" and entry.text:
                    found.append(entry.text[:8])
        return found or []

    async def quoted(self, contact: Contact, provider_id: str) -> Entry | None:
        """What a contact replies to, among the last 200: as corrected, and nothing if it was taken back."""
        ours = await self.reply_of(provider_id, contact.account, contact.wa_id or contact.user_id)
        lines = await self.transcript(contact.id, 200)
        last = next((e for e in lines[::-1] if e.kind in AMENDING and e.quoted_id == provider_id), None)
        if last and not ours:
            return None if last.kind == "revoke" else last
        return next((e for e in lines[::-1] if e.id == (ours[1] if ours else provider_id)), None)

    async def entry(self, conversation_id: str, entry_id: str, limit: int = 200) -> Entry | None:
        """One entry among the last `limit`."""
        lines = await self.transcript(conversation_id, limit)
        return next((e for e in lines[::-1] if e.id == entry_id), None)

    async def sent_ids(self, conversation_id: str) -> dict[str, str]:
        """Provider's id -> reply id of the last 50 that were sent."""
        rows = await self._redis.lrange(key(self.bot_id, "ids", conversation_id), 0, -1)
        return dict(row.decode().rsplit(" ", 1) for row in rows)

    async def length(self, conversation_id: str) -> int:
        """How many entries the transcript has."""
        return await self._redis.llen(key(self.bot_id, "transcript", conversation_id))

    async def page(self, limit: int, before: tuple[int, str] | None = None) -> list[tuple[int, str]]:
        """(ms of last activity, conversation id) of at most `limit` rows, newest first, all of them after
        `before`."""
        upper, found, offset = "+inf" if before is None else str(before[0]), list[tuple[int, str]](), 0
        while len(found) < limit:
            rows = await self._redis.zrevrangebyscore(
                key(self.bot_id, "active"), upper, "-inf", offset, limit, withscores=True
            )
            found += [
                row
                for row in ((int(at), name.decode()) for name, at in rows)
                if before is None or row < before
            ]
            offset += limit
            if len(rows) < limit:
                break
        return found[:limit]

    async def count(self) -> int:
        """How many conversations the bot has."""
        return await self._redis.zcard(key(self.bot_id, "active"))

    async def reply_of(self, provider_id: str, account: str, identity: str) -> tuple[str, str] | None:
        """(conversation id, reply id) of a provider's message id: of one noted as sent, or among the last 50
        that `account` sent to a number or user id."""
        noted = await self._redis.get(key(self.bot_id, "sent", digest(provider_id)))
        if noted:
            conversation_id, _, reply_id = noted.decode().partition(" ")
            return await self.merged_into(conversation_id), reply_id
        if found := await self.known(account, identity):
            ids = await self.sent_ids(found)
            return (found, ids[provider_id]) if provider_id in ids else None
        return None

    async def known(self, account: str, identity: str) -> str:
        """The conversation of whoever writes to `account` under a number or user id; empty for nobody's."""
        secret = await self._salt()
        either = Message(id="", account=account, kind="system", wa_id=identity, user_id=identity)
        for name in _identities(either):
            found = await self._redis.get(key(self.bot_id, "alias", digest(f"{secret} {name}")))
            if found:
                return found.decode()
        return ""

    async def number_of(self, account: str, user_id: str) -> str:
        """The phone number of whoever writes to `account` under this user id; empty when it is not known."""
        contact = await self.contact(found) if (found := await self.known(account, user_id)) else None
        return contact.wa_id if contact else ""

    async def note_sent(self, conversation_id: str, reply_id: str, provider_id: str) -> None:
        """Remember which reply a provider's id stands for, where its statuses do not say."""
        name = key(self.bot_id, "sent", digest(provider_id))
        await self._redis.set(name, f"{conversation_id} {reply_id}", ex=SENT_SECONDS)

    async def sent_as(self, conversation_id: str, text: str) -> str:
        """The id of the reply of this text that is on its way, or was sent just now; empty when there is
        none. Where our own messages come back, one can be here before the answer to its request."""
        wanted, since = " ".join(text.split()), now_ms() - ECHO
        for entry in reversed(await self.transcript(conversation_id, RECENT_REPLIES)):
            if entry.author != "contact" and entry.at >= since and " ".join(entry.text.split()) == wanted:
                return entry.id if entry.status else ""
        return ""

    async def quarantine(self, reason: str, piece: str) -> None:
        """Keep an unreadable piece of a webhook for a person; the newest 1,000 stay."""
        row = json.dumps({"id": uuid.uuid4().hex, "at": now_ms(), "reason": reason, "piece": piece})
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.lpush(key(self.bot_id, "quarantine"), row)
            pipe.ltrim(key(self.bot_id, "quarantine"), 0, 999)
            for name in (key(self.bot_id, "figures", day_of(self._timezone)), key(self.bot_id, "totals")):
                pipe.hincrby(name, "otherwise quarantined", 1)
            await pipe.execute()

    async def quarantined(self, limit: int) -> list[Piece]:
        """The last pieces, newest first."""
        rows = await self._redis.lrange(key(self.bot_id, "quarantine"), 0, limit - 1)
        return readable(rows, self._piece, "a quarantined piece")

    def _piece(self, row: bytes) -> Piece:
        return Piece.model_validate({"id": digest(row.decode()), "bot_id": self.bot_id, **fields_of(row)})

    async def drop_quarantined(self, piece_id: str) -> bool:
        """Forget a piece; False when there is none of that id."""
        rows = await self._redis.lrange(key(self.bot_id, "quarantine"), 0, -1)
        found = (row for row in rows for one in readable([row], self._piece, "a piece") if one.id == piece_id)
        row = next(found, None)
        return bool(row and await self._redis.lrem(key(self.bot_id, "quarantine"), 0, row))
