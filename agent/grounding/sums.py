"""The sums that a verifier gives for figures that were worked out: evaluated by code, each operand in what is
cited, in the customer's words, or a count of the sentence itself. Whatever a verifier writes, money comes of
money alone, and nothing is multiplied by a count that nobody named."""

from __future__ import annotations

import ast
import itertools
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import regex as re

from agent.grounding.citations import ReadLine, counts_in
from agent.grounding.claims import Claim, claims_in
from agent.grounding.numbers import numbers_in, with_plain_digits
from agent.grounding.spans import days_between
from agent.grounding.units import SPAN_WORDS, same_currency
from agent.language.detect import language_of
from agent.language.locale import LOCALES
from agent.language.locale_file import Duration

# A count of the sentence itself that a sum may multiply with is no larger: two of them, a dozen.
SMALL_COUNT = 12
# The languages whose words for numbers we know. In others, and in Arabic, whose nouns say two by their
# ending, a small count is left to whoever reads.
COUNTED = frozenset(code for code, locale in LOCALES.items() if locale.numbers.words)
# What units are converted with, where both are spoken of.
CONVERSIONS: dict[tuple[Duration, Duration], float] = {
    ("minutes", "hours"): 60,
    ("quarters", "hours"): 4,
    ("hours", "days"): 24,
    ("days", "weeks"): 7,
    ("days", "months"): 30,
    ("days", "years"): 365,
    ("weeks", "years"): 52,
    ("months", "years"): 12,
}
# Characters of all the expressions, how many of them, and the largest figure in one.
LONGEST, MOST, LARGEST = 300, 12, 1e15
# So many figures with a multiplier are looked at.
MOST_SCALED = 40
NEAR = 0.005
_DIFFERENCE = re.compile(r"\(\s?(\d{1,2})\s?-\s?(\d{1,2})\s?\)")
# Dividing by less would multiply.
LEAST_SHARE = 0.5

# What a figure is a power of: (money, percent). A price is (1, 0), 15 of 15 % is (0, 1), a count (0, 0).
Power = tuple[int, int]
MONEY, PERCENT, PLAIN = (1, 0), (0, 1), (0, 0)


@dataclass(frozen=True, slots=True)
class Sum:
    """An expression that was worked out: what it comes to, what that may be, and the figures in it."""

    result: float
    powers: frozenset[Power]
    operands: tuple[float, ...]


# Figures, each with what it may be.
Operands = dict[float, set[Power]]
_POWERS: dict[str, tuple[Power, ...]] = {
    "money": (MONEY,),
    "percent": (PERCENT,),
    "number": (MONEY, PLAIN),
    "measure": (PLAIN,),
    "duration": (PLAIN,),
}


def _add(known: Operands, values: Iterable[float], power: Power) -> None:
    for value in values:
        known.setdefault(value, set()).add(power)


def _operands(lines: Iterable[ReadLine]) -> Operands:
    """The figures of some lines. A number without a unit may be a price or a count."""
    found: Operands = {}
    for line in lines:
        _add(found, (value for number in line.numbers for value in number.values), MONEY)
        _add(found, (value for number in line.counts for value in number.values), PLAIN)
        for claim in line.claims:
            for power in _POWERS.get(claim.kind, ()):
                _add(found, claim.values, power)
            _add(found, _shares(claim) if claim.kind == "percent" else (), PLAIN)
    return found


def _shares(claim: Claim) -> Iterator[float]:
    """What percent come to: 15 % is 0.15, and 15 % off is 0.85; half, in letters, is one of two."""
    for value in claim.values:
        if 0 < value <= 100:
            yield from (value / 100, 1 - value / 100, 1 + value / 100)
        if value and not any(letter.isnumeric() for letter in claim.text):
            yield 100 / value


def _both(one: Operands, other: Operands) -> Operands:
    return {value: one.get(value, set()) | other.get(value, set()) for value in (*one, *other)}


def _powers(value: float, known: Operands) -> set[Power]:
    """What a figure may be; nothing for one that stands nowhere."""
    return known.get(value) or {
        power for other, powers in known.items() if abs(value - other) < NEAR for power in powers
    }


