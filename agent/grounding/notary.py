"""Holds a verifier to what it cites. A model reads whether a sentence follows from the evidence; this code
knows no word of any language and checks what can be checked without reading: that quotes stand where they
are said to stand, that every figure of a sentence stands in its quotes or is a sum of figures that do, that
offers are still valid, and that stock and free times come from a tool of this turn. What fails is
unsupported, whatever the verifier says."""

from __future__ import annotations

import ast
import operator
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import regex as re
from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.grounding.claims import Claim, claims_in
from agent.grounding.matching import same
from agent.grounding.numbered import Line, Sentence
from agent.grounding.numbers import numbers_in, plain

# The claims that are figures; days and names are left to whoever reads.
FIGURES = ("money", "percent", "duration", "time", "date", "measure", "number", "phone", "email", "link")
# A sum may use counts up to this that stand nowhere: two of them, a dozen.
SMALL_COUNT = 12
# And what units are converted with: days of a week and a month, hours, weeks, minutes, days of a year, grams.
CONVERSIONS = frozenset((7.0, 24.0, 30.0, 52.0, 60.0, 365.0, 1_000.0))
# Characters of an expression, and the largest figure in one.
LONGEST_SUM, LARGEST = 300, 1e15
_VALID_UNTIL = re.compile(r"valid_(?:until|to)\W{1,6}(\d{4}-\d\d-\d\d)")

Status = Literal["no_claim", "supported", "contradicted", "not_stated"]


class Citation(BaseModel):
    """A place in the evidence, with the exact words that stand there."""

    model_config = ConfigDict(frozen=True)

    id: str = ""
    quote: str = ""


