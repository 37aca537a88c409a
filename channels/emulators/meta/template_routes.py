"""Graph's addresses of message templates, and of the files that explain their headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from channels.emulators.base import emulator_of
from channels.emulators.meta.errors import graph_error, not_allowed
from channels.emulators.meta.templates import Refusal, TemplateDecision
from channels.json_parts import object_of

routes = APIRouter()
# The emulator of the Cloud API, which has this module's routes.
Meta = Annotated[Any, Depends(emulator_of)]
APP = "1234567890"


def _answered(meta: Any, request: Request, answer: Callable[[], dict[str, Any]]) -> Response:
    if not meta.allows(request):
        return not_allowed()
    try:
        return JSONResponse(answer())
    except (Refusal, ValueError) as error:
        return graph_error(400, getattr(error, "code", 100), str(error))


@routes.post("/_control/templates")
async def decide(meta: Meta, told: TemplateDecision) -> Response:
    """Meta decides about a template, and says so."""
    try:
        value = meta.account.decide(told)
    except Refusal as error:
        return JSONResponse({"detail": str(error)}, 422)
    await meta.tell("message_template_status_update", value)
    return JSONResponse(value)


@routes.get("/{version}/app")
async def app(meta: Meta, request: Request) -> Response:
    """The app that the token belongs to."""
    return _answered(meta, request, lambda: {"id": APP})


@routes.post("/{version}/{app}/uploads")
async def upload(meta: Meta, app: str, request: Request, file_length: int, file_type: str) -> Response:
    """A place for a file; the app takes no other types."""
    if app != APP or file_type not in ("image/jpeg", "image/png", "video/mp4", "application/pdf"):
        return graph_error(400, 100, f"Param file_type is not one of the supported types: {file_type}")
    return _answered(meta, request, lambda: meta.account.upload(file_length))


@routes.get("/{version}/{account}/message_templates")
async def list_templates(
    meta: Meta, account: str, request: Request, limit: int = 25, after: str = "0"
) -> Response:
    """The templates of the business's account, a page of them."""
    start = int(after)
    paging: dict[str, Any] = {"cursors": {"before": after, "after": str(start + limit)}}
    if start + limit < len(meta.templates):
        paging["next"] = "more"
    page = meta.templates[start : start + limit]
    return _answered(meta, request, lambda: {"data": page, "paging": paging})


@routes.post("/{version}/{account}/message_templates")
async def make(meta: Meta, account: str, request: Request) -> Response:
    """The business sends a template for approval."""
    body = await request.body()
    return _answered(meta, request, lambda: meta.account.make(object_of(body)))


@routes.delete("/{version}/{account}/message_templates")
async def delete(meta: Meta, account: str, request: Request, name: str, hsm_id: str = "") -> Response:
    """The business deletes a template."""
    return _answered(meta, request, lambda: meta.account.delete(name, hsm_id))


@routes.post("/{version}/{place}")
async def change_or_put(meta: Meta, place: str, request: Request) -> Response:
    """A template is changed, or a file is put at its place."""
    body, offset = await request.body(), request.headers.get("file_offset", "")
    if place.startswith("upload:"):
        token = request.headers.get("authorization", "").replace("OAuth ", "Bearer ")
        if not meta.knows(token):
            return not_allowed()
        try:
            return JSONResponse(meta.account.put(place, offset, body))
        except Refusal as error:
            return graph_error(400, error.code, str(error))
    return _answered(meta, request, lambda: meta.account.change(place, object_of(body)))
