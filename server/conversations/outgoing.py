"""What a reply is when it goes out: its content where the channel shows it, a template, a file, or words."""

from __future__ import annotations

import mimetypes
from typing import Any
from urllib.parse import urlsplit

from channels.base import SendError
from channels.content.anything import Content
from channels.content.interactive import Form
from channels.content.media import Document, Image, Template, TemplateTap, Text, Video
from channels.content.plain import simplified
from channels.templates.draft import VARIABLE, TemplateHeader
from channels.templates.graph import is_named
from server.bots.bot import BotRuntime
from server.conversations.attachments import sent
from server.conversations.form_tokens import FormToken, token_for
from server.store.message_templates import MessageTemplate, one_template
from server.store.records import AttachedFile, Contact, Reply, TemplateParts


async def outgoing_content(
    runtime: BotRuntime, contact: Contact, reply: Reply, shows: frozenset[str]
) -> Content:
    """The content where a channel that shows these kinds shows it, else a picture with the words, else the
    words; a form with the token that says who fills it in."""
    if reply.template:
        known = await one_template(runtime.redis, runtime.bot.id, reply.template)
        return filled_template(known, reply) if known else _bare_template(reply)
    if reply.content:
        content = simplified(reply.content, shows)
        if isinstance(content, Form) and not content.token:
            return content.model_copy(update={"token": await _token(runtime, contact, reply, content)})
        return Text(body=reply.text) if isinstance(content, Text) and reply.text else content
    if reply.attached:
        return await _attached(runtime, reply, reply.attached)
    if reply.file:
        file = reply.file
        data = file.text.encode()
        return Document(name=file.name, mime_type=file.mime_type, data=data, caption=reply.text)
    return Text(body=reply.text, quoted_id=reply.quoted_id)


async def _attached(runtime: BotRuntime, reply: Reply, file: AttachedFile) -> Content:
    """The file with its words. Raises SendError for one that waited for longer than it is kept."""
    data = await sent.kept(runtime.redis, runtime.bot.id, reply.id)
    if data is None:
        raise SendError("change", "the file waited for too long and is kept no longer: send it again")
    try:
        return sent.content_of(file, data, reply.text)
    except sent.BadFile as error:
        raise SendError("change", str(error)) from None


def _bare_template(reply: Reply) -> Template:
    """A template that nobody has read from the provider: its body's variables are all that is known."""
    return Template(name=reply.template, variables=reply.variables)


def filled_template(known: MessageTemplate, reply: Reply) -> Template:
    """A template with what fills it; a file above its body is the one that its owner gave, where the message
    names no other."""
    parts = reply.parts or TemplateParts()
    above: dict[str, Any] = {}
    if (header := known.header) and header.format != "text":
        above["header"] = _file(header, parts.header or header.url)
    elif header and (names := VARIABLE.findall(header.text)) and parts.header:
        above = {"header": parts.header, "header_name": names[0] if is_named(tuple(names)) else ""}
    names = (
        known.variables if is_named(known.variables) and len(known.variables) == len(reply.variables) else ()
    )
    return Template(
        name=reply.template, variables=reply.variables, names=names, taps=_taps(known, parts), **above
    )


def _file(header: TemplateHeader, url: str) -> Image | Video | Document | str:
    """The file above the body; nothing where no address of one is known."""
    if not url:
        return ""
    name = urlsplit(url).path.rpartition("/")[2]
    mime = mimetypes.guess_type(name)[0] or ""
    if header.format == "image":
        return Image(mime_type="image/png" if mime == "image/png" else "image/jpeg", url=url)
    if header.format == "video":
        return Video(mime_type=mime if mime in Video.takes else "video/mp4", url=url)
    return Document(mime_type=mime or "application/pdf", url=url, name=name[:240] or "file")


def _taps(known: MessageTemplate, parts: TemplateParts) -> tuple[TemplateTap, ...]:
    """The values of the buttons that take one; a code that the message does not name is the template's."""
    values, taps = list(parts.buttons), list[TemplateTap]()
    for index, button in enumerate(known.buttons):
        takes = (button.type == "url" and bool(VARIABLE.search(button.url))) or button.type == "copy_code"
        if not takes:
            continue
        value = values.pop(0) if values else button.example if button.type == "copy_code" else ""
        if value:
            taps.append(
                TemplateTap(index=index, kind="url" if button.type == "url" else "copy_code", value=value)
            )
    return tuple(taps)


async def _token(runtime: BotRuntime, contact: Contact, reply: Reply, content: Form) -> str:
    """The token of a form of the bot; none of one that its settings do not name (any more)."""
    forms = runtime.bot.context.forms
    name = next((form.name for form in forms if form.flow_id == content.flow_id), "")
    named = FormToken(contact.id, name, reply.id)
    return await token_for(runtime.redis, runtime.bot.id, named) if name else ""
