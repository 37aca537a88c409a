"""What goes out with a reply to be tapped, as content of the channels. Its words stay beside it, whole, for a
channel that cannot show more."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import TypeAdapter, ValidationError

from agent.context import Context
from agent.language.phrases import say
from agent.sendable.shared import SharedFile
from channels.content.anything import Content, Stored
from channels.content.interactive import (
    BUTTONS,
    DESCRIPTION,
    TITLE,
    Button,
    ChoiceList,
    Form,
    LocationRequest,
    ReplyButtons,
    Row,
    Section,
)
from channels.content.media import Document, Image, Video
from channels.content.parts import fitted
from channels.content.plain import YES_NO
from channels.markup import utf16_length
from knowledge_base.samples import picture_of
from server.conversations.cart_contents import Piece, cart_pieces
from server.conversations.product_contents import catalogue_piece, facts_of, line_of
from tools.runtime import Option, Shown, ShownProduct

# How the id of what is tapped on begins, where a product stands behind it.
PRODUCT = "product:"
SHORT_BODY, LABEL = 1024, 20
# What may stand before a line of a list.
MARKS = "-•0123456789. "

log = structlog.get_logger()
_STORED: TypeAdapter[Any] = TypeAdapter(Stored)


def pieces_of(
    texts: Sequence[str],
    presented: Sequence[Shown],
    language: str,
    context: Context,
    together: bool = False,
) -> list[Piece]:
    """The bubbles of a reply: what is tapped on stands with the last, so that one message says it all where
    it can; `together`: so do the words with a document. What WhatsApp would not take goes out in words."""
    pieces: list[Piece] = [(text, None) for text in texts]
    if not pieces or not presented:
        return pieces
    try:
        last = _pieces(pieces[-1][0], presented, language, context)
        last = _captioned(last) if together else last
    except ValidationError as error:
        log.error("content_left_out", error=str(error.errors()[0]["msg"])[:200])
        return pieces
    return [*pieces[:-1], *last]


def on_record(content: Content | None) -> dict[str, Any] | None:
    """A content as the transcript keeps it: without the bytes of files and the tokens of forms."""
    return None if content is None else _bare(content.model_dump(mode="json", exclude_defaults=False))


def from_record(kept: dict[str, Any] | None) -> Content | None:
    """The content that a transcript kept, as far as it can be sent again; None for what had bytes."""
    try:
        return _STORED.validate_python(kept) if kept else None
    except ValidationError:
        return None


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        secret = ("data", "token")
        return {k: _bare(v) for k, v in part.items() if k not in secret and v not in ("", None, [], {})}  # pyright: ignore
    return [_bare(one) for one in part] if isinstance(part, list) else part  # pyright: ignore


def _pieces(text: str, presented: Sequence[Shown], language: str, context: Context) -> list[Piece]:
    if cart := next((one.get("cart") for one in reversed(presented) if one.get("sort") == "cart"), None):
        return cart_pieces(text, cart, language)
    cards = [card for one in presented for card in one.get("products", ())]
    options = [option for one in presented for option in one.get("choice", ())]
    files = [file for one in presented for file in context.files if file.name == one.get("file")]
    form = next((f for one in presented for f in context.forms if f.name == one.get("form")), None)
    if shown := catalogue_piece(text, cards, language, context.catalogue_id):
        main = [shown]
    elif len(cards) > 1:
        main = [_product_list(text, cards, language)]
    elif cards:
        main = _one_card(text, cards[0], options, language)
    elif options:
        main = [(_with_options(text, options), _choice(text, options, language))]
    elif form:
        asked = Form(
            body=_short(text),
            flow_id=form.flow_id,
            label=form.label,
            screen=form.screen,
            exchange=form.books,
        )
        main = [(text, asked)]
    elif any(one.get("sort") == "location_request" for one in presented):
        main = [(text, LocationRequest(body=_short(text)))]
    elif len(files) == 1 and utf16_length(text) <= SHORT_BODY and not _is_document(files[0]):
        return [_file(files[0], text)]
    else:
        main = [(text, None)]
    return [*main, *(_file(file, "") for file in files)]


def _captioned(pieces: Sequence[Piece]) -> list[Piece]:
    """Words alone, followed by a file without any, become the caption of the file."""
    if len(pieces) < 2 or pieces[0][1] is not None or utf16_length(pieces[0][0]) > SHORT_BODY:
        return list(pieces)
    (words, _), (address, file) = pieces[:2]
    if not isinstance(file, Document | Image | Video) or file.caption:
        return list(pieces)
    said = "\n".join(filter(None, (words, address)))
    return [(said, file.model_copy(update={"caption": words})), *pieces[2:]]


def _short(text: str) -> str:
    """A body that WhatsApp takes: the last paragraph of a longer text."""
    return text if utf16_length(text) <= SHORT_BODY else fitted(text.split("\n\n")[-1], SHORT_BODY)


def _product_list(text: str, cards: Sequence[ShownProduct], language: str) -> Piece:
    """A list of products; the lines of the reply that say what its rows say are left out of its body."""
    own = {line: card["ref"] for card in cards if (line := _own_line(text, card))}
    lines = text.split("\n")
    rest = [line for line in lines if line.lstrip(MARKS) not in own]
    introduced = lines[0].lstrip(MARKS) not in own
    body = "\n".join([*([] if introduced else [say("choices", language)]), *rest]).strip()
    titles = [fitted(card["name"], TITLE) for card in cards]
    alone = [title if titles.count(title) == 1 else "" for title in titles]
    rows = tuple(_row(card, title, language) for card, title in zip(cards, alone, strict=True))
    content = ChoiceList(body=body, button=say("choose", language), sections=(Section(rows=rows),))
    return _in_words(lines, own, cards, language), content


def _row(card: ShownProduct, title: str, language: str) -> Row:
    """A row of the list; where two names begin alike, the article tells them apart."""
    name, facts = card["name"], facts_of(card, language)
    apart = title or fitted(f"{card['article']} {name}".strip(), TITLE)
    full = f"{name} · {facts}"
    below = full if apart != name and utf16_length(full) <= DESCRIPTION else facts
    return Row(id=f"{PRODUCT}{card['ref']}", title=apart, description=fitted(below, DESCRIPTION))


def _in_words(lines: Sequence[str], own: dict[str, str], cards: Sequence[ShownProduct], language: str) -> str:
    """The reply with its products as numbered lines; where it names them all in its sentences, as it is."""
    numbers = {card["ref"]: number for number, card in enumerate(cards, 1)}
    said = [
        f"{numbers[own[bare]]}. {bare}" if (bare := line.lstrip(MARKS)) in own else line for line in lines
    ]
    text = "\n".join(said)
    if not own and all(card["name"].casefold() in text.casefold() for card in cards):
        return text
    missing = [card for card in cards if card["ref"] not in own.values()]
    return "\n".join([text, *(f"{numbers[card['ref']]}. {line_of(card, language)}" for card in missing)])


def _own_line(text: str, card: ShownProduct) -> str:
    """The line that the reply itself has for a product."""
    lines = (line.lstrip(MARKS) for line in text.split("\n"))
    return next((line for line in lines if line.startswith(f"*{card['name']}*")), "")


def _one_card(text: str, card: ShownProduct, options: Sequence[Option], language: str) -> list[Piece]:
    known = [called.casefold() for called in (card["name"], card["article"]) if called]
    line = line_of(card, language)
    words = text if any(called in text.casefold() for called in known) else f"{text}\n\n{line}"
    picture = _picture(card["picture"])
    if picture is None:
        return [(words, _choice(words, options, language) if options else None)]
    if utf16_length(words) > SHORT_BODY:
        return [(words, None), (line, picture.model_copy(update={"caption": line}))]
    if options and _fit_buttons(options):
        return [(words, ReplyButtons(body=words, buttons=_buttons(options), header=picture))]
    return [(words, picture.model_copy(update={"caption": words}))]


def _picture(address: str) -> Image | None:
    """The picture of a product: at its address, or of the sample shop."""
    if data := picture_of(address):
        return Image(mime_type="image/png", data=data, name=address.partition(":")[2])
    if not address.startswith(("http://", "https://")):
        return None
    mime = mimetypes.guess_type(urlsplit(address).path)[0]
    return Image(mime_type="image/png" if mime == "image/png" else "image/jpeg", url=address)


def _fit_buttons(options: Sequence[Option]) -> bool:
    short = all(utf16_length(o["title"]) <= LABEL and not o["description"] for o in options)
    return short and len(options) <= BUTTONS


def _buttons(options: Sequence[Option]) -> tuple[Button, ...]:
    return tuple(Button(id=option["id"], title=option["title"]) for option in options)


def _choice(text: str, options: Sequence[Option], language: str) -> Content:
    if _fit_buttons(options) and utf16_length(text) <= SHORT_BODY:
        return ReplyButtons(body=text, buttons=_buttons(options))
    rows = tuple(
        Row(id=o["id"], title=fitted(o["title"], TITLE), description=fitted(o["description"], DESCRIPTION))
        for o in options
    )
    return ChoiceList(body=text, button=say("choose", language), sections=(Section(rows=rows),))


def _with_options(text: str, options: Sequence[Option]) -> str:
    """The question with its options as numbered lines, unless it names them all or is one of yes or no."""
    named = all(option["title"].casefold() in text.casefold() for option in options)
    if named or all(option["id"] in YES_NO or option["id"].startswith("slot:") for option in options):
        return text
    said = [" – ".join(filter(None, (o["title"], o["description"]))) for o in options]
    return "\n".join([text, *(f"{number}. {words}" for number, words in enumerate(said, 1))])


def _is_document(file: SharedFile) -> bool:
    return not (mimetypes.guess_type(urlsplit(file.url).path)[0] or "").startswith(("image/", "video/"))


def _file(file: SharedFile, caption: str) -> Piece:
    mime = mimetypes.guess_type(urlsplit(file.url).path)[0] or "application/octet-stream"
    given: dict[str, Any] = {"url": file.url, "name": file.name, "mime_type": mime, "caption": caption}
    words = "\n".join(filter(None, (caption, file.url)))
    if mime in Image.takes:
        return words, Image(**given)
    return words, Video(**given) if mime in Video.takes else Document(**given)