def worked_out(
    expressions: str, quotes: Sequence[ReadLine], theirs: Sequence[ReadLine], sentence: str = ""
) -> list[Sum]:
    """The sums whose every operand stands in a quote, in the customer's words, or is a small count of the
    sentence itself, and one of whose operands stands in a quote. Figures with a multiplier may be written
    with it (36500000), or all without (`0.3*36.5` of 36.5 million): then it belongs to the result."""
    if not expressions:
        return []
    counts = (value for n in counts_in(sentence, claims_in(sentence)) for value in n.values)
    cited = _operands(quotes)
    known = _both(cited, _operands(theirs))
    _add(known, (1.0, *(value for value in counts if value <= SMALL_COUNT)), PLAIN)
    _add(known, (100.0,), PERCENT)
    if any(language_of(line.text) not in COUNTED for line in theirs):
        _add(known, map(float, range(2, SMALL_COUNT + 1)), PLAIN)
    _add(known, _conversions(" ".join((sentence, *(line.text for line in (*quotes, *theirs))))), PLAIN)
    nights = {days for line in (*quotes, *theirs) for days in days_between(line)}
    _add(known, map(float, nights), PLAIN)

    def counted(found: re.Match[str]) -> str:
        """`(20-15)`, of 15 to 20 September, is a count of nights."""
        days = int(found[1]) - int(found[2])
        return str(days) if days in nights else found[0]

    scaled = _scaled(quotes)
    shown = {scale for claim in claims_in(sentence) if (scale := scale_of(claim)) > 1}
    _add(known, shown, PLAIN)
    found: list[Sum] = []
    for expression in re.split(r"[;\n]", _DIFFERENCE.sub(counted, expressions[:LONGEST]))[:MOST]:
        tidy = expression.partition("=")[0].replace("×", "*").replace("·", "*").replace("÷", "/").strip()
        found.extend(_sums(tidy, cited, known, scaled))
    # 2*112000/100000 is 2.24 lakh: what the figure is written in is divided by
    short = [(one, scale) for one in found for scale in shown.intersection(one.operands)]
    return [*found, *(Sum(one.result * scale, one.powers, one.operands) for one, scale in short)]


def _conversions(text: str) -> Iterator[float]:
    spans = {name for name, pattern in SPAN_WORDS.items() if pattern.search(text)}
    yield from (factor for pair, factor in CONVERSIONS.items() if spans.issuperset(pair))
    yield from {1_000.0 for claim in claims_in(text) if claim.kind == "measure"}


def _sums(
    expression: str, cited: Operands, known: Operands, scaled: set[tuple[float, float]]
) -> Iterator[Sum]:
    if result := _result(expression, cited, known):
        yield result
        return
    for scale in sorted({scale for _, scale in scaled}):
        short: Operands = {written: {MONEY} for written, of in scaled if of == scale}
        both = _both(short, {scale: {PLAIN}, 1_000.0: {PLAIN}})
        result = _result(expression, _both(cited, short), _both(known, both))
        if not result or not any(_powers(operand, short) for operand in result.operands):
            continue
        if scale in result.operands:  # 24.6*1000000: the multiplier is in the sum
            yield result
            continue
        made = scale / 1_000 if 1_000 in result.operands else scale  # millions that were made thousands
        whole = tuple(value * scale for value in result.operands)
        yield Sum(result.result * made, result.powers, (*result.operands, *whole))


def _scaled(lines: Sequence[ReadLine]) -> set[tuple[float, float]]:
    """(digits as they are written, multiplier) of figures such as `36.5 million`."""
    pairs = ((claim, scale_of(claim)) for line in lines for claim in line.claims)
    found = [(claim.values[0] / scale, scale) for claim, scale in pairs if scale > 1]
    return set(found[:MOST_SCALED])


def scale_of(claim: Claim) -> float:
    """What the digits of a figure are multiplied with: a million in `36.5 million`."""
    digits = re.search(r"\d[\d .,'’\u00a0\u202f]*", claim.text)
    written = (
        numbers_in(with_plain_digits(digits.group().strip()))
        if digits and claim.kind in ("money", "number")
        else ()
    )
    if not written or not written[0].value or not claim.values:
        return 1.0
    return max(1.0, claim.values[0] / written[0].value)


def proves(sum: Sum, figure: Claim, lines: Sequence[ReadLine]) -> bool:
    """Whether a sum of what stands in these lines is the figure of a reply: as large, rounded to the places
    it is written with, and of the same kind. Money is made of money of its currency, a span of time of time,
    a percentage of a share."""
    if figure.kind == "percent":
        shares = (sum.result, sum.result * 100) if PLAIN in sum.powers else (sum.result,)
        return bool({PLAIN, PERCENT} & sum.powers) and any(_shows(figure, result) for result in shares)
    wanted = {"money": {MONEY}, "number": {MONEY, PLAIN}}.get(figure.kind, {PLAIN})
    if figure.kind not in _POWERS or not wanted & sum.powers or not _shows(figure, sum.result):
        return False
    kinds = (figure.kind, "number", *(("money",) if figure.kind == "number" else ()))
    used = [
        claim
        for line in lines
        for claim in (*line.claims, *_bare(line))
        if claim.kind in kinds
        and any(abs(value - operand) < NEAR for operand in sum.operands for value in claim.values)
    ]
    alike = [claim for claim in used if claim.kind == figure.kind] or used
    return any(figure.kind != "money" or same_currency(figure.unit, claim.unit) for claim in alike)


