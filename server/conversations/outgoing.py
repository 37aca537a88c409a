"""What a reply is when it goes out: its content where the channel shows it, a template, a file, or words."""

from __future__ import annotations

from channels.content.anything import Content
from channels.content.interactive import Form
from channels.content.media import Document, Template, Text
from channels.content.plain import simplified
from server.bots.bot import BotRuntime
from server.conversations.form_tokens import FormToken, token_for
from server.store.records import Contact, Reply


async def outgoing_content(
    runtime: BotRuntime, contact: Contact, reply: Reply, shows: frozenset[str]
) -> Content:
    """The content where a channel that shows these kinds shows it, else a picture with the words, else the
    words; a form with the token that says who fills it in."""
    if reply.template:
        return Template(name=reply.template, variables=reply.variables)
    if reply.content:
        content = simplified(reply.content, shows)
        if isinstance(content, Form) and not content.token:
            return content.model_copy(update={"token": await _token(runtime, contact, reply, content)})
        return Text(body=reply.text) if isinstance(content, Text) and reply.text else content
    if reply.file:
        file = reply.file
        data = file.text.encode()
        return Document(name=file.name, mime_type=file.mime_type, data=data, caption=reply.text)
    return Text(body=reply.text)


async def _token(runtime: BotRuntime, contact: Contact, reply: Reply, content: Form) -> str:
    """The token of a form of the bot; none of one that its settings do not name (any more)."""
    forms = runtime.bot.context.forms
    name = next((form.name for form in forms if form.flow_id == content.flow_id), "")
    named = FormToken(contact.id, name, reply.id)
    return await token_for(runtime.redis, runtime.bot.id, named) if name else ""
