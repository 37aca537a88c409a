"""A provider's batch API, as OpenAI has it ("Batch API": files, then a batch over one of them): half the
price, an answer within a day."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from server.replay.batch.exchange import ENDPOINT, Row

# Seconds between two looks at a batch: it takes minutes to hours.
PATIENCE = 20.0
# Requests and bytes that one batch may hold ("Batch API": 50,000 requests, 200 MB).
MOST, LARGEST = 50_000, 190_000_000
# How a batch ends without answers, and how it goes on.
ENDED = ("completed", "failed", "expired", "cancelled")


class BatchFailed(RuntimeError):
    """The provider did not take or not finish a batch; the message says what it said."""


@dataclass(frozen=True, slots=True)
class BatchApi:
    """Where batches are sent: a base address that ends in /v1, with its key. `progress` is told in a line how
    far a batch is; `pause` waits so many seconds."""

    http: httpx.AsyncClient
    url: str
    key: str
    progress: Callable[[str], None] = lambda line: None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def answers(self, requests: Iterable[Row]) -> str:
        """The answers to requests, a line of JSON each; those that failed are missing. One batch a model, and
        as many as the limits of the provider ask for. Raises BatchFailed."""
        by_model = sorted(requests, key=_model)
        found = [
            await self._sent(part)
            for _, rows in itertools.groupby(by_model, key=_model)
            for part in _parts(list(rows))
        ]
        return "".join(text if text.endswith("\n") else f"{text}\n" for text in found)

    async def _sent(self, rows: Sequence[Row]) -> str:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file = {"file": ("requests.jsonl", text.encode(), "application/jsonl")}
        uploaded = await self._asked("POST", "/files", files=file, data={"purpose": "batch"})
        order = {"input_file_id": uploaded["id"], "endpoint": ENDPOINT, "completion_window": "24h"}
        batch = await self._asked("POST", "/batches", json=order)
        while batch["status"] not in ENDED:
            counts: Row = batch.get("request_counts") or {}
            done = f"{counts.get('completed', 0)} of {counts.get('total') or len(rows)}"
            self.progress(f"batch {batch['id']}: {batch['status']}, {done}")
            await self.pause(PATIENCE)
            batch = await self._asked("GET", f"/batches/{batch['id']}")
        output = batch.get("output_file_id")
        if not output:
            raise BatchFailed(f"batch {batch['id']} {batch['status']}: {await self._why(batch)}")
        return await self._content(output)

    async def _why(self, batch: Row) -> str:
        """What the provider says of a batch without answers."""
        told: Row = batch.get("errors") or {}
        rows: list[Row] = told.get("data") or []
        errors = [str(row.get("message") or row) for row in rows]
        if not errors and (file := batch.get("error_file_id")):
            errors = (await self._content(file)).splitlines()[:1]
        return "; ".join(errors)[:500] or "no reason is given"

    async def _content(self, file: str) -> str:
        answer = await self._request("GET", f"/files/{file}/content")
        return answer.text

    async def _asked(self, method: str, path: str, **given: Any) -> Row:
        answer = await self._request(method, path, **given)
        try:
            return answer.json()
        except ValueError:
            raise BatchFailed(f"{self.url}{path}: no JSON; the address has to end in /v1") from None

    async def _request(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            answer = await self.http.request(method, f"{self.url}{path}", headers=headers, **given)
        except httpx.HTTPError as error:
            raise BatchFailed(f"{self.url}{path}: no answer ({error!r}); see to OPENAI_BASE_URL") from None
        if answer.status_code >= 400:
            why = answer.text[:300]
            raise BatchFailed(f"{self.url}{path}: HTTP {answer.status_code}, {why}; see to OPENAI_API_KEY")
        return answer


def _model(row: Row) -> str:
    return str(row["body"].get("model", ""))


def _parts(rows: list[Row]) -> Iterable[list[Row]]:
    """Rows in batches that a provider takes."""
    part: list[Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row, ensure_ascii=False).encode()) + 1
        if part and (len(part) >= MOST or size + length > LARGEST):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part
