"""The sums of a reply that speaks of a cart are those that code has worked out in this turn."""

from __future__ import annotations

from collections.abc import Sequence

import regex as re
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from agent.grounding.claims import Claim, claims_in
from agent.grounding.evidence import Evidence
from agent.language.locale import anywhere
from agent.state import text_of

# The tool whose answers say what a cart comes to.
TOOL = "cart"
NEAR = 0.005
_TOTAL = re.compile(anywhere("grounding.total"), re.I)


def is_stale(messages: Sequence[AnyMessage], place: int) -> bool:
    """Whether a message is what the tool of the cart said in an earlier turn: the cart may be another now."""
    message = messages[place]
    later = messages[place + 1 :]
    return _is_of_cart(message) and any(isinstance(other, HumanMessage) for other in later)


def sums_not_told(reply: str, messages: Sequence[AnyMessage], evidence: Evidence) -> list[str]:
    """What is wrong with the sums of a reply, where the tool of the cart was asked in this turn: a total that
    it did not say, or a sum that stands nowhere as it is. Nothing is reckoned: code has done that."""
    told = [m for n, m in enumerate(messages) if _is_of_cart(m) and not is_stale(messages, n)]
    if not told:
        return []
    known, totals = _figures("\n".join(map(text_of, told))), _figures(_totals(text_of(told[-1])))
    claims = _money(reply)
    right = {claim.sentence for claim in claims if _is_one_of(claim, totals)}
    wrong: list[str] = []
    for claim in claims:
        totalled = bool(_TOTAL.search(claim.sentence))
        if totalled and claim.sentence not in right:
            wrong.append(f"“{claim.text.strip()}” is not the total of the cart: state the one its tool says")
        elif not _is_one_of(claim, known) and (totalled or not any(evidence.saying(claim))):
            wrong.append(f"“{claim.text.strip()}” is no sum of the cart: state only those of its tool")
    return list(dict.fromkeys(wrong))


def _totals(told: str) -> str:
    return "\n".join(line for line in told.splitlines() if line.startswith("Total: "))


def _figures(text: str) -> list[float]:
    return [value for claim in _money(text) for value in claim.values]


def _is_one_of(claim: Claim, figures: Sequence[float]) -> bool:
    return any(abs(value - other) <= NEAR for value in claim.values for other in figures)


def _is_of_cart(message: AnyMessage) -> bool:
    return isinstance(message, ToolMessage) and message.name == TOOL and message.status != "error"


def _money(text: str) -> list[Claim]:
    return [claim for claim in claims_in(text) if claim.kind == "money"]
