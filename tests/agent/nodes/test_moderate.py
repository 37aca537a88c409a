"""Who is turned away, on whose word, and how politely."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from agent.access_lists import SAID_BY_OPERATOR
from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from tests.agent.saying import sales_prompts, saying
from tests.support.shop.chatting import Chat, Scripted, call, quiet


async def test_somebody_who_is_no_client_hears_one_line_and_then_nothing(scripted):
    verdict = {"contact_class": "non_client", "confidence": 0.95, "reason": "sells paper"}
    chat, model = scripted(saying("Here you are.", verdict=verdict), not_client_reply="Buyers only, sorry.")
    assert await chat.says("we offer paper wholesale") == ["Buyers only, sorry."]
    profile = (await chat.state())["profile"]
    assert (profile["class"], profile["class_reason"], profile["class_confidence"]) == (
        "non_client",
        "sells paper",
        "0.95",
    )
    assert await chat.says("very cheap paper") == []
    assert not sales_prompts(model)
    assert await chat.says("do you sell vases?", profile={"class": "client", "turned_away": None}) == [
        "Here you are."
    ]


async def test_a_moderator_that_is_not_sure_turns_nobody_away(scripted):
    chat, _ = scripted(saying("Here you are.", verdict={"contact_class": "non_client", "confidence": 0.4}))
    assert await chat.says("we might need many vases") == ["Here you are."]
    assert not (await chat.state())["profile"].get("class")


async def test_lists_come_before_the_model(scripted):
    chat, model = scripted(saying("Here you are."), ignore=["+7 701 *"], allow=["7702*"])
    assert await chat.says("how much?", identity="77011234567") == []
    assert await chat.says("how much is a vase?", identity="77021234567") == ["Here you are."]
    assert (await chat.state())["profile"]["class"] == "client"
    assert not any(offered == ["Verdict"] for _, offered in model.asked)


async def test_a_known_clients_thanks_cost_one_call(scripted):
    chat, model = scripted(saying("You are welcome!"))
    await chat.says("ok, thanks!", profile={"class": "client"})
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("wanted", "ignored", "identity", "answered"),
    [
        ([], [], "77015550101", True),
        (["+7 701 555 01 01"], [], "77015550101", True),
        (["+7702*"], [], "77015550101", False),
        (["7701*"], ["77015550101"], "77015550101", False),
        (["120363@g.us"], [], "120363@g.us", True),
    ],
)
async def test_who_is_answered_at_all(wanted: list[str], ignored: list[str], identity: str, answered: bool):
    chat = Chat(Models(Scripted(script=quiet, asked=[])), respond_to_whitelist=wanted, ignore=ignored)
    assert bool(await chat.says("hello", identity=identity)) is answered
    assert bool(await chat.says("stop", identity=identity))  # an opt-out is heard whoever it comes from


ORDINARY = [
    "Вы работаете в субботу вечером?",
    "У меня болит зуб!!",
    "Do you work for companies too?",
    "Cercate qualcuno che ripari la mia macchina?",
    "Ofrecen servicio técnico a domicilio?",
    "Вы ищете поставщика зерна, или сами обжариваете?",
    "Je cherche un cadeau pour mon patron",
    "Ich suche Arbeit an einer Maschine, die ich bei Ihnen gekauft habe",
    "Сізде жұмыс уақыты қандай?",
    "क्या आप रविवार को काम करते हैं?",
    "هل تعملون يوم الجمعة؟",
    "İş yerime fatura kesiyor musunuz?",
]


@pytest.mark.parametrize("said", ORDINARY)
async def test_the_offline_model_turns_nobody_away(said: str):
    chat = Chat(Models(offline_model()))
    (reply,) = await chat.says(said)
    state = await chat.state()
    assert state["verdict"] != "silent" and state["profile"].get("class") != "non_client"
    assert "customers of" not in reply and "покупателей" not in reply
    assert await chat.says(said)


async def test_nobody_is_turned_away_on_the_word_of_a_fallback():
    verdict = {"contact_class": "non_client", "confidence": 1.0, "intent": "abuse", "reason": "sells paper"}
    models = Models(
        offline_model(),
        "openai:away",
        "test:fallback",
        ProviderAccess("sk", "http://127.0.0.1:1/v1", timeout=1),
        attempts=1,
    )
    models.put("test:fallback", Scripted(script=saying("Here you are.", verdict=verdict), asked=[]))
    chat = Chat(models)
    for _ in range(2):
        assert await chat.says("we offer paper wholesale, what do you pay for it?") == ["Here you are."]
    assert not (await chat.state())["profile"].get("class")


async def test_whoever_was_turned_away_is_judged_anew_with_each_message(scripted):
    verdicts = iter(
        [{"contact_class": "non_client", "confidence": 0.95, "reason": "sells paper"}] * 2
        + [{"contact_class": "client", "reason": "asks"}] * 9
    )

    def answer(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        if offered == ["Verdict"]:
            return call("Verdict", next(verdicts))
        return call("Facts", {}) if offered == ["Facts"] else AIMessage("Here you are.")

    chat, _ = scripted(answer)
    assert "customers of" in (await chat.says("we offer paper wholesale"))[0]
    assert await chat.says("very cheap paper") == []
    assert await chat.says("and how much is your blue vase?") == ["Here you are."]
    profile = (await chat.state())["profile"]
    assert profile["class"] == "client" and not profile.get("turned_away")


async def test_what_an_operator_decided_stays_without_a_model(scripted):
    chat, model = scripted(saying("Here you are."))
    known = {"class": "non_client", "class_reason": SAID_BY_OPERATOR}
    assert "customers of" in (await chat.says("how much is a vase?", profile=known))[0]
    assert await chat.says("hello?", profile={**known, "turned_away": "yes"}) == []
    assert not any(offered == ["Verdict"] for _, offered in model.asked)
