"""The templates of a WhatsApp business account through the Graph API: made, changed, deleted, listed."""

from __future__ import annotations

import mimetypes
from typing import Any
from urllib.parse import urlsplit

from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.downloads import DownloadError, fetch
from channels.json_parts import as_dict, as_dicts, clean_text
from channels.templates.draft import TemplateDraft
from channels.templates.graph import FIELDS, components_of, listed_template, request_of

# Bytes of an example ("Supported media types": films have 16 MB, documents 100; an example needs no more).
LARGEST_EXAMPLE = 16 * 1024 * 1024
A_PAGE = "200"
# What an example is taken for whose name does not say.
_MIME = {"image": "image/jpeg", "video": "video/mp4", "document": "application/pdf"}


class TemplateAccount:
    """The account that a number belongs to. All of it raises SendError."""

    def __init__(self, channel: CloudApi) -> None:
        self._channel, self._account = channel, channel.credentials.business_account_id

    async def make(self, draft: TemplateDraft) -> tuple[str, str, str]:
        """Send a template for approval; its (id, status, category), which Meta may choose itself."""
        handle = await self._handle(draft)
        path = f"{self._account}/message_templates"
        answer = await self._channel.ask("POST", path, json=request_of(draft, handle))
        id = clean_text(answer.get("id"))
        if not id:
            raise SendError("unknown", "the answer names no template")
        status, category = clean_text(answer.get("status")), clean_text(answer.get("category"))
        return id, status or "PENDING", category or draft.category

    async def change(self, template_id: str, draft: TemplateDraft) -> None:
        """Change a template that Meta has, which looks at it anew ("POST /{template}": one that is approved,
        rejected or paused; an approved one once a day and ten times in 30 days)."""
        parts = components_of(draft, await self._handle(draft))
        answer = await self._channel.ask("POST", template_id, json={"components": parts})
        if answer.get("success") is not True:
            raise SendError("change", "the answer does not say that it was changed")

    async def delete(self, template_id: str, name: str) -> None:
        """Delete a template in one language, for ever; its name cannot be used again for 30 days."""
        query = {"hsm_id": template_id, "name": name}
        await self._channel.ask("DELETE", f"{self._account}/message_templates", params=query)

    async def every(self) -> list[dict[str, Any]]:
        """All templates of the account, as they are kept."""
        found, after = list[dict[str, Any]](), ""
        while True:
            query = {"limit": A_PAGE, "fields": FIELDS, **({"after": after} if after else {})}
            answer = await self._channel.ask("GET", f"{self._account}/message_templates", params=query)
            found += [listed_template(row) for row in as_dicts(answer.get("data"))]
            paging = as_dict(answer.get("paging"))
            after = clean_text(as_dict(paging.get("cursors")).get("after"))
            if not after or not paging.get("next"):
                return found

    async def _handle(self, draft: TemplateDraft) -> str:
        """The handle of the example of a header that is a file ("Resumable Upload API": the app of the token
        takes it in two steps)."""
        if draft.header is None or draft.header.format == "text":
            return ""
        url = draft.header.url
        try:
            hosts, trusted = (urlsplit(url).hostname or "",), self._channel.origin
            data = await fetch(self._channel.client, url, {}, LARGEST_EXAMPLE, hosts, trusted)
        except DownloadError as error:
            raise SendError("change", f"header.url: the file cannot be fetched: {error}") from None
        name = urlsplit(url).path.rpartition("/")[2] or "example"
        kind = mimetypes.guess_type(name)[0] or _MIME[draft.header.format]
        kind = "image/png" if data.startswith(b"\x89PNG") else kind
        app = clean_text((await self._channel.ask("GET", "app", params={"fields": "id"})).get("id"))
        about = {"file_name": name, "file_length": str(len(data)), "file_type": kind}
        begun = clean_text((await self._channel.ask("POST", f"{app}/uploads", params=about)).get("id"))
        token = self._channel.credentials.access_token.get_secret_value()
        headers = {"Authorization": f"OAuth {token}", "file_offset": "0"}
        done = await self._channel.ask("POST", begun, headers=headers, content=data)
        handle = clean_text(done.get("h"))
        if not handle:
            raise SendError("retry", "the answer to the upload of the example names no handle")
        return handle
