"""A batch API as OpenAI describes it ("Batch API", "Files"): a file of requests, a batch over it, a file of
answers. It checks what it is sent, takes some looks until it is done, and answers as the fake model does."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response

from tests.fakes.openai_wire import FakeOpenAI


class FakeBatches:
    """`model` answers each request; `looks` is how often a batch is looked at before it is done; `fails` ends
    every batch without an answer; `loses` are requests, by place in the file, that come back as errors."""

    def __init__(self, model: FakeOpenAI | None = None) -> None:
        self.model = model or FakeOpenAI()
        self.looks, self.fails, self.loses = 2, "", set[int]()
        self.files: dict[str, str] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.app = FastAPI()
        self.app.post("/v1/files")(self.upload)
        self.app.get("/v1/files/{id}/content")(self.content)
        self.app.post("/v1/batches")(self.create)
        self.app.get("/v1/batches/{id}")(self.look)

    async def upload(self, request: Request, file: UploadFile, purpose: Annotated[str, Form()]) -> Any:
        if request.headers.get("authorization") != "Bearer sk-test":
            raise HTTPException(401, "Incorrect API key provided")
        assert purpose == "batch" and (file.filename or "").endswith(".jsonl")
        id = f"file-{len(self.files)}"
        self.files[id] = (await file.read()).decode()
        return {"id": id, "object": "file", "purpose": purpose}

    async def content(self, id: str) -> Response:
        return PlainTextResponse(self.files[id])

    async def create(self, request: Request) -> Any:
        body = await request.json()
        assert body["endpoint"] == "/v1/chat/completions" and body["completion_window"] == "24h"
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        assert rows and len({row["custom_id"] for row in rows}) == len(rows)
        assert {(row["method"], row["url"]) for row in rows} == {("POST", body["endpoint"])}
        assert len({row["body"]["model"] for row in rows}) == 1, "one model a batch"
        id = f"batch_{len(self.batches)}"
        self.batches[id] = {"id": id, "status": "validating", "looks": self.looks, "rows": rows}
        return self.shown(id)

    async def look(self, id: str) -> Any:
        batch = self.batches[id]
        batch["looks"] -= 1
        if batch["looks"] > 0:
            batch["status"] = "in_progress"
        elif self.fails:
            batch |= {"status": "failed", "errors": {"data": [{"message": self.fails}]}}
        elif batch["status"] != "completed":
            batch |= {"status": "completed", "output_file_id": f"out-{id}"}
            self.files[f"out-{id}"] = "\n".join(
                json.dumps(self.answered(row, lost=place in self.loses))
                for place, row in enumerate(batch["rows"])
            )
        return self.shown(id)

    def answered(self, row: dict[str, Any], *, lost: bool) -> dict[str, Any]:
        if lost:
            return {"custom_id": row["custom_id"], "response": None, "error": {"code": "batch_expired"}}
        self.model.requests.append(row["body"])
        response = {"status_code": 200, "body": self.model.answer(row["body"])}
        return {"custom_id": row["custom_id"], "response": response, "error": None}

    def shown(self, id: str) -> dict[str, Any]:
        batch = self.batches[id]
        counts = {"total": len(batch["rows"]), "completed": 0, "failed": 0}
        return {name: value for name, value in batch.items() if name not in ("looks", "rows")} | {
            "object": "batch",
            "request_counts": counts,
        }
