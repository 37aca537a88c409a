"""The operator API of tokens: who may use it, and who asks."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field, computed_field

from server.api.common import Body, Here, Page, deployment_only
from server.operators import audit, tokens
from server.operators.audit import Audited
from server.operators.roles import OWNER, READER
from server.operators.tokens import Operator, Role, who

routes = APIRouter(prefix="/api", tags=["tokens"], route_class=Audited)


class TokenIn(Body):
    """A token for a person or a program; `name` says whose. It opens the bots named, or all of them. `role`:
    `owner` does everything, `agent` talks to contacts and looks after them, `read_only` looks."""

    name: str = Field(min_length=1, max_length=100, description="whose it is", examples=["Aigerim"])
    role: Role = Field(default="owner", description="what it allows")
    bots: list[str] = Field(
        [], max_length=100, description="the bots it opens; none: all", examples=[["almaty"]]
    )
    bot_id: str | None = Field(None, description="one bot; the same as bots with one name")


class Token(Operator):
    """A token, without the secret that is sent."""

    @computed_field(description="The bot it opens, where that is one")
    @property
    def bot_id(self) -> str | None:
        """The bot it opens, where that is one."""
        return self.bots[0] if len(self.bots) == 1 else None


class NewToken(Token):
    """A token that was just made."""

    token: str = Field(description="What is sent as `Authorization: Bearer TOKEN`; shown once")


class TokenPage(Page[Token]):
    """Everybody who has a token of their own, the oldest first."""


@routes.get("/me", summary="Who I am: name, role, bots", dependencies=[READER])
async def get_me() -> Operator:
    return who.get()


@routes.post(
    "/tokens",
    status_code=201,
    summary="A token for a person or a program; it is shown once",
    dependencies=[OWNER],
)
async def create_token(api: Here, asked: TokenIn) -> NewToken:
    deployment_only()
    bots: list[str] = sorted(set(asked.bots) | ({asked.bot_id} if asked.bot_id else set()))
    for bot_id in bots:
        api.lookup.runtime(bot_id)
    operator, secret = await tokens.create_operator(api.redis, bots, asked.name, asked.role)
    audit.name_subject(", ".join(bots), f"{operator.id} {asked.role}")
    return NewToken(**operator.model_dump(), token=secret)


@routes.get("/tokens", summary="Everybody who has a token of their own", dependencies=[OWNER])
async def list_tokens(api: Here) -> TokenPage:
    mine = who.get().bots
    rows = [
        row
        for row in await tokens.all_operators(api.redis)
        if not mine or (row.bots and set(row.bots) <= set(mine))
    ]
    return TokenPage(items=[Token(**row.model_dump()) for row in rows])


@routes.delete("/tokens/{token_id}", status_code=204, summary="Revoke a token", dependencies=[OWNER])
async def revoke_token(api: Here, token_id: str) -> None:
    deployment_only()
    if not await tokens.revoke(api.redis, token_id):
        raise HTTPException(404, "there is no token of this id")