def _bare(line: ReadLine) -> Iterator[Claim]:
    for number in line.numbers:
        yield Claim("number", "", number.start, number.values)


def _shows(figure: Claim, result: float) -> bool:
    written = re.search(r"\d[.,](\d{1,2})(?!\d)", figure.text)
    slack = (0.5 * 10 ** -len(written[1]) if written else 0.5) * scale_of(figure)
    return any(abs(value - result) <= slack + 1e-9 for value in figure.values)


def _result(expression: str, cited: Operands, known: Operands) -> Sum | None:
    """What an expression comes to; None for one that cannot be worked out, or rests on nothing that is cited,
    and so proves nothing. Its figures may be written as people write them (`1.490/12`, `0,3*380 000`): of two
    meanings the one that stands somewhere is meant."""

    def meant(match: re.Match[str]) -> str:
        found = numbers_in(with_plain_digits(match.group()))
        values = found[0].values if found else (float("nan"),)
        return repr(next((v for v in values if _powers(v, known)), values[0]))

    tidy = re.sub(r"\d+(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)*", meant, expression)
    tidy = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", tidy)
    try:
        tree = ast.parse(tidy, mode="eval").body
        operands = tuple(
            float(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        )
        if _repeats(tree, known):
            return None
        result, powers = _value(tree, known)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None
    rests = any(_powers(operand, cited) for operand in operands)
    return Sum(result, frozenset(powers), operands) if rests else None


_WORKS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
}


def _value(node: ast.expr, known: Operands) -> tuple[float, set[Power]]:
    """What an expression comes to, and what that may be. Raises ValueError for what is no sum, for an operand
    that stands nowhere, and for apples and pears: a price and a count are not added."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        if not (powers := _powers(float(node.value), known)):
            raise ValueError(f"{node.value} stands nowhere")
        return float(node.value), powers
    if not isinstance(node, ast.BinOp) or type(node.op) not in _WORKS:
        raise ValueError("no sum")
    (left, ones), (right, others) = _value(node.left, known), _value(node.right, known)
    result = float(_WORKS[type(node.op)](left, right))
    if abs(result) > LARGEST:
        raise ValueError("too large")
    if isinstance(node.op, ast.Div) and (right < LEAST_SHARE or (PERCENT in others and right != 100)):
        raise ValueError("by a share: that multiplies")
    if isinstance(node.op, ast.Mult | ast.Div):
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        return result, {(a + sign * c, b + sign * d) for (a, b), (c, d) in itertools.product(ones, others)}
    alike = ones & others
    written = _constant(node.left), _constant(node.right)
    # 1 - 0.15 is a share, and 2 + 1 are two adults and a child; 1 + 1 + 1 would count up to anything
    lone = None in written and not _is_hundredth(node.right)
    if not alike or (1 in written and (lone or written == (1, 1))):
        raise ValueError("no sum of the same things")
    return result, alike


def _is_hundredth(node: ast.expr) -> bool:
    """Whether it is a percentage as a share: 15/100."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and _constant(node.left) is not None
        and _constant(node.right) == 100
    )


def _constant(node: ast.AST) -> float | None:
    return (
        float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None
    )


def _repeats(tree: ast.expr, known: Operands) -> bool:
    """Whether a price is added more than once, as in `129+129`, and nobody named so many."""
    for chain in ast.walk(tree):
        added = Counter(price for sign, term in _terms(chain) if sign > 0 for price in _prices(term, known))
        if any(count > 1 and PLAIN not in known.get(float(count), ()) for count in added.values()):
            return True
    return False


def _terms(node: ast.AST, sign: int = 1) -> Iterator[tuple[int, ast.AST]]:
    """What is added and taken away in an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    else:
        yield sign, node


def _prices(term: ast.AST, known: Operands) -> set[float]:
    values = {value for node in ast.walk(term) if (value := _constant(node)) is not None}
    return {v for v in values if {MONEY, PERCENT} & _powers(v, known) and not (v <= SMALL_COUNT or v == 100)}
