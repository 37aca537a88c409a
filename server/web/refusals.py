"""What is answered where something goes wrong: problem details, a page to whoever looks at pages, a line of
text to a provider."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from server.bots.routing import NotReady
from server.store.wire.confirming import NotConfirmed
from server.web.pages import TEMPLATES
from server.web.problem_details import problem

log = structlog.get_logger()


def put_up(app: FastAPI) -> None:
    """Let an application answer so."""
    app.exception_handler(RedisError)(_unreachable)
    app.exception_handler(ConnectionError)(_unreachable)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)


def no_redis(path: str, error: Exception) -> Response:
    """The answer while Redis cannot be reached, or a bot cannot be read from it."""
    event, why = "redis_unreachable", "Redis is unreachable"
    if isinstance(error, NotReady):
        event = "bot_not_ready"
    elif isinstance(error, NotConfirmed):
        event, why = "redis_not_confirmed", f"it may be lost when Redis fails over, so try again: {error}"
    log.error(event, path=path, error=repr(error)[:200])
    if path.startswith("/webhook"):
        return PlainTextResponse("try again later", 503)
    return problem(503, why)


async def _unreachable(request: Request, error: Exception) -> Response:
    route = request.scope.get("route")  # of an address that holds a secret, the log has the pattern only
    return no_redis(getattr(route, "path", "") or "/", error)


async def _refused(request: Request, error: HTTPException) -> Response:
    if error.status_code >= 400 and request.url.path.startswith("/dashboard"):
        found = {"status": error.status_code, "why": str(error.detail)}
        return TEMPLATES.TemplateResponse(request, "wrong.html", found, status_code=error.status_code)
    return problem(error.status_code, str(error.detail), error.headers)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    errors = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
    return problem(422, "; ".join(f"{e['field']}: {e['problem']}" for e in errors), errors=errors)
