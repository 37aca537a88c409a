"""The description of the API: every operation, answer and field is in it, under names that a client can
use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from server.config.settings import Settings
from server.web.app import create


def test_every_operation_is_described(tmp_path: Path):
    settings = Settings(_env_file=None, data_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    application: Any = create(settings, Redis()).app
    description = application.openapi()
    names: list[str] = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary") and len(operation["tags"]) == 1, (method, path)
            names.append(operation["operationId"])
            for status, answer in operation["responses"].items():
                if status.startswith("2") and status != "204":
                    assert answer["content"], (method, path)
                    assert all(kind["schema"] for kind in answer["content"].values()), (method, path)
            if path.startswith("/api/"):
                assert {"401", "403"} <= operation["responses"].keys(), (method, path)
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)
    schemas = description["components"]["schemas"]
    assert len([name for name in schemas if name.endswith("In")]) > 8
    for name, schema in schemas.items():
        assert "__" not in name  # two models of one name
        forms = ("Body_add_document", "Body_send_attachment")  # FastAPI makes these of a file and its fields
        assert schema.get("description") or name in forms, name
        for field, rule in schema["properties"].items():
            assert rule.get("description") or rule.get("enum"), (name, field)
    assert schemas["ProblemDetails"]["required"] == ["title", "status", "detail"]
