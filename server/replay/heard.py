"""One turn of a saved conversation as it went."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class PlayedTurn(BaseModel):
    """What the graph was told, and what came of it. `at` and `due`: by the bot's clock, ISO 8601; `due`,
    `touch` and `ended` are the follow-up that is planned; `cart` is the cart or order that was shown, in
    words; `tokens` are read and written; `seconds` it took."""

    model_config = ConfigDict(frozen=True)

    turn: int
    at: str = ""
    said: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    verdict: str = ""
    profile: dict[str, str] = {}
    owner: str = "bot"
    tools: tuple[dict[str, Any], ...] = ()
    passages: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    task: str = ""
    cart: str = ""
    model: str = ""
    touch: int = 0
    due: str = ""
    ended: str = ""
    calls: int = 0
    tokens: tuple[int, int] = (0, 0)
    cost: float = 0
    seconds: float = 0
    problems: tuple[str, ...] = ()

    @property
    def reply(self) -> str:
        """The bubbles as one text."""
        return "\n\n".join(self.replies)


class Played(BaseModel):
    """A conversation as it went; `problems` of the tape stand beside those of its turns."""

    model_config = ConfigDict(frozen=True)

    name: str
    about: str = ""
    turns: tuple[PlayedTurn, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong."""
        return not self.problems and not any(turn.problems for turn in self.turns)

    @property
    def cost(self) -> float:
        """US dollars."""
        return sum(turn.cost for turn in self.turns)

    def outcome(self) -> str:
        """All that must be the same whenever it is played, as JSON."""
        return self.model_dump_json(exclude={"turns": {"__all__": {"seconds"}}})

    def shown(self) -> str:
        """The conversation as people read it, with what went wrong under each turn."""
        lines = [f"{self.name}: {self.about}"]
        for turn in self.turns:
            lines += [f"  > {line}" for said in turn.said for line in said.splitlines()]
            lines += [f"  < {line}" for reply in turn.replies for line in reply.splitlines()]
            lines += [f"  | {line}" for line in turn.cart.splitlines()]
            if not turn.replies:
                lines.append("  < (silence)")
            lines += [f"    turn {turn.turn}: {problem}" for problem in turn.problems]
        return "\n".join([*lines, *self.problems])
