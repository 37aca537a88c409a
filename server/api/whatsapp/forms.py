"""The operator API of forms (WhatsApp Flows): those that are shipped, and what is wrong with one."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Body as InBody
from pydantic import Field

from channels.flows import SHIPPED, shipped_flow
from channels.flows.rules import flow_problems
from server.api.common import Page
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.store.records import Record

routes = APIRouter(prefix="/api", tags=["forms"], route_class=Audited)


class ShippedForm(Record):
    """A form to be put up at Meta."""

    name: str = Field(description="What it is called here")
    about: str = Field(description="What it does")
    flow: dict[str, Any] = Field(description="Its Flow JSON")


class ShippedForms(Page[ShippedForm]):
    """The forms that are shipped."""


class FormCheck(Record):
    """Whether a Flow JSON keeps the documented rules."""

    problems: list[str] = Field(description="What is wrong with it, `place: why` each; empty: nothing")


@routes.get("/forms", summary="Flow JSON of the forms that are shipped", dependencies=[READER])
async def list_forms() -> ShippedForms:
    rows = [
        ShippedForm(name=name, about=about, flow=json.loads(shipped_flow(name)))
        for name, about in SHIPPED.items()
    ]
    return ShippedForms(items=rows)


@routes.post("/forms/check", summary="What is wrong with a Flow JSON 7", dependencies=[AGENT])
async def check_form(flow: Annotated[dict[str, Any], InBody(description="the Flow JSON")]) -> FormCheck:
    """Of the rules of Meta's reference those that can be told from the JSON alone; Meta checks it again."""
    return FormCheck(problems=flow_problems(flow))
