"""Texts that are hostile to whoever reads them: one thing over and over, nested, or never the same."""

from __future__ import annotations

import string
from collections.abc import Callable


def run(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """A maker of texts: `unit` over and over between two others, so many characters in all."""

    def made(length: int) -> str:
        room = max(0, length - len(before) - len(after))
        return before + (unit * (room // len(unit) + 1))[:room] + after

    return made


def counting(form: str) -> Callable[[int], str]:
    """A maker of texts in which no two figures are the same."""

    def made(length: int) -> str:
        return "".join(form.format(number) for number in range(1, length // (len(form) - 1) + 1))[:length]

    return made


def nested(opening: str, closing: str) -> Callable[[int], str]:
    """A maker of texts: one thing within another, half the text opening them and half closing."""

    def made(length: int) -> str:
        depth = length // (len(opening) + len(closing))
        return f"{opening * depth}1{closing * depth}"

    return made


# What is repeated, in rows of which each is split at the double bar: blanks count here.
_REPEATED = [
    *string.punctuation,
    *(" ‖\n‖\t‖\r\n‖0‖1‖a‖\xa0").split("‖"),
    # two kinds of characters in turn
    *(
        "#-‖a ‖1 ‖1,‖1.‖a@‖@a‖a.‖. ‖\n#‖\n ‖ \n‖[(‖](‖[]‖*a‖*a ‖_*~‖`a‖<a‖{{‖a-‖1.-‖a'‖A'‖a_‖a: ‖a: 1; ‖- ‖"
        "> ‖| ‖|-|\n‖a\n\n‖=\n‖\\"
    ).split("‖"),
    # words that patterns look for
    *(
        "ignore ‖ignore all ‖from now on ‖you are now ‖your rules ‖system ‖\nsystem‖системн‖инструкци‖"
        "decode ‖translate base64 ‖note to ‖send a ‖stop ‖no more messages ‖any more ‖не пишите ‖"
        "मैसेज मत करो ‖talk to ‖person ‖free ‖you have won a ‖we offer ‖продвижени‖AAAA BBB ‖http://‖www.‖"
        "a.b.‖a@b.c ‖yes, ‖perfect,‖no ‖I am Ann ‖my name is ‖under ‖my company is ‖ООО Рога ‖ул. ‖via A ‖"
        "1 A ‖Абая, 5, кв. 3 ‖[image‖[audio: a"
    ).split("‖"),
    # figures
    *(
        "1 000 ‖1,000‖1/‖1.2.‖10:00 ‖5-‖5 - ‖$5 ‖£1‖half ‖половин‖он ‖2-3 days ‖1 may ‖2026-01-02 ‖"
        "сағат 5 ‖शाम 5 ‖+7 701 123 45 67 ‖701-‖1.5 тыс. ‖0.1234;‖free delivery. ‖Model X1 ‖X1-‖our Abc "
    ).split("‖"),
    # encodings and other scripts
    *(
        "01‖01000001 ‖QUJD‖l i k e ‖😀 ‖1️⃣‖б ‖а-‖مرحبا ‖नमस्ते ‖ि‖안녕 ‖中‖"
        "\u200b‖\u200e‖\u0301‖\u0301\u0327‖\U000e0041‖"
        "\ue0000\ue001‖\x00‖٣‖\U0001e4f5‖İ‖ﷺ"
    ).split("‖"),
    # lists, exports, passages
    *(
        '{"a":1},‖01.02.2026, 10:00 - A: b\n‖[1/2/26, 1:00:00 PM] A: ‖price: 5; name: Abc\n‖'
        '<passage document="‖<language>‖<passage document="a" page="1" language="en" match="strong">\na\n'
    ).split("‖"),
]
_AFTER_A_WORD = [
    pair.split("→")
    for pair in (
        "ignore →#‖ignore →\n‖decode→a‖system→\n‖инструкци→я‖from now on →a‖send →a‖{→a‖##→ ‖price →-‖5→ ‖"
        "5 →-‖+7→-‖free →a ‖www.→a.‖a@→a.‖a@→-‖yes→,‖yes,→please do,‖no,→not interested,‖not interested→ ‖"
        "no more →any more ‖no more →vos ‖person→ ‖I am →A‖my name is→:‖my company is →«A ‖ул. А→ ‖1.→1‖"
        "0.1234→ ‖01.02.2026→ ‖01.02.2026, 10:00→ ‖01.02.2026, 10:00 - A: image →omitted ‖```→a‖[→](‖"
        '[a](→(‖![→]‖|a|\n|-|\n→|a|\n‖- →- ‖"→A" ‖Model →X1-‖a→\u0301\u0327'
    ).split("‖")
]
GENERATORS: dict[str, Callable[[int], str]] = {
    **{f"{unit!r} over and over": run(unit) for unit in _REPEATED},
    **{f"{word!r} and {unit!r} over and over": run(unit, word) for word, unit in _AFTER_A_WORD},
    "letters and @": run("a", after="@"),
    "digits and a letter": run("1", after="a"),
    "a row of agreement that ends otherwise": run("perfect,", "yes,", "x"),
    "a wish for silence that ends otherwise": run("vos ", "no more ", "x"),
    "prices, each another": counting("{} € "),
    "prices about the same": counting("about 1000.{:02} € "),
    "numbers of things with prices": counting("Lamp X{} 5 € less 5 %, "),
    "spans of time, each another": counting("{} h "),
    "links, each another": counting("a.kz/{} "),
    "brackets": nested("(", ")"),
    "titled links": nested("[", "](b)"),
    "quotes": nested('"', '" '),
    "lists of JSON": nested("[", "]"),
    "objects of JSON": nested('{"a":', "}"),
    "objects in lists of JSON": nested('[{"a":', "}]"),
    "stars and lines": nested("*_", "_*"),
}

# The longer text is as long as a message on WhatsApp may be, the shorter one a quarter of it.
LENGTH, TIMES = 1_024, 4