class Judged(BaseModel):
    """What a verifier says of one sentence. `sums`: how a figure was worked out, such as `3*38`; `differs`:
    what does not match; `live`: whether it says what is in stock or which time is free now."""

    model_config = ConfigDict(frozen=True)

    n: int
    status: Status
    cite: list[Citation] = Field(default_factory=list)
    sum: str = ""
    differs: str = ""
    live: bool = False

    @field_validator("sum", "differs", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, list):
            return "; ".join(map(str, value))
        return "" if value is None else str(value)

    @field_validator("cite", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [] if value is None else [value] if isinstance(value, dict) else value

    @field_validator("live", mode="before")
    @classmethod
    def _said(cls, value: object) -> object:
        return bool(value)


class Verified(BaseModel):
    """The judgement of every numbered sentence of a reply."""

    sentences: list[Judged]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sentence that must not be sent: why, and what the evidence says instead, where that is known."""

    sentence: Sentence
    why: str
    quote: str = ""


def doubts(
    parts: Sequence[Sentence],
    evidence: Sequence[Line],
    judged: Sequence[Judged],
    *,
    today: str = "",
    vetoed: Collection[str] = (),
) -> list[Doubt]:
    """The sentences that are not supported. `today` is a date (YYYY-MM-DD) that offers must reach; `vetoed`
    are figures that the code finds nowhere but in the contact's mouth, which proves no price."""
    by_id = {line.id: line for line in evidence}
    found: list[Doubt] = []
    for part in parts:
        mine = [one for one in judged if one.n == part.n]
        why = [_doubt(part, one, by_id, today, vetoed) for one in mine] or [Doubt(part, "it was not judged")]
        found.extend([doubt for doubt in why if doubt][:1])
    return found


def _doubt(
    part: Sentence, judged: Judged, evidence: dict[str, Line], today: str, vetoed: Collection[str]
) -> Doubt | None:
    cited = [(evidence.get(cite.id.strip("[] ")), cite.quote) for cite in judged.cite]
    standing = [(line, quote) for line, quote in cited if line and _stands(quote, line.text)]
    said = standing[0][1] if standing else ""
    if judged.status in ("contradicted", "not_stated"):
        return Doubt(part, judged.differs or judged.status.replace("_", " "), said)
    figures = [claim for claim in claims_in(part.text) if claim.kind in FIGURES]
    if judged.status == "no_claim":
        whole = [line.text for line in evidence.values()]
        missing = _missing(figures, whole, "", whole)
        return Doubt(part, f"“{missing}” stands nowhere") if missing else None
    if not standing or len(standing) < len(cited):
        return Doubt(part, "what it cites does not stand there", said)
    if any(_expired(line.text, today) for line, _ in standing):
        return Doubt(part, "what it cites is not valid any more", said)
    if judged.live and not any(line.of_tool for line, _ in standing):
        return Doubt(part, "no tool has said in this turn what is there now", said)
    if all(line.of_contact for line, _ in standing) and any(
        claim.text.strip() in vetoed for claim in figures
    ):
        return Doubt(part, "only the customer has said so", said)
    theirs = [line.text for line in evidence.values() if line.of_contact]
    if missing := _missing(figures, [quote for _, quote in standing], judged.sum, theirs):
        return Doubt(part, f"“{missing}” does not stand in what it cites", said)
    return None


def _expired(text: str, today: str) -> bool:
    until = _VALID_UNTIL.search(text)
    return bool(until and today and until[1] < today)


def _stands(quote: str, text: str) -> bool:
    """Whether a quote stands in a text, letter for letter but for case, width and white space."""
    return bool(_flat(quote)) and _flat(quote) in _flat(text)


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _missing(figures: Sequence[Claim], quotes: Sequence[str], sums: str, theirs: Sequence[str]) -> str:
    """The first figure that stands in no quote and is no sum of what stands there; empty when all do."""
    if not figures:
        return ""
    there = [claim for quote in quotes for claim in claims_in(quote, every=True)]
    bare = _bare(quotes, there)
    worked = list(_worked_out(sums, [*quotes, *theirs]))
    counts = {value for sum in worked for value in sum.operands if value <= SMALL_COUNT}
    for figure in figures:
        stands = any(_agrees(figure, claim) for claim in there) or bool(bare & set(figure.values))
        counted = figure.kind == "number" and bool(counts & set(figure.values))
        if not (stands or counted or any(_shows(figure, sum.result) for sum in worked)):
            return figure.text.strip()
    return ""


def _agrees(figure: Claim, claim: Claim) -> bool:
    if same(figure, claim):
        return True
    bare = claim.kind == "number" or (figure.kind == "number" and claim.kind in FIGURES)
    return bare and bool(set(figure.values) & set(claim.values))


def _bare(quotes: Sequence[str], there: Sequence[Claim]) -> set[float]:
    """The numbers of quotes that stand within names, with no unit of their own: the 200 of `Table Fjord
    200`."""
    numbers = {value for quote in quotes for number in numbers_in(plain(quote)) for value in number.values}
    return numbers - {value for claim in there if claim.kind != "number" for value in claim.values}


def _scale(claim: Claim) -> float:
    """What the digits of a figure are multiplied with: a million in `36.5 million`."""
    digits = re.search(r"\d[\d .,'’\u00a0\u202f]*", claim.text)
    written = (
        numbers_in(plain(digits.group().strip())) if digits and claim.kind in ("money", "number") else ()
    )
    if not written or not written[0].value or not claim.values:
        return 1.0
    return max(1.0, claim.values[0] / written[0].value)


def _operands(numbers: set[float]) -> set[float]:
    """These numbers, and shares where they are percent."""
    shares = {v / 100 for v in numbers} | {1 - v / 100 for v in numbers} | {1 + v / 100 for v in numbers}
    return numbers | shares | CONVERSIONS


@dataclass(frozen=True, slots=True)
class _Sum:
    """An expression that was worked out: what it comes to, and the figures in it."""

    result: float
    operands: tuple[float, ...]


def _worked_out(sums: str, texts: Sequence[str]) -> Iterator[_Sum]:
    """The expressions whose every operand stands in a text. Figures with a multiplier may be written with
    it (36500000), or all without (`0.3*36.5` of 36.5 million): then it belongs to the result."""
    numbers = {v for text in texts for number in numbers_in(plain(text)) for v in number.values}
    claims = [claim for text in texts for claim in claims_in(text, every=True)] if sums else []
    scaled = {(claim.values[0] / _scale(claim), _scale(claim)) for claim in claims if _scale(claim) > 1}
    for expression in re.split(r"[;\n]", sums[:LONGEST_SUM]):
        tidy = expression.partition("=")[0].replace("×", "*").replace("÷", "/").strip()
        for written, scale in scaled:
            tidy = re.sub(
                rf"(?<![\d.,]){written:g}\s*\*\s*{scale:.0f}(?![\d.,])", f"{written * scale:.0f}", tidy
            )
        if result := _result(tidy, _operands(numbers)):
            yield result
            continue
        for scale in sorted({scale for _, scale in scaled}):
            short = {written for written, of in scaled if of == scale}
            result = _result(tidy, _operands(numbers | short))
            if result and any(abs(operand - value) < 0.005 for operand in result.operands for value in short):
                yield _Sum(result.result * scale, result.operands)
                if 1_000 in result.operands:  # millions that were made thousands
                    yield _Sum(result.result * scale / 1_000, result.operands)


def _result(expression: str, known: set[float]) -> _Sum | None:
    """What an expression comes to; None for one that cannot be worked out, which proves nothing. Its
    figures may be written as people write them (`1.490/12`, `0,3*380 000`): of two meanings the one that
    stands somewhere is meant."""

    def meant(match: re.Match[str]) -> str:
        values = numbers_in(plain(match.group()))[0].values if match.group() else ()
        return repr(
            next((v for v in values if any(abs(v - k) < 0.005 for k in known)), values[0] if values else 0.0)
        )

    tidy = re.sub(r"\d+(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)*", meant, expression)
    tidy = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", tidy)
    try:
        tree = ast.parse(tidy, mode="eval").body
        operands = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        return _Sum(_value(tree, known), tuple(float(v) for v in operands if isinstance(v, int | float)))
    except (
        SyntaxError,
        ValueError,
        ZeroDivisionError,
        OverflowError,
        RecursionError,
        MemoryError,
        IndexError,
    ):
        return None


_WORKS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def _value(node: ast.expr, operands: set[float], divides: bool = False) -> float:
    """Raises ValueError for what is no sum, and for an operand that stands nowhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value is not True:
        value = float(node.value)
        small = value == int(value) and (0 <= value <= SMALL_COUNT or (value == 100 and divides))
        if not small and not any(abs(value - known) < 0.005 for known in operands):
            raise ValueError(f"{value} stands nowhere")
        return value
    if isinstance(node, ast.BinOp) and type(node.op) in _WORKS:
        right = _value(node.right, operands, isinstance(node.op, ast.Div))
        result = _WORKS[type(node.op)](_value(node.left, operands), right)
        if abs(result) > LARGEST:
            raise ValueError("too large")
        return float(result)
    raise ValueError("no sum")


def _shows(figure: Claim, result: float) -> bool:
    """Whether a figure is a result, rounded to the places it is written with."""
    written = re.search(r"\d[.,](\d{1,2})(?!\d)", figure.text)
    slack = (0.5 * 10 ** -len(written[1]) if written else 0.5) * _scale(figure)
    return any(abs(value - result) <= slack + 1e-9 for value in figure.values)
