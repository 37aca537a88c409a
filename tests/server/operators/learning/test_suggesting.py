"""What is suggested of what people did: of which kind, out of which conversations, and for how long."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from agent.models.chat import Models
from channels.base import Message
from knowledge_base.embed import bundled
from knowledge_base.goods.corrections import Edit
from knowledge_base.library import Library
from server.bots.corrections import RedisCorrections
from server.bots.knowledge import RedisStore
from server.clock import now_ms
from server.conversations.drafts.draft import draft_of
from server.observability.turn_traces import Trace
from server.observability.unanswered import MOST, note_unanswered
from server.operators import privacy
from server.operators.learning import cases
from server.operators.learning.cases import Case
from server.operators.learning.derive import Derived, suggestions_of
from server.operators.learning.gaps import gap_weeks
from server.operators.learning.grouping import question_groups, question_words
from server.operators.learning.proposals import is_of_customer
from server.operators.learning.suggestions import Suggestion
from server.operators.teamwork import draft_replies
from server.pipeline.merging import Merging
from server.store.keys import key
from server.store.mailbox import DAY
from server.store.records import Contact, Entry
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, script
from tests.support.waiting import until

PRICES = b"Article,Name,Price,Stock\nT-1,Tall vase,900 KZT,4\nR-1,Red bowl,950 KZT,7\n"


def shelf_of(redis: Redis) -> Library:
    return Library(RedisStore(redis), bundled(), corrections=RedisCorrections(redis))


def office_of(redis: Redis, tmp_path: Path, facts: str = "") -> Office:
    """A desk whose agent only drafts, and may say what is in `facts`."""
    office = Office(redis, tmp_path, {"facts": facts})
    bot = replace(office.runtime.bot, reply_mode="draft")
    office.runtime = replace(office.runtime, bot=bot)
    return office


async def edited(office: Office, contact: str, asked: str, drafted: str, sent: str) -> str:
    """Somebody asks, the agent drafts an answer, and a person sends another one; the conversation."""
    async with office.working(Models(Scripted(script=script(drafted), asked=[]))):
        conversation = await office.writes(contact, asked)

        async def waiting() -> str:
            found = await office.runtime.conversations.contact(conversation)
            draft = draft_of(found) if found else None
            return draft.turn_id if draft and draft.text else ""

        turn = await until(waiting)
        await until(office.idle)
        found = await office.runtime.conversations.contact(conversation)
        assert found
        await draft_replies.send_instead(office.runtime, found, turn, sent)
        await until(lambda: office.replies(contact))
        await until(office.idle)
    return conversation


async def asked_in_vain(office: Office, contact: str, words: str, at: int = 0) -> str:
    """A question that the documents did not answer; the conversation."""
    known = Message(id=f"{contact} {words}", account=office.number, kind="text", wa_id=contact, text=words)
    conversation = await office.runtime.conversations.identify(known)
    entry = Entry(id=known.id, author="contact", text=words, at=at or now_ms())
    await office.runtime.mailbox.accept(conversation, known, entry)
    trace = Trace(turn_id=uuid.uuid4().hex, at=1, ms=1, verdict="answer", model="m")
    await note_unanswered(office.redis, "default", conversation, trace, [known])
    return conversation


def only(found: list[Derived]) -> Suggestion:
    assert len(found) == 1, [each.suggestion.question for each in found]
    return found[0].suggestion


@pytest.mark.parametrize(
    ("asked", "drafted", "sent", "kind"),
    [
        ("Do you wrap gifts?", "No, we do not.", "Yes, for 500 KZT.", "faq"),
        ("I need it on Monday", "We deliver within 2 days.", "We deliver within 3 days.", "fact"),
        (
            "When are you open?",
            "We are open from 9:00 to 18:00, every day of the week.",
            "Every day of the week we are open, from 9:00 to 18:00 :)",
            "prompt",
        ),
    ],
)
async def test_an_edit_is_a_fact_an_answer_or_a_wording(
    redis: Redis, tmp_path: Path, asked: str, drafted: str, sent: str, kind: str
):
    office = office_of(redis, tmp_path, drafted)
    conversation = await edited(office, "77010000001", asked, drafted, sent)
    found = only(await suggestions_of(office.runtime, shelf_of(redis)))
    assert (found.kind, found.question, found.text) == (kind, asked, sent)
    assert found.draft == drafted and found.state == "open" and found.asked == 1
    assert [(s.conversation_id, s.what, s.answered) for s in found.sources] == [(conversation, "edit", True)]
    assert gap_weeks(await suggestions_of(office.runtime, shelf_of(redis)), "UTC") == [], "it had an answer"


async def test_a_price_told_otherwise_is_changed_in_the_price_list_and_settles_itself(
    redis: Redis, tmp_path: Path
):
    office, shelf = office_of(redis, tmp_path, "The Tall vase costs 900 KZT."), shelf_of(redis)
    (tmp_path / "p.csv").write_bytes(PRICES)
    await shelf.add("default", tmp_path / "p.csv")
    await edited(
        office,
        "77010000002",
        "How much is the tall vase?",
        "The Tall vase costs 900 KZT.",
        "The tall vase costs 990 KZT now.",
    )
    found = only(await suggestions_of(office.runtime, shelf))
    assert found.kind == "product" and found.product
    told = found.product
    assert (told.name, told.field, told.was, told.value) == ("Tall vase", "price", "900 KZT", "990 KZT")
    edit = Edit(value=told.value, was=told.was, at=now_ms())
    await RedisCorrections(redis).set_edit("default", told.key, told.field, edit)
    assert await suggestions_of(office.runtime, shelf_of(redis)) == []


async def test_a_draft_that_was_sent_as_it_is_teaches_nothing(redis: Redis, tmp_path: Path):
    office = office_of(redis, tmp_path)
    async with office.working(Models(Scripted(script=script("Yes, we do."), asked=[]))):
        conversation = await office.writes("77010000003", "Do you wrap gifts?")

        async def waiting() -> bool:
            found = await office.runtime.conversations.contact(conversation)
            return bool(found and draft_of(found))

        await until(waiting)
        await until(office.idle)
        found = await office.runtime.conversations.contact(conversation)
        draft = draft_of(found) if found else None
        assert found and draft
        await draft_replies.send_draft(office.runtime, found, draft.turn_id)
        await until(lambda: office.replies("77010000003"))
    assert await suggestions_of(office.runtime, shelf_of(redis)) == []


async def test_questions_that_mean_the_same_are_one_in_any_language(redis: Redis, tmp_path: Path):
    office = office_of(redis, tmp_path)
    said = (
        ("Do you wrap gifts?", "Can you wrap it as a gift?", "is gift wrapping possible?"),
        ("Можно ли с собакой?", "С собакой можно к вам?"),
        ("Wie lange dauert die Lieferung?",),
        ("送料はいくらですか？", "送料はいくら？"),
    )
    for number, words in enumerate(words for group in said for words in group):
        await asked_in_vain(office, f"7702000{number:04}", words)
    found = await suggestions_of(office.runtime, shelf_of(redis))
    groups = {frozenset([each.suggestion.question, *each.suggestion.questions]) for each in found}
    assert groups == {frozenset(group) for group in said}
    weeks = gap_weeks(found, "Asia/Almaty")
    assert sum(week.asked for week in weeks) == 8 and weeks[0].questions[0].asked == 3


async def test_questions_of_a_merged_record_go_with_the_person(redis: Redis, tmp_path: Path):
    office = office_of(redis, tmp_path)
    runtime = office.runtime
    gone = await asked_in_vain(office, "77010000007", "Do you wrap gifts?")
    assert await runtime.mailbox.claim(10)
    await redis.delete(key("default", "inbox", gone))
    await redis.srem(key("default", "busy"), gone)
    before = only(await suggestions_of(runtime, shelf_of(redis)))
    user = Message(id="m", account=office.number, kind="text", user_id="KZ.7")
    kept = await runtime.conversations.identify(user)
    await redis.hset(key("default", "merges"), gone, f'{{"into": "{kept}"}}')
    assert await Merging(office.settings, redis).catch_up(runtime) == 1
    found = only(await suggestions_of(runtime, shelf_of(redis)))
    assert found.id == before.id and [s.conversation_id for s in found.sources] == [kept]
    contact = await runtime.conversations.contact(kept)
    assert contact
    await privacy.erased(redis, runtime, contact)
    assert await suggestions_of(runtime, shelf_of(redis)) == []
    assert await redis.lrange(key("default", "unanswered"), 0, -1) == []


async def test_what_is_older_than_transcripts_are_kept_is_not_suggested(redis: Redis, tmp_path: Path):
    office = office_of(redis, tmp_path)
    await asked_in_vain(office, "77030000001", "Do you wrap gifts?")
    assert len(await suggestions_of(office.runtime, shelf_of(redis))) == 1
    mailbox = office.runtime.mailbox
    mailbox.limits = replace(mailbox.limits, keep=DAY)
    row = (await redis.lrange("sg:{default}:unanswered", 0, -1))[0]
    old = row.replace(b'"at":', b'"at":1,"was":')
    await redis.lset("sg:{default}:unanswered", 0, old)
    assert await suggestions_of(office.runtime, shelf_of(redis)) == []


async def test_a_row_that_cannot_be_read_hides_no_other(redis: Redis, tmp_path: Path):
    office = office_of(redis, tmp_path)
    await asked_in_vain(office, "77030000002", "Do you wrap gifts?")
    await redis.lpush("sg:{default}:unanswered", "{", b"\xff\xfe", '{"turn_id": 7}')
    await redis.lpush("sg:{default}:edited", "[]", '{"conversation_id": "x", "entry_id": "y", "at": "z"}')
    await redis.hset("sg:{default}:learned", mapping={"a": "null", "b": b"\xff"})
    await redis.hset("sg:{default}:learning", mapping={"a": "", "b": b"\xff \xff \xff"})
    assert only(await suggestions_of(office.runtime, shelf_of(redis))).question == "Do you wrap gifts?"


def test_as_many_questions_as_are_kept_are_grouped_by_looking_at_few():
    asked = [question_words(f"{'do you sell thing ' * 15} number{n} also{n % 7}?", b"s") for n in range(MOST)]
    assert sum(map(len, question_groups(asked))) == MOST
    assert question_groups([frozenset()] * 3) == [[0], [1], [2]], "nothing is said to be the same as nothing"
    assert question_words("Do you wrap gifts?", b"a") != question_words("Do you wrap gifts?", b"b")


def case_of(*lines: tuple[str, str], turn: str = "t") -> Case:
    """What becomes of lines (author, words), of which the first belong to the turn that did not know."""
    entries = [
        Entry(id=f"e{n}", author=author, text=words, at=n + 10, turn_id=turn if author == "bot" else "")  # pyright: ignore[reportArgumentType]
        for n, (author, words) in enumerate(lines)
    ]
    contact = Contact(id="c", bot_id="default", account="1", wa_id="77010000001", created=1)
    return cases._case(contact, entries, cases._Place("question", "c", "t", 5))


def test_what_the_customer_wrote_a_message_later_is_theirs_too():
    case = case_of(
        ("contact", "Who brings a parcel?"),
        ("bot", "A colleague will write to you."),
        ("contact", "My number at work is +7 777 123 45 67, aidana@corp.kz"),
        ("person", "He calls +7 777 123 45 67 and writes to aidana@corp.kz"),
    )
    assert case.answer and is_of_customer("+7 777 123 45 67", case)
    assert is_of_customer("Aidana@corp.kz", case) and not is_of_customer("+7 777 000 00 00", case)


def test_what_was_said_long_after_is_no_answer():
    # the turn is in none of the lines that are looked at, and all of them are younger than it
    case = case_of(("contact", "Thanks"), ("person", "Your refund was sent to Dana"), turn="another")
    assert not case.answer
