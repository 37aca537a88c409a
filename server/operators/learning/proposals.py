"""What is proposed of a case: without what leads to the customer, of which kind, and with what the agent's
reply must say once it has learned it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.grounding.claims import Claim, claims_in
from knowledge_base.document import Product
from knowledge_base.goods.corrections import product_key, value_of
from knowledge_base.search.terms import terms
from knowledge_base.vocabulary import function_words, plain
from server.operators.learning.cases import Case
from server.operators.learning.suggestions import Kind, ProductValue
from server.replay.masking import Mask, people_in
from server.store.records import Contact

# Characters of a proposed text, and of one of the words that a reply must say.
LONGEST, LONGEST_PART = 4_000, 80
# How many of these are proposed: figures, or else words.
FIGURES, WORDS = 4, 2
# What share of the words of an edit and of its draft both have, where only the wording was changed.
SAME = 0.4
# What stands where a customer's data were taken out.
BLANK = re.compile(r"\[(?:name|phone|email|link|address|place|handle)\]")
# Claims that are told by figures and addresses, in whatever words.
_TOLD = frozenset(
    ("money", "percent", "number", "measure", "duration", "time", "date", "phone", "email", "link")
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a case proposes. `look_at` is what may still lead to a person; `settled`: the price list says by
    now what the person said."""

    kind: Kind
    question: str
    text: str = ""
    draft: str = ""
    look_at: tuple[str, ...] = ()
    product: ProductValue | None = None
    settled: bool = False


class Prices:
    """The products of a bot, found by a figure and by name."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._by_figure: dict[float, list[tuple[Product, str]]] = {}
        for product in products:
            figures = {"price": product.price, "stock": _number(product.stock)}
            for field, value in figures.items():
                if value is not None:
                    self._by_figure.setdefault(float(value), []).append((product, field))

    def named(self, figure: Claim, text: str) -> list[tuple[Product, str]]:
        """Products that have this price or stock and whose name stands in a text, with the field."""
        said = f" {plain(text)} "
        rows = [row for value in figure.values for row in self._by_figure.get(value, ())]
        return [row for row in rows if f" {plain(row[0].name)} " in said]


def _number(text: str) -> Decimal | None:
    return Decimal(text.strip()) if re.fullmatch(r"\s*\d{1,9}\s*", text, re.ASCII) else None


def proposal_of(case: Case, prices: Prices) -> Proposal:
    """What one case proposes."""
    mask = _mask(case.contact)
    question = mask(case.question)
    text, look_at = _answer(case, mask)
    draft = mask(case.draft)
    kind: Kind = "faq" if case.what == "question" or "?" in question else "fact"
    found = Proposal(kind, question, text[:LONGEST], draft[:LONGEST], look_at)
    if not case.draft:
        return found
    added, gone = _changed(case.draft, case.answer)
    said = f"{case.question} {case.draft} {case.answer}"
    if len(added) == 1 and len(gone) == 1:
        if prices.named(added[0], said):
            return Proposal(kind, question, settled=True)
        row = prices.named(gone[0], said)
        if len({product_key(product) for product, _ in row}) == 1:
            return Proposal("product", question, text, draft, look_at, _value(*row[0], added[0]))
    if not added and not gone and _same_words(case.draft, case.answer):
        return Proposal("prompt", question, text, draft, look_at)
    return found


def _value(product: Product, field: str, said: Claim) -> ProductValue:
    number = said.values[0]
    value = str(int(number)) if number == int(number) else str(number)
    if field == "stock":
        return ProductValue(
            key=product_key(product), name=product.name, field="stock", was=product.stock, value=value
        )
    return ProductValue(
        key=product_key(product),
        name=product.name,
        field="price",
        was=value_of(product, "price"),
        value=f"{value} {product.currency}".strip(),
    )


def _mask(contact: Contact) -> Mask:
    profile = contact.profile
    people = [contact.name, profile.get("name", ""), profile.get("last_name", "")]
    return Mask(people, [profile.get("company", "")], blanks=True)


def _answer(case: Case, mask: Mask) -> tuple[str, tuple[str, ...]]:
    """A person's words without what is the customer's; what else there may lead to somebody, such as the
    shop's own number, stays and is to be looked at."""
    text, look_at = case.answer, list[str]()
    for kind, raw in people_in(case.answer):
        if is_of_customer(raw, case):
            text = text.replace(raw, f"[{kind}]")
        else:
            look_at.append(raw)
    return mask.names(text), tuple(dict.fromkeys(look_at))


def is_of_customer(raw: str, case: Case) -> bool:
    """Whether a number or an address is one of the customer's own: they wrote it, or it is on their
    record."""
    contact, digits = case.contact, re.sub(r"\D", "", raw)
    known = [contact.wa_id, *(contact.profile.get(name, "") for name in ("phone", "email"))]
    if len(digits) >= 9:  # with and without its country code it is one number
        numbers = [re.sub(r"\D", "", text)[-9:] for text in (*known, case.question)]
        return digits[-9:] in numbers or digits[-9:] in re.sub(r"\D", "", f"{case.question} {case.wrote}")
    wanted, wrote = raw.casefold(), f"{case.question}\n{case.wrote}".casefold()
    return any(wanted == text.casefold() for text in known) or wanted in wrote


def _figures(text: str) -> list[Claim]:
    return [claim for claim in claims_in(text, every=True) if claim.kind in _TOLD]


def _changed(draft: str, text: str) -> tuple[list[Claim], list[Claim]]:
    """Figures and addresses that an edit says and its draft did not, and the other way round."""
    before, now = _figures(draft), _figures(text)
    return _lacking(now, before), _lacking(before, now)


def _lacking(some: Sequence[Claim], others: Sequence[Claim]) -> list[Claim]:
    return [
        claim
        for claim in some
        if not any(
            set(claim.values) & set(other.values) if claim.values else claim.text == other.text
            for other in others
        )
    ]


def _same_words(draft: str, text: str) -> bool:
    one, other = set(terms(draft)), set(terms(text))
    return len(one & other) >= SAME * len(one | other)


def expected_of(question: str, text: str) -> list[str]:
    """What of an answer must stand in the agent's reply: its figures and addresses, else its longest words
    that the question does not have."""
    told = [claim.text.strip() for claim in _figures(text)]
    parts = [part for part in told if part and len(part) <= LONGEST_PART and part in text]
    if parts:
        return list(dict.fromkeys(parts))[:FIGURES]
    asked = set(plain(question).split())
    words = [word for word in re.findall(r"[^\W\d_]{3,80}", text) if plain(word) not in function_words()]
    own = [word for word in words if plain(word) not in asked] or words or text.split()
    longest = sorted(dict.fromkeys(word[:LONGEST_PART] for word in own), key=lambda word: -len(word))[:WORDS]
    return sorted(longest, key=text.index)
