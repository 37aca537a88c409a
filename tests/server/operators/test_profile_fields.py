"""What people enter into a profile is held to what the field is."""

from __future__ import annotations

import pytest

from server.store.contacts import OPERATOR
from tests.support.people.customers import fresh
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

WRONG = [
    ({"email": "not an email"}, "email"),
    ({"email": "a@b"}, "email"),
    ({"phone": "12"}, "phone"),
    ({"phone": "call me"}, "phone"),
    ({"language": "russian"}, "language"),
    ({"stage": "somewhere"}, "stage"),
    ({"class": "friend"}, "class"),
    ({"name": "  "}, "name"),
]


@pytest.mark.parametrize(("profile", "field"), WRONG)
async def test_what_a_person_enters_is_held_to_what_the_field_is(
    stack: Stack, profile: dict[str, str], field: str
):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    known = (await stack.conversation_of(contact))["id"]
    answer = await stack.http.patch(f"/api/contacts/{known}", json={"profile": {"name": "Ann", **profile}})
    assert answer.status_code == 422 and f"profile.{field}: " in answer.json()["detail"]
    seen = (await stack.http.get(f"/api/contacts/{known}")).json()
    assert OPERATOR not in seen["sources"].values() and seen["profile"].get(field) != profile[field]


async def test_what_is_right_is_kept_in_its_normal_form(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    known = (await stack.conversation_of(contact))["id"]
    given = {"email": " Ann@EXAMPLE.com ", "phone": "8 (701) 555-02-02", "language": "RU", "name": "Ann"}
    profile = (await stack.http.patch(f"/api/contacts/{known}", json={"profile": given})).json()["profile"]
    assert (
        profile["email"] == "Ann@example.com"
        and profile["phone"] == "+77015550202"
        and profile["language"] == "ru"
    )
    again = await stack.http.patch(f"/api/contacts/{known}", json={"profile": {"email": None}})
    assert "email" not in again.json()["profile"]
