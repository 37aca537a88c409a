"""The texts of a locale file: what the agent says by itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _with(*names: str) -> AfterValidator:
    """A text in which only these stand in braces."""

    def check(text: str) -> str:
        if unknown := set(re.findall(r"\{([^}]*)\}", text)) - set(names):
            known = ", ".join(f"{{{name}}}" for name in names) or "none"
            raise ValueError(f"{{{min(unknown)}}} is unknown here; the names in braces are: {known}")
        return text

    return AfterValidator(check)


Text = Annotated[str, Field(min_length=1), _with("business")]
TextOfTime = Annotated[str, Field(min_length=1), _with("when")]
TextOfDays = Annotated[str, Field(min_length=1), _with("days", "from", "to")]
TextOfThing = Annotated[str, Field(min_length=1), _with("what")]
# The words of a button: WhatsApp takes 20 characters.
Label = Annotated[str, Field(min_length=1, max_length=20)]
Touch = Annotated[str, Field(min_length=1), _with("business", "name")]


class Says(_Part):
    """What the agent says without a model. {business} is the name of the shop."""

    greeting: Text
    unknown: Text
    apology: Text
    refusal: Text
    not_client: Text
    handed_over: Text
    still_waiting: Text
    missed_call: Text
    back_at: TextOfTime
    stopped: Text
    started: Text
    reset: Text
    no_history: Text
    media: Text
    unheard: Text
    too_large: Text
    unreadable: Text
    write_start: Text
    order_noted: Text
    checking: Text
    thanks: Text
    more: Text
    noted: Text
    who: Text
    goodbye: Text
    sorry: Text
    unknown_again: Text
    no_discount: Text
    open_now: TextOfTime
    closed_now: TextOfTime
    hours: TextOfDays
    closed_days: TextOfDays
    clock: TextOfTime
    in_stock: Text
    out_of_stock: Text
    nearest: TextOfThing
    perhaps: Text
    quoted: Text
    name: Text
    email: Text
    company: Text
    phone: Text
    agree: Label
    decline: Label
    choose: Label
    choices: Text
    gone: TextOfThing
    form_again: Text
    form_old: Text
    slot_taken: Text
    no_slots: Text


class AppointmentTexts(_Part):
    """What is said of an appointment for a call. {when} is a date and a time."""

    confirmed: TextOfTime
    reminder: TextOfTime


TextOfMoney = Annotated[str, Field(min_length=1), _with("what", "sum")]
TextOfPieces = Annotated[str, Field(min_length=1), _with("what", "n")]
TextOfPrices = Annotated[str, Field(min_length=1), _with("what", "price", "other")]
TextOfOrder = Annotated[str, Field(min_length=1), _with("number", "sum", "link")]


class OrderTexts(_Part):
    """What is said of a cart and of an order. {what} is a product, {sum} and {price} are money with its
    currency, {number} is that of an order."""

    add: Label
    confirm: Label
    empty_it: Label
    cart: Text
    empty: Text
    goods: TextOfMoney
    delivery: TextOfMoney
    free: TextOfThing
    delivery_open: Text
    total: TextOfMoney
    ask: Text
    where: Text
    unknown: TextOfThing
    several: TextOfThing
    gone: TextOfThing
    price_unsure: TextOfThing
    sold_out: TextOfThing
    fewer: TextOfPieces
    other_price: TextOfPrices
    new_price: TextOfPrices
    other_currency: TextOfPrices
    which: TextOfThing
    bad_quantity: TextOfPieces
    too_many: TextOfPieces
    not_in_cart: TextOfThing
    unknown_area: TextOfThing
    stale: Text
    placed: TextOfOrder
    placed_before: TextOfPieces
    paid: TextOfOrder
    packed: TextOfOrder
    sent: TextOfOrder
    done: TextOfOrder
    cancelled: TextOfOrder
    pay: TextOfOrder
    pay_button: Label


class FollowUpTexts(_Part):
    """The messages of a follow-up sequence. {name} is the contact's name behind a comma, or nothing."""

    reminder: Touch
    value: Touch
    social_proof: Touch
    last_chance: Touch
    farewell: Touch


class LocaleTexts(_Part):
    """What the agent says by itself. `comma` stands before a name."""

    comma: str = ", "
    says: Says
    appointments: AppointmentTexts
    orders: OrderTexts
    follow_ups: FollowUpTexts
