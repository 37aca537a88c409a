"""The catalogues: up to the sources, complete, and kind to those who begin another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from agent.context import STAGES
from agent.profile import PROFILE_FIELDS
from knowledge_base.goods.corrections import Editable
from server.notifications.deliveries import EventName
from server.observability import answered_otherwise
from server.observability.health.record import Standing
from server.operators.learning.suggestions import State
from server.operators.tokens import Role
from server.orders.records import OrderState
from server.web.languages import catalogues
from server.web.languages.update import extracted, main, updated
from server.web.languages.words import NAMES, OF, REASONS

PLACE, ELEMENT = re.compile(r"%\(\w+\)s|%%"), re.compile(r"</?[a-z][^>]*>")


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def forms(said: object) -> list[str]:
    return [said] if isinstance(said, str) else [str(each or "") for each in said or ()]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]


def wrong_with(message: Message, plurals: int) -> Iterator[str]:
    """What is wrong with the translation of a message."""
    ids, said = forms(message.id), forms(message.string)
    if message.fuzzy:
        yield "is fuzzy"
    if len(said) != (plurals if len(ids) > 1 else 1):
        yield f"has {len(said)} forms"
    for each in said:
        if not each.strip():
            yield "is empty"
        elif sorted(PLACE.findall(each)) != sorted(PLACE.findall(ids[-1])):
            yield "has other placeholders"
        elif sorted(ELEMENT.findall(each)) != sorted(ELEMENT.findall(ids[-1])):
            yield "has other elements"
        elif re.sub(r"%\(\w+\)s|%%", "", each).count("%"):
            yield "has a % that is not written twice"


def test_every_catalogue_has_the_texts_of_the_sources():
    stale = [
        path.stem
        for path in catalogues.FOLDER.glob("*.po")
        if path.read_bytes() != updated(path.stem, extracted())
    ]
    assert not stale, "make languages"


def test_every_catalogue_is_complete():
    wrong = {
        f"{path.stem}: {forms(message.id)[0]}": why
        for path in catalogues.FOLDER.glob("*.po")
        for message in read(path)
        if message.id and (why := list(wrong_with(message, get_plural(path.stem)[0])))
    }
    assert not wrong


def test_what_is_wrong_with_a_translation_is_found():
    def of(
        said: str | tuple[str, ...], *flags: str, id: str | tuple[str, str] = "<b>%(name)s</b> waits"
    ) -> list[str]:
        return list(wrong_with(Message(id, said, flags=flags), 2))

    assert not of("Wartet: <b>%(name)s</b>")
    assert of("") == ["is empty"]
    assert of("Wartet: <b>%(name)s</b>", "fuzzy") == ["is fuzzy"]
    assert of("<b>%(namen)s</b> wartet") == ["has other placeholders"]
    assert of("%(name)s wartet") == ["has other elements"]
    assert of("100 % <b>%(name)s</b>") == ["has a % that is not written twice"]
    assert of(("%(num)s Tag",), id=("%(num)s day", "%(num)s days")) == ["has 1 forms"]


def test_a_language_is_begun_and_kept_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    main(["tr"])
    path = tmp_path / "tr.po"
    begun = read(path)
    assert len(begun) == len(extracted()) > 700 and begun.num_plurals == 2
    whole = path.read_text("utf-8").replace(
        'msgid "Contacts"\nmsgstr ""', 'msgid "Contacts"\nmsgstr "Kişiler"'
    )
    path.write_text(whole + '\nmsgid "a text that is gone"\nmsgstr "yok"\n', "utf-8")
    main([])
    assert path.read_text("utf-8") == whole
    assert read(path)["Contacts"].string == "Kişiler"
    with pytest.raises(SystemExit, match="klingonese"):
        main(["klingonese"])


@pytest.mark.parametrize(
    ("of", "names"),
    [
        ("order", get_args(OrderState)),
        ("role", get_args(Role)),
        ("account", get_args(Standing)),
        ("suggestion", get_args(State)),
    ],
)
def test_every_state_has_words(of: str, names: tuple[str, ...]):
    assert {name.replace("_", " ") for name in names} <= OF[of]


def test_every_name_of_ours_has_words():
    ours = {*STAGES, *PROFILE_FIELDS, *get_args(EventName), *get_args(Editable)}
    assert {name.replace("_", " ") for name in ours} <= NAMES
    assert answered_otherwise.REASONS == REASONS
