"""What whoever plays the contact does with forms (WhatsApp Flows), and where a Flow is put up on a phone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse, Response

from channels.emulators.base import emulator_of
from channels.emulators.meta.flows import FormStep, NoScreen
from channels.flows.rules import flow_problems

routes = APIRouter()
# The emulator of the Cloud API, which has this module's routes.
Meta = Annotated[Any, Depends(emulator_of)]


@routes.post("/_control/{number}/forms")
async def step(meta: Meta, number: str, asked: FormStep) -> Response:
    """The contact opens a form, goes from screen to screen, or sends it."""
    try:
        shown = await meta.step(number, asked)
    except ValueError as error:
        return JSONResponse({"detail": str(error)}, 422)
    except NoScreen as error:
        return JSONResponse({"detail": str(error)}, 502)
    return JSONResponse(shown.model_dump())


@routes.put("/_control/{number}/flows/{flow_id}")
async def put_up(meta: Meta, number: str, flow_id: str, flow: Annotated[dict[str, Any], Body()]) -> Response:
    """The phone knows this Flow JSON from now on, until it is restarted."""
    if problems := flow_problems(flow):
        return JSONResponse({"detail": "; ".join(problems)[:2000]}, 422)
    meta.flows.kept[f"{number}/{flow_id}"] = flow
    return JSONResponse({"success": True})
