"""A cart in words: in the contact's language for them, in plain English for a model."""

from __future__ import annotations

from agent.language.order_phrases import order_text
from tools.ordering import CartNote, ShownCart, ShownLine

# Notes that name what there is to choose from.
NAMING = ("several", "which", "unknown_area")


def grouped(number: str) -> str:
    """A price with its thousands apart: `449 000`, `12.50`."""
    whole, _, rest = number.partition(".")
    if not whole.isdecimal():
        return number
    apart = f"{int(whole):,}".replace(",", "\u00a0")
    return f"{apart}.{rest:0<2}" if rest.strip("0") else apart


def money_text(amount: str, currency: str) -> str:
    """A sum as people read it: `1 290.50 KZT`."""
    return f"{grouped(amount)} {currency}".strip()


def note_line(note: CartNote, language: str) -> str:
    """What is to be said of a step."""
    price, other = (
        " ".join([grouped(part.split()[0]), *part.split()[1:]]) if part else ""
        for part in (
            note["price"],
            note["other"],
        )
    )
    line = order_text(note["kind"], language, what=note["what"], n=note["n"], price=price, other=other)
    named = note["options"] if note["kind"] in NAMING else []
    return f"{line} {', '.join(named)}".strip() if named else line


def note_lines(cart: ShownCart, language: str) -> list[str]:
    """What is to be said of a step, each once."""
    return list(dict.fromkeys(note_line(note, language) for note in cart["notes"]))


def cart_lines(cart: ShownCart, language: str) -> list[str]:
    """The cart with what it comes to, line by line; that it is empty, where it is."""
    if not cart["lines"]:
        return [order_text("empty", language)]
    currency = cart["currency"]
    said = [] if cart["order"] else [order_text("cart", language)]
    said += [f"{number}. {_line(line, currency)}" for number, line in enumerate(cart["lines"], 1)]
    area = f"({cart['area']})" if cart["area"] else ""
    if cart["delivery"]:
        said.append(order_text("goods", language, sum=money_text(cart["goods"], currency)))
        fee = money_text(cart["delivery"], currency)
        free = cart["delivery"] == "0"
        said.append(order_text("free" if free else "delivery", language, what=area, sum=fee))
    said.append(f"*{order_text('total', language, sum=money_text(cart['total'], currency))}*")
    if cart["delivery_open"]:
        said.append(order_text("delivery_open", language))
    return said


def _line(line: ShownLine, currency: str) -> str:
    name = line["name"] + (f" ({line['variant']})" if line["variant"] else "")
    each = money_text(line["price"], currency)
    return f"{name}: {line['quantity']} × {each} = {money_text(line['sum'], currency)}"
