"""Moving in: a chat exported from a phone becomes a conversation, a list of people becomes contacts. First as
a dry run."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from agent.context import PROFILE_FIELDS
from agent.language.detect import language_of
from agent.language.locale import locale_phrases
from agent.phone_numbers import canonical, phone_number
from agent.profile import region_of
from channels.base import Message
from channels.chat_export import Export, ExportedMessage
from server.bots.bot import BotRuntime
from server.operators.contact_list.begun import list_contact
from server.operators.profile_fields import BadField, entered
from server.outreach import consent
from server.store.client import Redis
from server.store.keys import key
from server.store.records import Entry

# Of an imported chat the agent itself remembers the last messages; the rest it finds in nobody's way in the
# transcript.
REMEMBERED = 20
SOURCE = "import"

# The words people put over their columns.
COLUMNS = {
    "phone": locale_phrases("columns.phone"),
    "name": locale_phrases("columns.name"),
    "last_name": locale_phrases("columns.last_name"),
    "company": locale_phrases("columns.company"),
    "email": locale_phrases("columns.email"),
    "language": locale_phrases("columns.language"),
    "class": locale_phrases("columns.contact_class"),
    "consent": locale_phrases("columns.consent"),
}
# What stands in the column of those who want no messages.
_OPTED_OUT = frozenset(("stopped", "true", "1", "x", *locale_phrases("columns.yes_words")))

# KEYS transcript status active changed | ARGV conversation lines at... id entry id entry: what is older than
# anything there comes before it, once; -1: some of it is newer
_PREPEND = """
local head = redis.call('LINDEX', KEYS[1], 0)
local first = head and tonumber(string.match(head, '"at": ?(%d+)'))
if first and first <= tonumber(ARGV[3]) then return -1 end
local count = 0
for i = #ARGV - 1, 5, -2 do
  if redis.call('HSETNX', KEYS[2], ARGV[i], 'imported') == 1 then
    redis.call('LPUSH', KEYS[1], ARGV[i + 1])
    count = count + 1
  end
end
if tonumber(ARGV[2]) > 0 then redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1) end
redis.call('ZADD', KEYS[3], 'NX', ARGV[3], ARGV[1])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return count
"""


@dataclass(slots=True)
class RefusedRow:
    """A row that was not taken: its line in the file, and why."""

    line: int
    field: str
    why: str


@dataclass(slots=True)
class Report:
    """What became, or would become, of an import."""

    taken: int = 0
    known: int = 0
    refused: list[RefusedRow] = field(default_factory=list[RefusedRow])
    notes: list[str] = field(default_factory=list[str])


class NotImported(ValueError):
    """The whole of it cannot be taken; the message says why and what to do."""


async def import_exported_chat(
    runtime: BotRuntime, export: Export, phone: str, us: str, *, dry: bool = True
) -> tuple[Report, list[AnyMessage], str]:
    """Put an exported chat before what is known of a contact's conversation; again changes nothing. Answers
    the report, the last messages as the agent should remember them, and the conversation. Raises
    NotImported."""
    number = _number_of_contact(export, phone, us)
    name = next((author for author in export.authors if author != us), "")
    report = Report(taken=len(export.lines))
    report.refused = [RefusedRow(n, "line", f"no message: {text}") for n, text in export.unread]
    if export.ambiguous:
        report.notes.append(f"the dates were read as {export.order}; if that is wrong, give --dates")
    entries = [_entry(line, us, number, runtime.bot.outreach.hours.zone) for line in export.lines]
    entries.sort(key=lambda entry: entry.at)
    lines = runtime.mailbox.limits.lines
    if len(entries) > lines:
        report.notes.append(f"of {len(entries)} messages the last {lines} are kept (transcript_messages)")
        entries = entries[-lines:]
    card = Message(
        id="import",
        account=runtime.bot.account,
        kind="system",
        wa_id=number,
        name="" if _is_number(name) else name,
    )
    remembered = [_remembered(entry) for entry in entries[-REMEMBERED:]]
    if dry:
        return report, remembered, ""
    conversation_id = await runtime.conversations.identify(card)
    count = await _put_before(runtime, conversation_id, entries)
    report.taken, report.known = count, len(entries) - count
    said = " ".join(entry.text for entry in entries[-30:] if entry.author == "contact")
    await runtime.conversations.learn(
        conversation_id, {"language": language_of(said, "")} if said else {}, SOURCE
    )
    return report, remembered if count else [], conversation_id


def _number_of_contact(export: Export, phone: str, us: str) -> str:
    """The digits of whom a chat was with. Raises NotImported for a chat that is not one between two."""
    authors = export.authors
    if us not in authors:
        raise NotImported(
            f"--us: {us or 'nobody'} does not write in this chat; use one of {', '.join(authors[:5])}"
        )
    if len(authors) > 2:
        raise NotImported(
            f"{len(authors)} people write in this chat: a group cannot become one contact's conversation"
        )
    number = phone_number(phone, None)
    if number is None:
        raise NotImported(
            f"--contact: {phone} is no phone number; write it with its country code, such as +7 701 234 56 78"
        )
    return number


async def _put_before(runtime: BotRuntime, conversation_id: str, entries: Sequence[Entry]) -> int:
    """Put lines before those of a transcript; how many were new. Raises NotImported."""
    flat = [
        text
        for entry in entries
        for text in (entry.id, entry.model_dump_json(exclude={"status", "reason", "heard"}))
    ]
    keys = [key(runtime.bot.id, part, conversation_id) for part in ("transcript", "status")]
    indexes = [key(runtime.bot.id, part) for part in ("active", "changed")]
    count = await runtime.redis.eval(
        *(_PREPEND, 4, *keys, *indexes),
        conversation_id,
        runtime.mailbox.limits.lines,
        entries[-1].at,
        "",
        *flat,
    )
    if count < 0:
        if not await runtime.redis.hexists(keys[1], entries[-1].id):
            raise NotImported(
                "the conversation here began before this chat ended; messages would stand in the wrong order"
            )
        return 0
    return count


def _entry(line: ExportedMessage, us: str, number: str, zone: str) -> Entry:
    at = int(line.at.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    text = (
        line.text
        if not line.file
        else f"[file{'' if line.file == '?' else ' ' + line.file}] {line.text}".strip()
    )
    digest = hashlib.blake2b(
        f"{canonical(number)} {at} {line.author} {text}".encode(), digest_size=12
    ).hexdigest()
    author = "person" if line.author == us else "contact"
    return Entry(id=f"import:{digest}", author=author, kind="text", text=text, at=at)


def _remembered(entry: Entry) -> AnyMessage:
    if entry.author == "contact":
        return HumanMessage(entry.text, id=entry.id)
    return AIMessage(entry.text, id=entry.id, name="operator")


def _is_number(name: str) -> bool:
    return phone_number(name, None) is not None


@dataclass(frozen=True, slots=True)
class ImportedContact:
    """One row that can be taken."""

    line: int
    number: str
    facts: dict[str, str]
    stopped: bool


def people(text: str, runtime: BotRuntime, region: str | None = None) -> tuple[list[ImportedContact], Report]:
    """The contacts of a CSV with a header line, and every row that is refused with its reason. `region` (ISO
    country) is for numbers without a country code. Raises NotImported when no column holds phone numbers."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t|", key=first.count))
    head = [cell.strip() for cell in next(rows, list[str]())]
    custom = {f.name: f for f in runtime.bot.context.custom_fields}
    places = {name: i for i, cell in enumerate(head) if (name := _column(cell, custom))}
    if "phone" not in places:
        raise NotImported(f"no column is called phone; the first line has {', '.join(head) or 'nothing'}")
    report, found, seen = Report(), list[ImportedContact](), dict[str, int]()
    if left := [cell for i, cell in enumerate(head) if i not in places.values()]:
        report.notes.append(
            f"columns left out: {', '.join(left)}; name them like a profile field or a custom field"
        )
    for row in rows:
        line = rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(head):
            report.refused.append(RefusedRow(line, "row", f"{len(row)} cells under {len(head)} columns"))
            continue
        cells = {name: row[i].strip() for name, i in places.items() if i < len(row) and row[i].strip()}
        problem, person = _person(line, cells, custom, region)
        if person and (first := seen.get(canonical(person.number))):
            problem, person = RefusedRow(line, "phone", f"the same number as line {first}"), None
        if person is None:
            report.refused.append(problem or RefusedRow(line, "row", "cannot be read"))
            continue
        seen[canonical(person.number)] = line
        found.append(person)
    report.taken = len(found)
    return found, report


