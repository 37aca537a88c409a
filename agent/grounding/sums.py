"""The sums that a verifier gives for figures that were worked out: evaluated by code, each operand in what is
cited or in the customer's words."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex as re

from agent.grounding.citations import ReadLine
from agent.grounding.claims import Claim
from agent.grounding.numbers import numbers_in, plain
from agent.grounding.units import same_currency

# A sum may use counts up to this that stand nowhere: two of them, a dozen.
SMALL_COUNT = 12
# And what units are converted with: days of a week and a month, hours, weeks, minutes, days of a year, grams.
CONVERSIONS = frozenset((7.0, 24.0, 30.0, 52.0, 60.0, 365.0, 1_000.0))
# Characters of all the expressions, how many of them, and the largest figure in one.
LONGEST, MOST, LARGEST = 300, 12, 1e15
# So many figures with a multiplier are looked at.
MOST_SCALED = 40
NEAR = 0.005


@dataclass(frozen=True, slots=True)
class Sum:
    """An expression that was worked out: what it comes to, the figures in it, and those of them that are
    cited."""

    result: float
    operands: tuple[float, ...]
    cited: tuple[float, ...]


def worked_out(expressions: str, quotes: Sequence[ReadLine], theirs: Sequence[ReadLine]) -> list[Sum]:
    """The sums whose every operand stands in a quote, in the customer's words, or is a small count, and one
    of whose operands stands in a quote. Figures with a multiplier may be written with it (36500000), or all
    without (`0.3*36.5` of 36.5 million): then it belongs to the result."""
    if not expressions:
        return []
    cited, known = _numbers(quotes), _numbers([*quotes, *theirs])
    scaled = _scaled(quotes)
    found: list[Sum] = []
    for expression in re.split(r"[;\n]", expressions[:LONGEST])[:MOST]:
        tidy = expression.partition("=")[0].replace("×", "*").replace("·", "*").replace("÷", "/").strip()
        found.extend(_sums(tidy, cited, known, scaled))
    return found


def _sums(
    expression: str, cited: set[float], known: set[float], scaled: set[tuple[float, float]]
) -> Iterator[Sum]:
    if result := _result(expression, cited, known):
        yield result
        return
    for scale in sorted({scale for _, scale in scaled}):
        short = {written for written, of in scaled if of == scale}
        if not (result := _result(expression, cited | short, known | short | {scale})):
            continue
        if not any(_is_near(operand, short) for operand in result.operands):
            continue
        if scale in result.operands:  # 24.6*1000000: the multiplier is in the sum
            yield result
        elif 1_000 in result.operands:  # millions that were made thousands
            yield Sum(result.result * scale / 1_000, result.operands, tuple(v * scale for v in result.cited))
        else:
            yield Sum(result.result * scale, result.operands, tuple(v * scale for v in result.cited))


def _numbers(lines: Sequence[ReadLine]) -> set[float]:
    found = {value for line in lines for claim in line.claims for value in claim.values}
    return found | {value for line in lines for number in line.numbers for value in number.values}


def _scaled(lines: Sequence[ReadLine]) -> set[tuple[float, float]]:
    """(digits as they are written, multiplier) of figures such as `36.5 million`."""
    pairs = ((claim, scale_of(claim)) for line in lines for claim in line.claims)
    found = [(claim.values[0] / scale, scale) for claim, scale in pairs if scale > 1]
    return set(found[:MOST_SCALED])


def scale_of(claim: Claim) -> float:
    """What the digits of a figure are multiplied with: a million in `36.5 million`."""
    digits = re.search(r"\d[\d .,'’\u00a0\u202f]*", claim.text)
    written = (
        numbers_in(plain(digits.group().strip())) if digits and claim.kind in ("money", "number") else ()
    )
    if not written or not written[0].value or not claim.values:
        return 1.0
    return max(1.0, claim.values[0] / written[0].value)


def proves(sum: Sum, figure: Claim, quotes: Sequence[ReadLine]) -> bool:
    """Whether a sum is the figure of a reply: as large, rounded to the places it is written with, and of the
    same kind. Money is made of money of its currency, a percentage of a share."""
    if figure.kind == "percent":
        return bool(sum.cited) and any(_shows(figure, result) for result in (sum.result, sum.result * 100))
    if not _shows(figure, sum.result):
        return False
    if figure.kind != "money":
        return True
    return any(
        _is_near(value, set(sum.cited)) and (claim.kind == "number" or same_currency(figure.unit, claim.unit))
        for quote in quotes
        for claim in (*quote.claims, *_bare(quote))
        if claim.kind in ("money", "number")
        for value in claim.values
    )


def _bare(quote: ReadLine) -> Iterator[Claim]:
    for number in quote.numbers:
        yield Claim("number", "", number.start, number.values)


def _shows(figure: Claim, result: float) -> bool:
    written = re.search(r"\d[.,](\d{1,2})(?!\d)", figure.text)
    slack = (0.5 * 10 ** -len(written[1]) if written else 0.5) * scale_of(figure)
    return any(abs(value - result) <= slack + 1e-9 for value in figure.values)


def _is_near(value: float, known: set[float]) -> bool:
    return value in known or any(abs(value - other) < NEAR for other in known)


def _result(expression: str, cited: set[float], known: set[float]) -> Sum | None:
    """What an expression comes to; None for one that cannot be worked out, or rests on nothing that is cited,
    and so proves nothing. Its figures may be written as people write them (`1.490/12`, `0,3*380 000`): of two
    meanings the one that stands somewhere is meant."""

    def meant(match: re.Match[str]) -> str:
        found = numbers_in(plain(match.group()))
        values = found[0].values if found else (float("nan"),)
        return repr(next((v for v in values if _is_near(v, known)), values[0]))

    tidy = re.sub(r"\d+(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)*", meant, expression)
    tidy = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", tidy)
    try:
        tree = ast.parse(tidy, mode="eval").body
        operands = tuple(
            float(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        )
        result = _value(tree, _operands(known))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None
    rests = tuple(operand for operand in operands if _is_near(operand, _shares(cited) | cited))
    return Sum(result, operands, rests) if rests else None


def _shares(numbers: set[float]) -> set[float]:
    """What numbers come to where they are percent: 15 % off is 0.85."""
    return {share for v in numbers if 0 < v <= 100 for share in (v / 100, 1 - v / 100, 1 + v / 100)}


def _operands(numbers: set[float]) -> set[float]:
    return numbers | _shares(numbers) | CONVERSIONS


_WORKS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def _value(node: ast.expr, operands: set[float], counts: bool = True) -> float:
    """Raises ValueError for what is no sum, and for an operand that stands nowhere: small counts, which may
    stand nowhere, multiply and divide; one that is added would turn any figure into any other."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = float(node.value)
        small = counts and value == int(value) and (0 <= value <= SMALL_COUNT or value == 100)
        if not small and not _is_near(value, operands):
            raise ValueError(f"{value} stands nowhere")
        return value
    if isinstance(node, ast.BinOp) and type(node.op) in _WORKS:
        scales = isinstance(node.op, ast.Mult | ast.Div)
        # 1 - 0.15 and 100 - 15 are shares
        left, right = _value(node.left, operands, scales or _is_whole(node.left)), node.right
        result = float(_WORKS[type(node.op)](left, _value(right, operands, scales)))
        if abs(result) > LARGEST:
            raise ValueError("too large")
        return result
    raise ValueError("no sum")


def _is_whole(node: ast.expr) -> bool:
    """Whether an operand is the whole that a share is taken from."""
    return isinstance(node, ast.Constant) and node.value in (1, 100)
