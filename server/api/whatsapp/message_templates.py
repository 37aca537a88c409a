"""The operator API of message templates: written, sent to Meta for approval, changed, deleted, previewed."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.templates.account import TemplateAccount
from channels.templates.draft import TemplateDraft, with_examples
from channels.templates.rules import template_problems
from server.api.common import Api, Here, Page, TheBot, fails
from server.bots.accounts import DEFAULT
from server.config.bot import Problem
from server.operators import audit
from server.operators.audit import Audited
from server.operators.roles import AGENT, OWNER, READER
from server.store.message_templates import (
    DRAFT,
    MessageTemplate,
    MissingVariable,
    drop_template,
    keep_template,
    one_template,
    store_templates,
    templates,
)
from server.store.records import Record

routes = APIRouter(prefix="/api", tags=["templates"], route_class=Audited)
Answered = TypeVar("Answered")
NO_PROVIDER = "the provider did not take it"
REFUSED = fails(502, NO_PROVIDER)
# An approved, rejected or paused template may be changed; one that is looked at may not.
CHANGEABLE = ("APPROVED", "REJECTED", "PAUSED")


class TemplatePage(Page[MessageTemplate]):
    """A bot's message templates, by name."""


class TemplatePreview(MessageTemplate):
    """A message template with its variables filled in."""

    preview: str = Field(description="What a contact would read")


class TemplateCheck(Record):
    """What Meta would say of a template."""

    problems: list[Problem] = Field(description="What is wrong with which field; empty: nothing")
    preview: str = Field(description="What a contact would read, with the examples filled in")


def _account(api: Api, bot_id: str) -> TemplateAccount:
    """Where a bot's templates are. Raises HTTPException 409 where it has no account at Meta."""
    runtime = api.lookup.runtime(bot_id)
    channel = api.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    if not isinstance(channel, CloudApi) or not channel.credentials.business_account_id:
        raise HTTPException(
            409, "set WHATSAPP_BUSINESS_ACCOUNT_ID, WHATSAPP_PHONE_NUMBER_ID and WHATSAPP_ACCESS_TOKEN"
        )
    return TemplateAccount(channel)


async def _asked(question: Awaitable[Answered]) -> Answered:
    """What the provider answers. Raises HTTPException 502."""
    try:
        return await question
    except SendError as error:
        raise HTTPException(502, f"{NO_PROVIDER}: {error}") from None


async def _known(api: Api, bot_id: str, name: str, language: str) -> MessageTemplate:
    """A template on record. Raises HTTPException 404."""
    api.lookup.runtime(bot_id)
    found = await one_template(api.redis, bot_id, f"{name}:{language}")
    if found is None:
        raise HTTPException(
            404, "there is no template of this name and language; POST /api/templates/sync reads them"
        )
    return found


