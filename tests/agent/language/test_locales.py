"""What is known of human languages stands in files that people can mend; the code holds no words of them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agent.grounding.claims import claims_in
from agent.grounding.units import month_of, weekday_of
from agent.language import notation, screens
from agent.language.follow_up_phrases import KINDS, touch_text
from agent.language.locale import HERE, LOCALES, SPOKEN, BadLocale, lacks, read_locale
from agent.language.spam import is_spam
from agent.language.wishes import request_in
from agent.language.yes_no import decision_in

ROOT = Path(__file__).parents[3]
# Letters of other alphabets that code may hold, with the reason.
ALLOWED = {
    (
        "agent/models/failures.py",
        "\u4f59\u989d\u4e0d\u8db3",
    ): "what a provider's server says when its account is empty",
}

# Files that are about letters themselves, and why: words stand in none of them.
ABOUT_LETTERS = {
    "knowledge_base/formats/encoding.py": "where an alphabet begins",
    "knowledge_base/goods/wording.py": "letters that look alike, and how each is written in Latin ones",
    "knowledge_base/search/terms.py": "where alphabets end",
    "knowledge_base/vocabulary.py": "a letter that is written in two ways",
}


def _none(name: str) -> str:
    raise AssertionError(f"names another list: {name}")


def pattern(*phrases: str) -> re.Pattern[str]:
    expressions = (notation.expression(notation.checked(phrase), _none) for phrase in phrases)
    return re.compile(notation.bordered(expressions), re.I)


@pytest.mark.parametrize(
    ("phrase", "said", "not_said"),
    [
        ("cat", ["a cat!", "Cat"], ["cats", "bobcat"]),
        ("cat*", ["cats", "cat"], ["bobcat"]),
        ("*cat*", ["bobcats"], ["dog"]),
        ("расход+", ["расходы"], ["расход"]),
        ("thank[s]", ["thank", "thanks"], ["thanksgiving"]),
        ("[no |many ]thanks", ["thanks", "oh, no thanks"], ["nothanks"]),
        ("(two|three) days", ["in three days"], ["days"]),
        ("ne + pas", ["je ne veux pas"], ["ne pas"]),
        ("# days", ["14 days"], ["some days"]),
        ("24/7", ["open 24/7."], ["24-7"]),
        ("p.m.", ["5 p.m."], ["pomp"]),
        ("/m(?=\\d)/", ["m5"], ["ma"]),
        ("नहीं", ["यहनहीं है"], ["हाँ"]),
    ],
)
def test_a_phrase_is_found_where_the_notation_says(phrase: str, said: list[str], not_said: list[str]):
    assert all(pattern(phrase).search(text) for text in said)
    assert not any(pattern(phrase).search(text) for text in not_said)


def test_phrases_that_begin_alike_are_each_found():
    found = pattern("can", "can't", "cancel[s]", "c.o.d.", "un'", "un")
    assert [m.group() for m in found.finditer("can can't cancels")] == ["can", "can", "cancels"]
    assert found.search("pay c.o.d. please")


def test_a_list_is_separated_by_commas_and_lines_but_an_expression_has_its_line():
    assert notation.phrases_of("a b, c,\n/x{1,2}, y/\nd") == ("a b", "c", "/x{1,2}, y/", "d")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "xx.yaml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("screens:\n  stopp: halt\n", "screens.stopp: is no key of a locale; en.yaml has all of them"),
        ("screens:\n  wish: (want|need\n", "screens.wish: `(want|need`: `)` is missing"),
        ("screens:\n  wish: want]\n", "`]` closes nothing"),
        ("screens:\n  wish: want|need\n", "put brackets around what `|` stands between"),
        ("screens:\n  wish: a {Talk} to\n", "write `{name of a list}` where there is a `{`"),
        ("screens:\n  wish: |\n    /want(/\n", "is no regular expression: missing )"),
        ("screens:\n  stop: stop*\n", "this list takes whole phrases; write each out, without *"),
        ("screens:\n  stop: [stop, end]\n", "write the phrases as one text"),
        ("screens:\n  stop: halt\n  stop: ende\n", "line 2: `stop` stands twice; put both together"),
        ("screens:\n  stop: 'halt\n", "xx.yaml, line"),
        ("units:\n  months:\n    13: smarch\n", "units.months.13: "),
        ("texts:\n  says:\n    greeting: Hi\n", "texts.says.unknown: is missing; write it"),
        (
            "texts:\n  says:\n    greeting: Hi {busines}\n",
            "{busines} is unknown here; the names in braces are",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_key_and_its_remedy(file: Path, text: str, told: str):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadLocale) as caught:
        read_locale(file)
    assert "xx.yaml" in str(caught.value) and told in str(caught.value)


def test_a_new_language_is_one_file(tmp_path: Path):
    """Dutch, as far as one sentence goes: its words stop messages, and its texts are said."""
    package = tmp_path / "agent" / "language"
    shutil.copytree(ROOT / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    french = (package / "locales" / "fr.yaml").read_text(encoding="utf-8")
    texts = french[french.index("texts:") : french.index("detect:")].replace("Bonjour", "Goedendag")
    dutch = (
        f"name: Dutch\n{texts}\nscreens:\n  stop: niet meer sturen\nunits:\n  durations:\n    weeks: weken\n"
    )
    (package / "locales" / "nl.yaml").write_text(dutch, encoding="utf-8")
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from agent.language import phrases, screens; from agent.grounding.claims import claims_in;"
            "print(screens.is_stop('Niet meer sturen!'), phrases.say('greeting', 'nl', 'Acme')[:9],"
            "claims_in('binnen 2 weken')[0].unit, claims_in('op 3 augustus')[0].kind)",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["True", "Goedendag", "day", "date"]


@pytest.mark.parametrize("code", ["en", "fr", "tr", "zh"])
def test_a_complete_language_lacks_nothing(code: str):
    assert lacks(LOCALES[code]) == ()


def test_what_a_language_lacks_is_told_by_its_keys():
    assert "texts.says.greeting" in lacks(LOCALES["uk"]) and "uk" not in SPOKEN
    assert "wishes.request" not in lacks(LOCALES["uk"])


@pytest.mark.parametrize("code", LOCALES)
def test_what_a_language_needs_not_is_a_key_and_empty(code: str):
    keys = set(lacks(LOCALES[code].model_copy(update={"needs_no": ()})))
    assert set(LOCALES[code].needs_no) <= keys


@pytest.mark.parametrize("code", LOCALES)
def test_no_word_of_a_language_is_two_numbers(code: str):
    words = [word for spellings in LOCALES[code].numbers.words.values() for word in spellings]
    assert len(words) == len(set(words))


def test_no_word_is_one_number_in_a_language_and_another_in_another():
    found: dict[str, set[float]] = {}
    for locale in LOCALES.values():
        for number, words in locale.numbers.words.items():
            for word in words:
                found.setdefault(word, set()).add(number)
    assert not {word: numbers for word, numbers in found.items() if len(numbers) > 1}


CUSTOMERS = {
    "fr": {
        "stop": [
            "Ne m'écrivez plus, merci",
            "STOP",
            "Je ne veux plus recevoir vos messages",
            "Désabonnez-moi",
        ],
        "person": ["Je voudrais parler à un conseiller", "Passez-moi un responsable s'il vous plaît"],
        "order": ["Je voudrais réserver une table", "Je prends les deux", "Deux pizzas, s'il vous plaît"],
        "cancellation": ["Annulez ma commande", "J'ai changé d'avis, je n'en veux plus"],
        "complaint": ["C'est inadmissible, je veux être remboursée", "La machine ne marche plus"],
        "question": ["Où est ma commande ?", "Est-ce que vous livrez le dimanche ?"],
        "yes": ["Oui, avec plaisir", "D'accord", "Très bien, merci beaucoup"],
        "no": ["Non merci", "Je ne suis pas intéressé"],
        "claims": {"livraison en deux jours": "duration", "le 3 févr.": "date", "250 dollars": "money"},
        "spam": "Félicitations, vous avez gagné ! Dernière chance",
    },
    "tr": {
        "stop": ["Artık mesaj istemiyorum", "Bana bir daha yazmayın lütfen", "Numaramı silin", "iptal"],
        "person": ["Bir temsilciyle görüşmek istiyorum", "Canlı destek"],
        "order": ["İki kilo kahve sipariş vermek istiyorum", "Yarın geleceğim", "Randevu almak istiyorum"],
        "cancellation": ["Siparişi iptal edin", "Vazgeçtim"],
        "complaint": ["Param geri verilsin, ürün bozuk", "Rezalet, makine çalışmıyor"],
        "question": ["Siparişim nerede?", "Ne zaman açıksınız?"],
        "yes": ["Evet, lütfen", "Tamam, çok teşekkürler", "Anlaştık"],
        "no": ["Hayır, teşekkürler", "Gerek yok", "İlgilenmiyorum"],
        "claims": {"iki gün içinde": "duration", "3 Mayıs": "date", "250 dolar": "money", "%20": "percent"},
        "spam": "Tebrikler, hediye kazandınız! Son fırsat, acele edin",
    },
    "zh": {
        "stop": [
            "退订",
            "不要再发了！",
            "请不要再给我发消息",
            "请你们别再给我发广告了",
            "我不想再收到你们的消息",
        ],
        "person": ["转人工", "我要找人工客服", "请帮我联系经理", "我想和真人聊"],
        "order": ["我要订两盒龙井茶", "给我来三份", "帮我预约明天下午三点", "我要这个"],
        "cancellation": ["请帮我取消订单", "我改变主意了，不想要了"],
        "complaint": ["机器坏了，我要退款", "质量太差了"],
        "question": ["我的订单在哪里？", "你们星期天送货吗？"],
        "yes": ["好的，谢谢", "可以", "没问题！"],
        "no": ["不用了，谢谢", "不感兴趣"],
        "claims": {"三天内送到": "duration", "茶叶168元一盒": "money", "保修两年": "duration"},
        "spam": "恭喜您中奖了！限时领取，过期作废",
    },
}


@pytest.mark.parametrize("code", CUSTOMERS)
def test_customers_are_understood_in_their_own_words(code: str):
    said = CUSTOMERS[code]
    assert [text for text in said["stop"] if not screens.is_stop(text)] == []
    assert [text for text in said["person"] if not screens.asks_for_person(text)] == []
    for request in ("order", "cancellation", "complaint"):
        assert [text for text in said[request] if request_in(text) != request] == []
    assert [text for text in said["question"] if request_in(text)] == []
    assert [text for text in said["yes"] if decision_in(text, "?") != "yes"] == []
    assert [text for text in said["no"] if decision_in(text, "?") != "no"] == []
    for text, kind in said["claims"].items():
        assert kind in {claim.kind for claim in claims_in(text)}, text
    assert is_spam(said["spam"])


# Who speaks to a customer as to a friend uses these.
FAMILIAR = {
    "zh": r"你",
    "fr": r"\b(?:tu|toi|ton|ta|tes|t')\b",
    "tr": r"\b(?:sen|sana|seni|senin|ister misin|yaz)\b",
}


@pytest.mark.parametrize("code", FAMILIAR)
def test_customers_are_addressed_with_courtesy(code: str):
    texts = LOCALES[code].texts
    assert texts
    said = [*texts.says.model_dump().values(), *texts.appointments.model_dump().values()]
    said += [touch_text(kind, code, "Acme", "Ana") for kind in KINDS]
    assert [text for text in said if re.search(FAMILIAR[code], text, re.I)] == []


@pytest.mark.parametrize("code", LOCALES)
def test_cldr_gives_months_and_weekdays_of_every_language(code: str):
    import babel

    locale = babel.Locale.parse(code)
    assert [month_of(locale.months["format"]["wide"][n].casefold()) for n in range(1, 13)] == [*range(1, 13)]
    assert [weekday_of(locale.days["format"]["wide"][n].casefold()) for n in range(7)] == [*range(7)]


@cache
def _modules() -> list[Path]:
    return [
        path
        for top in ("agent", "server", "tools", "channels", "knowledge_base")
        for path in sorted((ROOT / top).rglob("*.py"))
    ]


def _literals(path: Path) -> Iterator[str]:
    """The texts in a module's code, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node)
    }  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _foreign(letter: str) -> bool:
    return letter.isalpha() and not unicodedata.name(letter, "LATIN").startswith(
        ("LATIN", "MASCULINE", "FEMININE")
    )


def test_no_code_holds_letters_of_another_alphabet():
    """What is written in them stands in the files of languages. Ranges of letters are written as \\\\u
    escapes."""
    found = [
        (str(path.relative_to(ROOT)), "".join(filter(_foreign, text)))
        for path in _modules()
        for text in _literals(path)
        if any(map(_foreign, text))
    ]
    assert {(path, text) for path, text in found if path not in ABOUT_LETTERS} == set(ALLOWED)
    assert set(ABOUT_LETTERS) <= {path for path, _ in found}


def test_no_code_holds_words_of_the_latin_alphabet_that_are_not_english():
    """Told by the words that only another language has: those with marks on their letters."""
    marked = re.compile(r"[A-Za-z]*[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f][A-Za-z\u00c0-\u024f]+")
    found = {
        (str(path.relative_to(ROOT)), word)
        for path in _modules()
        for text in _literals(path)
        for word in marked.findall(text)
    }
    assert not found


def test_every_file_of_a_language_is_in_the_package():
    import tomllib

    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    assert data["agent.language"] == ["locales/*.yaml"] and {path.suffix for path in HERE.iterdir()} == {
        ".yaml"
    }
    assert "*.yaml" in data["channels"]
