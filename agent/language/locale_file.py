"""What a locale file holds. `locales/en.yaml` says of every key what it is for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.language.locale_texts import LocaleTexts
from agent.language.notation import checked, phrases_of, plain_phrase

Duration = Literal["minutes", "quarters", "hours", "days", "weeks", "months", "years"]
Month = Annotated[int, Field(ge=1, le=12)]
Noteworthy = Literal["allergy", "budget", "family"]
Topic = Literal["discount", "address", "payment", "delivery", "warranty", "returns"]
Weekday = Annotated[int, Field(ge=0, le=6)]  # 0 is Monday


def _list(text: object) -> tuple[str, ...]:
    if not isinstance(text, str):
        raise ValueError("write the phrases as one text, with commas or line ends between them")
    return phrases_of(text)


def _phrases(text: object) -> tuple[str, ...]:
    return tuple(map(checked, _list(text)))


def _words(text: object) -> tuple[str, ...]:
    return tuple(map(plain_phrase, _list(text)))


Phrases = Annotated[tuple[str, ...], BeforeValidator(_phrases)]
# Whole phrases without any notation.
Plain = Annotated[tuple[str, ...], BeforeValidator(_words)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Detect(_Section):
    """How a short text shows that it is in this language."""

    function_words: Plain = ()
    hints: Plain = ()
    letters: Plain = ()


class Screens(_Section):
    """What can be told from a message without a model."""

    stop: Plain = ()
    start: Plain = ()
    greeting: Plain = ()
    small_talk: Plain = ()
    thanks: Plain = ()
    grateful: Plain = ()
    warm: Plain = ()
    which_messages: Phrases = ()
    message_words: Phrases = ()
    messages: Phrases = ()
    stop_sentence: Phrases = ()
    please: Phrases = ()
    stop_ending: Phrases = ()
    wish: Phrases = ()
    whom: Phrases = ()
    whom_vague: Plain = ()
    real_person: Phrases = ()
    lone_person: Plain = ()
    who_are_you: Phrases = ()
    goodbye: Plain = ()
    emergency: Phrases = ()
    wait: Phrases = ()


class YesNo(_Section):
    """A definitive yes or no as the whole message."""

    agrees: Phrases = ()
    agrees_more: Phrases = ()
    declines: Phrases = ()
    declines_more: Phrases = ()
    maybe: Phrases = ()
    decides: Phrases = ()
    unsure: Phrases = ()
    asks_more: Phrases = ()
    asked: Phrases = ()
    alternatives: Phrases = ()
    declines_flatly: Phrases = ()
    before_declining: Phrases = ()


class Wishes(_Section):
    """What is asked of the people of the shop: an order, its cancellation, a complaint."""

    do: Phrases = ()
    many: Phrases = ()
    asked_for: Phrases = ()
    want_to: Phrases = ()
    reach: int = 30
    decided: Phrases = ()
    contrary: Phrases = ()
    leads: Phrases = ()
    asks: Phrases = ()
    may: Phrases = ()
    go: Phrases = ()
    courteous: Phrases = ()
    cancels: Phrases = ()
    complains: Phrases = ()
    supposes: Phrases = ()
    supposes_first: Phrases = ()
    denial: Phrases = ()
    no_behind: Phrases = ()
    request: Phrases = ()
    in_general: Phrases = ()
    recommends: Phrases = ()


class Injection(_Section):
    """Attempts on the rules of the agent."""

    rules: Phrases = ()
    drop: Phrases = ()
    drop_behind: Phrases = ()
    old: Phrases = ()
    hidden: Phrases = ()
    show: Phrases = ()
    verbatim: Phrases = ()
    attempt: Phrases = ()
    role_play: Phrases = ()
    from_now_on: Phrases = ()
    you_are_now: Phrases = ()
    models: Phrases = ()
    unethical: Phrases = ()
    no_refusal: Phrases = ()
    jailbreak: Phrases = ()
    sends: Phrases = ()
    orders_to_play: Phrases = ()
    commands: Phrases = ()


class Spam(_Section):
    """Signs of advertising. Two different ones make a message spam."""

    prize: Phrases = ()
    hurry: Phrases = ()
    short_code: Phrases = ()
    charge: Phrases = ()
    gift: Phrases = ()
    dating: Phrases = ()
    promotion: Phrases = ()
    supplier: Phrases = ()
    job: Phrases = ()
    earn: Phrases = ()


class Numbers(_Section):
    """Numbers in letters. They count only before a unit."""

    words: dict[float, Plain] = {}
    tens: Plain = ()


class Units(_Section):
    """What gives a number its meaning."""

    currencies: dict[str, Phrases] = {}
    percent: Phrases = ()
    percent_before: Phrases = ()
    durations: dict[Duration, Phrases] = {}
    measures: dict[str, Phrases] = {}
    pieces: Phrases = ()
    multipliers: dict[int, Phrases] = {}
    months: dict[Month, Phrases] = {}
    weekdays: dict[Weekday, Phrases] = {}
    things: dict[str, Phrases] = {}
    stocked: Phrases = ()


class Claims(_Section):
    """Times, dates and offers in a text."""

    hour_behind: Phrases = ()
    hour_before: Phrases = ()
    time_before: Phrases = ()
    hour_sign: Phrases = ()
    late: Phrases = ()
    late_before: Phrases = ()
    today: Phrases = ()
    tomorrow: Phrases = ()
    to: Phrases = ()
    till: Phrases = ()
    date_lead: Phrases = ()
    day_to: Phrases = ()
    day_ending: Phrases = ()
    of: Phrases = ()
    ordinal_lead: Phrases = ()
    before_range_end: Phrases = ()
    day_word: Plain = ()
    free: Phrases = ()
    free_or_vacant: Plain = ()
    vacant: Phrases = ()
    half: Phrases = ()
    quarter: Phrases = ()
    double: Phrases = ()
    lifetime: Phrases = ()
    article: Phrases = ()


class Grounding(_Section):
    """What stands around a claim and decides whether it is one."""

    daily: Phrases = ()
    no_before: Phrases = ()
    no_age: Phrases = ()
    about: Phrases = ()
    not_granted: Phrases = ()
    own_to_spend: Phrases = ()
    instalments: Phrases = ()
    together_with: Phrases = ()
    less: Phrases = ()
    price_header: Phrases = ()
    stock_header: Phrases = ()
    total: Phrases = ()


class Names(_Section):
    """Names of people, companies and products."""

    article: Phrases = ()
    no_products: Plain = ()
    polite: Plain = ()
    my_name_is: Phrases = ()
    maybe_name: Phrases = ()
    is_my_name: Phrases = ()
    here: Phrases = ()
    last_name_is: Phrases = ()
    i_am: Plain = ()
    hello: Phrases = ()
    my_company_is: Phrases = ()
    legal_forms: Plain = ()
    latin: dict[str, str] = {}
    number_ending: Phrases = ()


class Columns(_Section):
    """The words people put over columns of lists, in small letters."""

    product_name: Plain = ()
    product_price: Plain = ()
    product_currency: Plain = ()
    product_code: Plain = ()
    phone: Plain = ()
    company: Plain = ()
    consent: Plain = ()
    yes_words: Plain = ()
    contact_class: Plain = ()
    email: Plain = ()
    language: Plain = ()
    last_name: Plain = ()
    name: Plain = ()


class Asking(_Section):
    """What is asked of the shop, told without a model."""

    hours: Phrases = ()
    works: Phrases = ()
    now: Phrases = ()
    joins: Phrases = ()
    about: Phrases = ()
    begins: Phrases = ()
    topics: dict[Topic, Phrases] = {}
    noteworthy: dict[Noteworthy, Phrases] = {}


class Offline(_Section):
    """What the model that works without a network goes by."""

    client_says: tuple[str, ...] = ()
    other_says: tuple[str, ...] = ()
    asks_price: Phrases = ()
    asks_range: Phrases = ()


class Addresses(_Section):
    """Addresses, to be masked in saved conversations."""

    street: Phrases = ()
    house: Phrases = ()
    flat: Phrases = ()
    written: Phrases = ()
    particles: Plain = ()
    fleeting_vowels: Plain = ()
    vowels: Plain = ()
    stand_in_names: Plain = ()


class Locale(_Section):
    """All that is known of a language. Without `texts` the agent understands it and does not speak it.
    `needs_no`: keys for which the language has no words, such as `names.polite` where politeness takes no
    capital. `also_reads`: languages that most of its speakers read, the best first."""

    name: str = ""
    also_reads: Plain = ()
    needs_no: Plain = ()
    texts: LocaleTexts | None = None
    detect: Detect = Detect()
    screens: Screens = Screens()
    yes_no: YesNo = YesNo()
    wishes: Wishes = Wishes()
    injection: Injection = Injection()
    spam: Spam = Spam()
    numbers: Numbers = Numbers()
    units: Units = Units()
    claims: Claims = Claims()
    grounding: Grounding = Grounding()
    names: Names = Names()
    columns: Columns = Columns()
    asking: Asking = Asking()
    offline: Offline = Offline()
    addresses: Addresses = Addresses()