def _column(cell: str, custom: dict[str, Any]) -> str:
    plain = " ".join(cell.casefold().replace("_", " ").split())
    known = next(
        (n for n, known_as in COLUMNS.items() if plain in known_as or cell.casefold() in known_as), ""
    )
    return known or (cell if cell in custom else "")


def _person(
    line: int, cells: dict[str, str], custom: dict[str, Any], region: str | None
) -> tuple[RefusedRow | None, ImportedContact | None]:
    if "phone" not in cells:
        return RefusedRow(line, "phone", "empty"), None
    number = phone_number(cells["phone"], region)
    if number is None:
        hint = "" if region or cells["phone"].startswith("+") else "; without a country code, give --region"
        return RefusedRow(line, "phone", f"{cells['phone']} is no valid number{hint}"), None
    facts, country = dict[str, str](), region or region_of(number)
    for name in (*PROFILE_FIELDS, "class", "language", *custom):
        if name in cells and name != "phone":
            try:
                facts[name] = entered(name, cells[name], custom, country)
            except BadField as error:
                return RefusedRow(line, name, str(error)), None
    stopped = cells.get("consent", "").casefold() in _OPTED_OUT
    return None, ImportedContact(line, number, facts, stopped)


async def contacts(redis: Redis, runtime: BotRuntime, found: Sequence[ImportedContact]) -> Report:
    """Store people as contacts. What an operator entered by hand stays, what a contact said gives way; an
    opt-out counts, and is never taken back by a file."""
    report = Report()
    for person in found:
        card = Message(id="import", account=runtime.bot.account, kind="system", wa_id=person.number)
        conversation_id = await runtime.conversations.identify(card)
        known = await runtime.redis.zscore(key(runtime.bot.id, "active"), conversation_id)
        contact = await runtime.conversations.contact(conversation_id)
        await runtime.conversations.learn(conversation_id, person.facts, SOURCE)
        if person.stopped:
            await consent.change_consent(
                redis, runtime.conversations, conversation_id, True, "operator", SOURCE
            )
        if known is None and contact:
            await list_contact(runtime, contact)
        report.taken += known is None
        report.known += known is not None
    return report
