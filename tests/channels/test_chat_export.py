"""A chat exported from any phone reads the same."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.chat_export import NotAnExport, export_text, parse_export

WHEN = datetime(2023, 12, 31, 23, 59)
# The same moment as phones of these places write it.
HEADS = {
    "Android, Russian, German, Italian": "31.12.2023, 23:59 - ",
    "Android, short year": "31.12.23, 23:59 - ",
    "Android, American": "12/31/23, 11:59 PM - ",
    "Android, American, narrow space": "12/31/23, 11:59\u202fPM - ",
    "Android, British": "31/12/2023, 23:59 - ",
    "Android, Spanish": "31/12/23, 11:59 p. m. - ",
    "Android, Indian": "31/12/23, 11:59 pm - ",
    "Android, Brazilian": "31/12/2023 23:59 - ",
    "Android, Dutch": "31-12-2023 23:59 - ",
    "Android, Swedish": "2023-12-31 23:59 - ",
    "Android, Japanese": "2023/12/31 23:59 - ",
    "Android, Chinese": "2023/12/31 下午11:59 - ",
    "Android, Korean": "2023년 12월 31일 오후 11:59, ",
    "Android, Arabic digits": "٣١/١٢/٢٠٢٣, ١١:٥٩ م - ",
    "Android, Hindi digits": "३१/१२/२३, ११:५९ pm - ",
    "Android, Thai calendar": "31/12/2566 23:59 - ",
    "iPhone": "[31.12.23, 23:59:00] ",
    "iPhone, American": "[12/31/23, 11:59:00\u202fPM] ",
    "iPhone, marked": "\u200e[31.12.2023, 23:59:00] ",
    "iPhone, Finnish": "[31.12.2023 klo 23.59.00] ",
    "iPhone, Portuguese": "[31/12/2023, 23:59:00] ",
    "iPhone, Chinese": "[2023/12/31 下午11:59:00] ",
}


@pytest.mark.parametrize("place", HEADS)
def test_a_message_of_every_place(place: str):
    head = HEADS[place]
    export = parse_export(
        f"{head}Айгуль: Сколько стоит?\n{head}Shop: 900 ₸\nза штуку\n\n{head}Айгуль: ok: thanks"
    )
    assert [(line.at, line.author, line.text) for line in export.lines] == [
        (WHEN, "Айгуль", "Сколько стоит?"),
        (WHEN, "Shop", "900 ₸\nза штуку"),
        (WHEN, "Айгуль", "ok: thanks"),
    ]
    assert (export.authors, export.unread, export.ambiguous) == (["Айгуль", "Shop"], [], False)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("<Media omitted>", "?"),
        ("<Без медиафайлов>", "?"),
        ("<Medien ausgeschlossen>", "?"),
        ("<Multimedia omitido>", "?"),
        ("\u200eimage omitted", "?"),
        ("изображение отсутствует", "?"),
        ("\u200e<attached: 00000012-PHOTO-2023-12-31.jpg>", "00000012-PHOTO-2023-12-31.jpg"),
        ("IMG-20231231-WA0001.jpg (file attached)", "IMG-20231231-WA0001.jpg"),
        ("IMG-20231231-WA0001.jpg (файл добавлен)\nвот эта", "IMG-20231231-WA0001.jpg"),
        ("the image you sent was nice", ""),
        ("see shop.example (open daily)", ""),
    ],
)
def test_files_that_are_not_there(text: str, file: str):
    line = parse_export(f"31.12.23, 23:59 - A: {text}").lines[0]
    assert line.file == file
    assert line.text == ("вот эта" if "вот" in text else "" if file else text)


def test_notices_of_whatsapp_are_nobodys_words():
    export = parse_export(
        "31.12.23, 23:59 - Messages and calls are end-to-end encrypted.\n31.12.23, 23:59 - A: hi\n"
    )
    assert [line.text for line in export.lines] == ["hi"]
    assert export.unread[0][0] == 1


@pytest.mark.parametrize(
    ("rows", "order", "ambiguous"),
    [
        (["03/04/23, 10:00 - A: x", "25/04/23, 10:00 - A: y"], "dmy", False),
        (["04/03/23, 10:00 - A: x", "04/25/23, 10:00 - A: y"], "mdy", False),
        (["01/02/23, 10:00 - A: x", "02/02/23, 10:00 - A: y", "01/03/23, 10:00 - A: z"], "dmy", False),
        (["01/11/23, 10:00 - A: x", "02/10/23, 10:00 - A: y", "03/02/23, 10:00 - A: z"], "mdy", False),
        (["03/04/23, 10:00 - A: x"], "dmy", True),
        (["03/04/23, 10:00 AM - A: x"], "mdy", True),
        (["03/03/23, 10:00 - A: x"], "dmy", False),
    ],
)
def test_which_number_is_the_day(rows: list[str], order: str, ambiguous: bool):
    export = parse_export("\n".join(rows))
    assert (export.order, export.ambiguous) == (order, ambiguous)


def test_the_order_can_be_said():
    assert parse_export("03/04/23, 10:00 - A: x", "mdy").lines[0].at == datetime(2023, 3, 4, 10)


WORDS = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=40
).filter(lambda t: t.strip() == t and bool(t))


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(2012, 1, 1), datetime(2030, 1, 1)),
            st.sampled_from(["Ann", "Ünal Ö", "+7 701 555 01 01"]),
            WORDS,
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(
        ["%d.%m.%Y, %H:%M - ", "[%d/%m/%Y, %H:%M:%S] ", "%Y-%m-%d, %H:%M - ", "%m/%d/%y, %I:%M %p - "]
    ),
)
@settings(max_examples=120)
def test_what_is_written_is_read(rows: list, form: str):
    rows.sort(key=lambda row: row[0])
    text = "\n".join(f"{at.strftime(form)}{author}: x{words}" for at, author, words in rows)
    order = "ymd" if form.startswith("%Y") else "mdy" if form.startswith("%m") else "dmy"
    export = parse_export(text, order)
    assert [(line.author, line.text) for line in export.lines] == [
        (author, f"x{words}") for _, author, words in rows
    ]
    assert [line.at.replace(second=0) for line in export.lines] == [
        at.replace(second=0, microsecond=0) for at, _, _ in rows
    ]


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_anything_else_is_refused_with_a_reason(text: str):
    try:
        assert parse_export(text).lines
    except NotAnExport as error:
        assert str(error)


def test_the_zip_of_an_iphone():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("_chat.txt", "\ufeff[31.12.23, 23:59:00] A: hi")
        pack.writestr("00000001-PHOTO.jpg", b"\xff\xd8")
    assert parse_export(export_text(out.getvalue())).lines[0].text == "hi"
    for wrong in (b"PK\x03\x04 damaged", b"\xff\x00\xfe"):
        with pytest.raises(NotAnExport):
            export_text(wrong)
