"""What customers do besides writing: correct themselves, take back, come from an ad, fill in forms, change
their number."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from agent.language.wishes import is_wish
from tests.support.people.customers import asked, fresh, quiet, raw
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


async def test_an_edit_in_the_burst_replaces_and_a_retraction_removes(stack: Stack):
    contact, message_id = fresh()
    wrong = {
        "original_message_id": message_id,
        "message": {"type": "text", "text": {"body": "I need 50 mugs"}},
    }
    body = webhook(
        text(contact, "I need 5 mugs", message_id),
        raw(contact, "edit", wrong),
        text(contact, "and my card is 4111", f"{message_id}.2"),
        raw(contact, "revoke", {"original_message_id": f"{message_id}.2"}),
    )
    await stack.post(body)
    await quiet(stack, contact, 1)
    assert [said for said in asked(stack) if "mugs" in said] == ["I need 50 mugs"]
    assert not any("4111" in json.dumps(request) for request in stack.model.requests)
    kinds = [entry["kind"] for entry in (await stack.conversation_of(contact))["messages"][:4]]
    assert kinds == ["text", "edit", "text", "revoke"]  # people still see what was said


async def test_an_edit_of_an_edit_and_its_retraction_are_of_the_first_message(stack: Stack):
    (contact, message_id), (other, other_id) = fresh(), fresh()

    def edit(who: str, of: str, id: str, body: str) -> dict[str, Any]:
        change = {"original_message_id": of, "message": {"type": "text", "text": {"body": body}}}
        return {**raw(who, "edit", change), "id": id}

    chain = [
        edit(contact, message_id, f"{message_id}.e", "I need 5 jugs"),
        edit(contact, f"{message_id}.e", f"{message_id}.f", "I need 7 jugs"),
    ]
    await stack.post(webhook(text(contact, "I need 3 jugs", message_id), *chain))
    await quiet(stack, contact, 1)
    assert [said for said in asked(stack) if "jugs" in said] == ["I need 7 jugs"]
    gone = raw(other, "revoke", {"original_message_id": f"{other_id}.e"})
    await stack.post(
        webhook(
            text(other, "I need 3 pots", other_id),
            edit(other, other_id, f"{other_id}.e", "I need 5 pots"),
            gone,
        )
    )
    await until(stack.idle)
    assert stack.replies(other) == [] and not any("pots" in said for said in asked(stack))
    await stack.post(
        webhook(
            {**raw(other, "edit", {"original_message_id": "wamid.none", "message": {"type": "hologram"}})}
        )
    )
    await until(stack.idle)
    assert stack.replies(other) == []


@pytest.mark.parametrize("kind", ["revoke", "edit"])
async def test_an_amendment_that_comes_long_before_its_message_holds(stack: Stack, kind: str):
    contact, message_id = fresh()
    words = {"message": {"type": "text", "text": {"body": "I need 60 lids"}}} if kind == "edit" else {}
    await stack.post(webhook(raw(contact, kind, {"original_message_id": message_id, **words})))
    await until(stack.idle)
    before = stack.replies(contact)
    await stack.post(webhook(text(contact, "I need 6 lids", message_id)))
    await until(stack.idle)
    assert stack.replies(contact) == before and len(before) == (kind == "edit")
    assert not any("6 lids" in said for said in asked(stack) if "60 lids" not in said)
    await stack.post(webhook(text(contact, "so, how much?", f"{message_id}.2")))
    assert "how much" in (await quiet(stack, contact, len(before) + 1))[-1]


async def test_an_edit_without_words_replaces_nothing(stack: Stack):
    contact, message_id = fresh()
    wordless = {"original_message_id": message_id, "message": {"type": "hologram"}}
    await stack.post(webhook(text(contact, "I need 9 plates", message_id), raw(contact, "edit", wordless)))
    await quiet(stack, contact, 1)
    assert asked(stack)[-1] == "I need 9 plates"


async def test_a_correction_after_the_answer_is_answered_and_what_is_taken_back_is_forgotten(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "I need 5 cups", message_id)))
    await quiet(stack, contact, 1)
    late = {
        "original_message_id": message_id,
        "message": {"type": "text", "text": {"body": "I need 70 cups"}},
    }
    await stack.post(webhook(raw(contact, "edit", late)))
    await quiet(stack, contact, 2)
    assert asked(stack)[-1] == "[corrects their own message “I need 5 cups” to]\nI need 70 cups"
    await stack.post(webhook(text(contact, "my secret is rosebud", f"{message_id}.2")))
    await quiet(stack, contact, 3)
    await stack.post(webhook(raw(contact, "revoke", {"original_message_id": f"{message_id}.2"})))
    await until(stack.idle)
    before = len(stack.model.requests)
    await stack.post(webhook(text(contact, "so, how much?", f"{message_id}.3")))
    assert len(await quiet(stack, contact, 4)) == 4  # nobody answers a retraction
    sales = [r for r in stack.model.requests[before:] if r in stack.model.sales_calls()]
    heard = [m["content"] for r in sales for m in r["messages"] if m["role"] == "user"]
    assert heard and not any("rosebud" in str(content) for content in heard)


async def test_what_a_message_was_written_from_is_read_with_it(stack: Stack):
    contact, message_id = fresh()
    ad = {
        "source_type": "ad",
        "source_id": "1",
        "headline": "Emerald fountain",
        "body": "Hand-thrown",
        "ctwa_clid": "X",
    }
    product = {"referred_product": {"catalog_id": "194836987003835", "product_retailer_id": "SKU-77"}}
    await stack.post(webhook({**text(contact, "more info?", message_id), "referral": ad}))
    await quiet(stack, contact, 1)
    await stack.post(webhook({**text(contact, "and this one?", f"{message_id}.2"), "context": product}))
    await quiet(stack, contact, 2)
    known = await stack.conversation_of(contact)
    kept = (await stack.http.get(f"/api/contacts/{known['id']}")).json()["referral"]
    assert (kept["source_id"], kept["ctwa_clid"], kept["headline"]) == ("1", "X", "Emerald fountain")
    table = list(csv.DictReader(io.StringIO((await stack.http.get("/api/contacts?format=csv")).text)))
    row = next(row for row in table if row["id"] == known["id"])
    assert (row["ad"], row["ad_source_id"], row["ad_ctwa_clid"]) == ("Emerald fountain", "1", "X")
    again = {"source_type": "post", "source_id": "2", "headline": "Spring"}
    await stack.post(webhook({**text(contact, "and this?", f"{message_id}.3"), "referral": again}))
    await quiet(stack, contact, 3)
    kept = (await stack.http.get(f"/api/contacts/{known['id']}")).json()["referral"]
    assert {n: kept[n] for n in kept if n != "at"} == again
    page = await stack.http.get(f"/dashboard/default/{known['id']}")
    assert "Came from the post" in page.text and "Spring" in page.text
    first, second = asked(stack)[-3:-1]
    assert "Emerald fountain" in first and "Hand-thrown" in first and first.endswith("\nmore info?")
    assert "SKU-77" in second and second.endswith("\nand this one?")
    seen = (await stack.conversation_of(contact))["messages"]
    assert "Emerald fountain" in seen[0]["text"] and seen[0]["text"].endswith("more info?")
    await stack.post(webhook({**text(contact, "STOP", f"{message_id}.4"), "referral": ad}))
    assert "START" in (await quiet(stack, contact, 4))[-1]


async def test_lists_and_forms_are_read_as_words_and_a_forms_token_by_nobody(stack: Stack):
    contact, _ = fresh()
    row = {"id": "slot_1", "title": "10:00", "description": "Tuesday, showroom"}
    await stack.post(webhook(raw(contact, "interactive", {"type": "list_reply", "list_reply": row})))
    await quiet(stack, contact, 1)
    assert asked(stack)[-1] == "10:00 - Tuesday, showroom"
    answers = {
        "flow_token": "1:hidden-token",
        "screen_0_full_name_0": "Aigerim Example",
        "colours": ["0_Red", "1_Dark_Blue"],
        "agreed": True,
        "note": "",
    }
    form = {"name": "flow", "body": "Sent", "response_json": json.dumps(answers)}
    await stack.post(webhook(raw(contact, "interactive", {"type": "nfm_reply", "nfm_reply": form})))
    await quiet(stack, contact, 2)
    assert asked(stack)[-1] == "full name: Aigerim Example; colours: Red, Dark Blue; agreed: yes"
    shown = json.dumps(await stack.conversation_of(contact)) + json.dumps(stack.model.requests)
    assert "hidden-token" not in shown


async def test_what_cannot_be_read_is_said_once_and_whoever_opens_a_chat_is_greeted(stack: Stack):
    contact, _ = fresh()
    for number in (1, 2):
        await stack.post(webhook(raw(contact, "unsupported", None, errors=[{"code": 131051}])))
        await until(stack.idle)
        assert [("read" in reply) for reply in stack.replies(contact)] == [True], number
    newcomer, _ = fresh()
    await stack.post(webhook(raw(newcomer, "request_welcome", None)))
    assert len(await quiet(stack, newcomer, 1)) == 1


async def test_a_changed_number_goes_on_in_the_same_conversation_with_its_opt_out(stack: Stack):
    (old, message_id), (new, _) = fresh(), fresh()
    await stack.post(webhook(text(old, "my name is Dana, hello", message_id)))
    await quiet(stack, old, 1)
    known = (await stack.conversation_of(old))["id"]
    moved = {"type": "user_changed_number", "wa_id": new, "body": "changed"}
    await stack.post(webhook(raw(old, "system", moved)))
    await stack.post(webhook(text(new, "STOP", f"{message_id}.2")))
    await quiet(stack, new, 1)
    found = await stack.conversation_of(new)
    assert found["id"] == known and found["profile"]["consent"] == "stopped"
    refused = await stack.http.post("/api/messages", json={"to": old, "text": "hi"})
    assert refused.status_code == 409 and "no more messages" in refused.json()["detail"]


WISHES = (
    "I want to order the Aurora One | Can you book me for Tuesday? | We'll take two, please | "
    "I need 50 mugs | 2 mugs please | Хочу заказать 2 кофемашины | Запишите меня на завтра | "
    "Мы приедем в субботу посмотреть | Беру! | Екі машинаға тапсырыс бергім келеді | "
    "Vorrei ordinare due macchine | Prenoto per sabato | Quiero comprar dos | Resérveme una mesa | "
    "Quero encomendar três | Ich möchte zwei Maschinen bestellen | Ich nehme die rote | "
    "Je voudrais réserver pour samedi | İki tane sipariş vermek istiyorum | मुझे दो ऑर्डर करना है | "
    "أريد أن أطلب اثنين | احجز لي موعدا | Can I get 3 of those delivered? | Sign me up for Friday | "
    "Put me down for two | Закажите мне три | Хочу прийти на примерку | Mi prenoti un tavolo | "
    "Gostaria de agendar uma visita | Yarın geleceğim | मैं कल आऊँगा | سأزوركم غدا"
).split(" | ")


@pytest.mark.parametrize("said", WISHES)
def test_an_order_a_visit_or_a_booking_is_heard(said: str):
    assert is_wish(said)


@pytest.mark.parametrize(
    "said",
    (
        "How much is it?, Where is my order?, Do I need to order in advance?, "
        "What do I need to book a table?, Как записаться?, Do you work on Saturday?, "
        "Есть ли доставка?, Quanto costa?, Работаете в субботу вечером?, Was kostet das?"
    ).split(", "),
)
def test_a_question_is_none(said: str):
    assert not is_wish(said)


@pytest.mark.parametrize(
    "said",
    [
        "I'd like two blue vases please",
        "I want the blue one",
        "I would like a haircut tomorrow at 5",
        "Give me 2 pizzas",
        "table for 2 tonight at 8",
        "Хочу две пиццы",
        "Столик на двоих на вечер",
        "Нужен столик на 4 человек",
        "Запиши меня на пятницу",
        "Екі пицца керек",
        "Vorrei un tavolo per due sabato sera",
        "Quisiera una mesa para dos esta noche",
        "Deme dos pizzas por favor",
        "Quero duas pizzas",
        "Gostaria de uma mesa para dois",
        "Ich brauche einen Termin am Dienstag",
        "Können Sie mir einen Tisch reservieren?",
        "Je voudrais une table pour deux",
        "Il me faut un rendez-vous",
        "İki pizza istiyorum",
        "मुझे दो पिज़्ज़ा चाहिए",
        "أريد طاولة لشخصين الليلة",
        "بدي احجز موعد بكرا",
        "Zwei Pizzen bitte",
        "Can you book me for Tuesday?",
        "Беру!",
        "We'll take two, please",
    ],
)
def test_more_ways_to_order_are_heard(said: str):
    assert is_wish(said)


@pytest.mark.parametrize(
    "said",
    [
        "I want to cancel my order",
        "Когда можно забрать заказ?",
        "No quiero comprar nada",
        "¿Puedo ir con mi perro?",
        "Не хочу ничего заказать",
        "Non voglio comprare niente",
        "Não quero comprar",
        "Ich will nicht kaufen",
        "Ich komme aus Berlin",
        "Мне 25 лет",
        "I'll have to think about it",
        "I will come back to you later",
        "Can I get one with oat milk?",
        "Come posso prenotare?",
        "Nasıl sipariş verebilirim?",
        "Quiero pedir una devolución",
        "Je prends des médicaments",
        "Wann kann ich meine Bestellung abholen?",
        "أريد إلغاء طلبي",
        "ممكن أعرف وين طلبي؟",
        "I want a refund",
        "I need some information",
        "Where is my order?",
        "Vorrei sapere quanto costa",
        "Ich möchte wissen, ob Sie liefern",
        "Можно узнать цену?",
        "Je voudrais savoir",
        "Quiero hablar con una persona",
        "how do I order?",
        "I'd like to know the price",
    ],
)
def test_a_refusal_a_cancellation_or_a_question_orders_nothing(said: str):
    assert not is_wish(said)


@pytest.mark.parametrize("said", ["[order] 2 x SKU-7 at 900 KZT", "date: 2026-12-01; guests: 2"])
def test_a_basket_and_a_form_are_orders_whatever_their_words(said: str):
    assert is_wish(said)


@pytest.mark.parametrize(
    "said",
    [
        "No problem, I'll take two",
        "I need 2 mugs, not 3",
        "Vorrei un tavolo per una persona",
        "Quiero una mesa para una persona",
        "Quero uma mesa para uma pessoa",
        "Je voudrais une table pour une personne",
        "I'd like to order 2 vases, please send an invoice",
        "I want 10 mugs with a discount",
        "Ich möchte 2 Tassen, aber nicht die blauen",
        "Не забудьте: хочу заказать 2 пиццы",
        "Хочу две пиццы, без лука не надо",
        "When I come on Friday, please reserve 2 vases",
        "Nein danke zu Milch, ich nehme zwei Espresso",
        "Non fumatori: vorrei un tavolo per due",
    ],
)
def test_a_no_to_something_else_loses_no_order(said: str):
    assert is_wish(said)
