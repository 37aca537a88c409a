"""What WhatsApp does not take is refused where it is made, and the error says which field and what to do; the
emulator refuses the same by its own table."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from channels.base import SendError
from channels.content.anything import Content, Stored
from channels.content.interactive import ReplyButtons
from channels.content.parts import fitted
from channels.content.plain import as_text
from channels.json_parts import as_dict
from channels.markup import utf16_length
from tests.channels.content.refusals import REFUSED
from tests.channels.contents import EVERYTHING, buttons
from tests.channels.wires import Provider


@pytest.mark.parametrize("name", REFUSED)
def test_what_breaks_a_limit_names_the_field_and_the_remedy(name: str):
    made, words = REFUSED[name]
    with pytest.raises(ValidationError) as refused:
        made()
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_record_of_it_reads_back_as_it_was(name: str):
    content, _ = EVERYTHING[name]
    stored: TypeAdapter[Content] = TypeAdapter(Stored)
    assert stored.validate_json(content.model_dump_json()) == content


@pytest.mark.parametrize(
    ("text", "most"), [("Aurora Duo espresso machine", 24), ("x" * 90, 20), ("👍" * 30, 20)]
)
def test_a_long_name_is_cut_to_fit(text: str, most: int):
    cut = fitted(text, most)
    assert utf16_length(cut) <= most and cut.endswith("…")
    assert fitted("short", most) == "short"


def test_choices_that_the_body_names_are_not_said_twice():
    body = "Is 0 o'clock or 1 o'clock better?"
    assert as_text(ReplyButtons(body=body, buttons=buttons(2))) == body
    assert as_text(ReplyButtons(body="When?", buttons=buttons(2))) == "When?\n1. 0 o'clock\n2. 1 o'clock"


def at(whole: Any, path: str) -> tuple[Any, Any]:
    """The part of a request that holds what a path names, and its key there."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for step in way:
        whole = whole[step]
    return whole, last


# (what is sent, a place in its request, what stands there instead, Meta's number for it)
WRONG: list[tuple[str, str, Any, int]] = [
    ("buttons", "action.buttons.0.reply.title", "x" * 21, 131009),
    ("buttons", "action.buttons.0.reply.id", " slot", 131009),
    ("buttons", "action.buttons.1.reply.title", "0 o'clock", 131009),
    ("buttons", "action.buttons", [], 131009),
    ("buttons", "body", None, 131008),
    ("buttons", "footer.text", "x" * 61, 131009),
    ("list", "action.button", "x" * 21, 131009),
    ("list", "action.sections.0.rows.0.title", "x" * 25, 131009),
    ("list", "action.sections.0.rows.0.description", "x" * 73, 131009),
    ("list", "header", {"type": "image", "image": {"link": "https://shop.example/a.jpg"}}, 131009),
    ("list in sections", "action.sections.1.title", "", 131009),
    ("link", "action.parameters.url", "shop.example", 131009),
    ("location request", "action.name", "send_place", 131009),
    ("address request", "action.parameters.country", "KZ", 131009),
    ("form", "action.parameters.flow_message_version", "2", 131009),
    ("form", "action.parameters.flow_name", "too", 131009),
    ("product", "action.catalog_id", None, 131008),
    ("products", "header", None, 131008),
    ("products", "action.sections.0.title", None, 131009),
    ("catalogue", "action.name", "catalogue", 131009),
    ("carousel of links", "action.cards.1.card_index", 5, 131009),
    ("carousel of links", "action.cards.0.header", None, 131009),
    ("carousel of buttons", "action.cards.0.action.buttons.0.quick_reply.title", "x" * 21, 131009),
    ("carousel of products", "action.cards.0.action.catalog_id", "another", 131009),
    ("carousel of products", "type", "carrousel", 131009),
]


@pytest.mark.parametrize(("name", "path", "wrong", "code"), WRONG, ids=[f"{n} {p}" for n, p, *_ in WRONG])
async def test_metas_side_refuses_by_itself(cloud_api: Provider, name: str, path: str, wrong: Any, code: int):
    line = cloud_api.wire()
    await line.channel.send(line.to, EVERYTHING[name][0], "c/r:0")
    request = copy.deepcopy(line.emulator.requests[-1])
    part, last = at(request["interactive"], path)
    if wrong is None:
        del part[last]
    else:
        part[last] = wrong
    url = f"{line.provider}/v25.0/{line.account}/messages"
    headers = {"Authorization": "Bearer a-secret"}
    answer = await line.client.post(url, json=request, headers=headers)
    assert answer.status_code == 400
    error = as_dict(answer.json()["error"])
    assert error["code"] == code and error["error_data"]["details"]


async def test_a_picture_that_nobody_put_up_is_refused(cloud_api: Provider):
    line = cloud_api.wire()
    image = {"type": "image", "image": {"id": "12345"}}
    request = {"messaging_product": "whatsapp", "to": "+77015550101", **image}
    url = f"{line.provider}/v25.0/{line.account}/messages"
    answer = await line.client.post(url, json=request, headers={"Authorization": "Bearer a-secret"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131053)


async def test_a_text_too_long_for_meta_is_a_change_for_us(cloud_api: Provider):
    line = cloud_api.wire()
    content = ReplyButtons.model_construct(
        kind="buttons", body="x" * 2_000, buttons=buttons(1), header="", footer=""
    )
    with pytest.raises(SendError) as refused:
        await line.channel.send(line.to, content, "c/r:0")
    assert (refused.value.kind, refused.value.code) == ("change", 131009)