def _wrong(draft: TemplateDraft) -> Response | None:
    """The refusal of a draft that Meta would not take, field by field."""
    found = template_problems(draft)
    if not found:
        return None
    errors: list[dict[str, Any]] = [one._asdict() for one in found]
    detail = "; ".join(f"{one.field}: {one.problem}" for one in found)
    body = {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": detail}
    return JSONResponse({**body, "errors": errors}, 422, media_type="application/problem+json")


@routes.get("/templates", summary="Message templates as last read from the provider", dependencies=[READER])
async def list_templates(api: Here, bot_id: TheBot = DEFAULT) -> TemplatePage:
    return await _templates(api, bot_id)


@routes.post(
    "/templates/sync", summary="Read the templates from the provider", responses=REFUSED, dependencies=[OWNER]
)
async def sync_templates(api: Here, bot_id: TheBot = DEFAULT) -> TemplatePage:
    rows = await _asked(_account(api, bot_id).every())
    await store_templates(api.redis, bot_id, [MessageTemplate.model_validate(row) for row in rows])
    return await _templates(api, bot_id)


async def _templates(api: Api, bot_id: str) -> TemplatePage:
    api.lookup.runtime(bot_id)
    known = await templates(api.redis, bot_id)
    return TemplatePage(items=[known[name] for name in sorted(known)])


@routes.post("/templates/check", summary="What Meta would say of a template", dependencies=[AGENT])
async def check_template(draft: TemplateDraft) -> TemplateCheck:
    found = [Problem(field=one.field, problem=one.problem) for one in template_problems(draft)]
    return TemplateCheck(problems=found, preview=with_examples(draft))


@routes.post(
    "/templates",
    status_code=201,
    summary="Write a template; it is sent to nobody until it is submitted",
    response_model=MessageTemplate,
    dependencies=[OWNER],
)
async def create_template(
    api: Here, draft: TemplateDraft, bot_id: TheBot = DEFAULT
) -> MessageTemplate | Response:
    api.lookup.runtime(bot_id)
    if refused := _wrong(draft):
        return refused
    if await one_template(api.redis, bot_id, f"{draft.name}:{draft.language}"):
        raise HTTPException(409, "name: there is a template of this name and language already")
    audit.name_subject(bot_id, f"{draft.name}:{draft.language}")
    return await keep_template(api.redis, bot_id, _of_draft(draft))


@routes.put(
    "/templates/{name}/{language}",
    summary="Change a template; Meta looks at one that it has anew",
    response_model=MessageTemplate,
    responses=REFUSED,
    dependencies=[OWNER],
)
async def change_template(
    api: Here, name: str, language: str, draft: TemplateDraft, bot_id: TheBot = DEFAULT
) -> MessageTemplate | Response:
    """Name and language never change, nor does the category of one that Meta has. Meta takes a change of an
    approved template once a day, and ten times in 30 days."""
    known = await _known(api, bot_id, name, language)
    audit.name_subject(bot_id, known.id)
    if (draft.name, draft.language) != (name, language):
        raise HTTPException(422, "name: a template keeps its name and language; make another one")
    if refused := _wrong(draft):
        return refused
    if known.status == DRAFT:
        return await keep_template(api.redis, bot_id, _of_draft(draft))
    if not known.provider_id:
        raise HTTPException(409, "what Meta calls it is not known; POST /api/templates/sync reads it")
    if known.status not in CHANGEABLE:
        raise HTTPException(409, f"it is {known.status.lower()}; Meta takes changes once it has decided")
    if draft.category != known.draft.category and known.status != "REJECTED":
        raise HTTPException(422, "category: Meta does not change that of a template it has approved")
    await _asked(_account(api, bot_id).change(known.provider_id, draft))
    kept = {"provider_id": known.provider_id, "status": "PENDING", "quality": known.quality}
    changed = _of_draft(draft).model_copy(update={**kept, "category": known.category})
    return await keep_template(api.redis, bot_id, changed)


@routes.post(
    "/templates/{name}/{language}/submit",
    summary="Send a template to Meta for approval",
    response_model=MessageTemplate,
    responses=REFUSED,
    dependencies=[OWNER],
)
async def submit_template(api: Here, name: str, language: str, bot_id: TheBot = DEFAULT) -> Any:
    known = await _known(api, bot_id, name, language)
    audit.name_subject(bot_id, known.id)
    if known.status != DRAFT:
        raise HTTPException(409, f"Meta has it already; it is {known.status.lower()}")
    if refused := _wrong(known.draft):
        return refused
    id, status, category = await _asked(_account(api, bot_id).make(known.draft))
    told = {"provider_id": id, "status": status, "category": category}
    return await keep_template(api.redis, bot_id, known.model_copy(update=told))


@routes.delete(
    "/templates/{name}/{language}",
    status_code=204,
    summary="Delete a template, at Meta too",
    responses=REFUSED,
    dependencies=[OWNER],
)
async def delete_template(api: Here, name: str, language: str, bot_id: TheBot = DEFAULT) -> None:
    """Its name cannot be used again for 30 days where Meta has approved it."""
    known = await _known(api, bot_id, name, language)
    audit.name_subject(bot_id, known.id)
    if known.status != DRAFT and known.provider_id:
        await _asked(_account(api, bot_id).delete(known.provider_id, name))
    await drop_template(api.redis, bot_id, known.id)


@routes.get(
    "/templates/{name}/{language}/preview", summary="What a contact would read", dependencies=[READER]
)
async def preview_template(
    api: Here,
    name: str,
    language: str,
    bot_id: TheBot = DEFAULT,
    variable: Annotated[list[str] | None, Query(description="values of its variables, in order")] = None,
) -> TemplatePreview:
    template = await _known(api, bot_id, name, language)
    try:
        return TemplatePreview(**template.model_dump(), preview=template.filled(variable or []))
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None


def _of_draft(draft: TemplateDraft) -> MessageTemplate:
    """A draft on record."""
    return MessageTemplate.model_validate({**draft.model_dump(), "status": DRAFT})
