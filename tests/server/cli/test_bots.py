"""Bots from a file: `salesgraph bots apply`, and the schema that editors check the file by."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.bots import bots_commands
from server.config.bot import bots_schema
from tests.support.shop.bots import name
from tests.support.stack import Stack
from tests.support.waiting import until


def test_the_schema_for_editors_is_up_to_date(tmp_path: Path):
    import jsonschema

    kept = json.loads((Path(__file__).parents[3] / "schemas" / "bots.schema.json").read_text())
    assert kept == json.loads(json.dumps(bots_schema())), "salesgraph bots schema > schemas/bots.schema.json"
    check = jsonschema.Draft202012Validator(kept)
    check.check_schema(kept)
    check.validate(
        [{"id": "almaty", "channel": {"type": "wappi", "profile_id": "p", "token": "t"}, "passages": 7}]
    )
    for wrong in (
        {"id": "A B"},
        {"business": "x"},
        {"id": "a", "nothing": 1},
        {"id": "a", "channel": {"type": "pigeon"}},
    ):
        assert not check.is_valid(wrong)


async def test_bots_are_applied_from_a_file(
    stack: Stack, bots: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bot = name()
    bots.append(bot)
    file = tmp_path / "bots.yaml"
    file.write_text(
        f"bots:\n  - id: {bot}\n    business: From a file\n    prompt_set: bakery\n  - id: {bot}x\n    "
        "wrong: 1\n"
    )
    sets = tmp_path / "sets" / "bakery"
    sets.mkdir(parents=True)
    (sets / "price.md").write_text("Bread first, price second.")
    monkeypatch.setenv("DATA_DIR", str(stack.data_dir))
    monkeypatch.setenv("PROMPT_SETS", str(tmp_path / "sets"))
    run = CliRunner().invoke
    dry = await asyncio.to_thread(run, bots_commands, ["apply", str(file), "--dry-run"])
    assert (dry.exit_code, f"{bot}: created (not stored: --dry-run)" in dry.output) == (1, True)
    assert "wrong: there is no such field" in dry.output
    file.write_text(f"- id: {bot}\n  business: From a file\n")
    done = await asyncio.to_thread(run, bots_commands, ["apply", str(file)])
    assert (done.exit_code, done.output.strip()) == (0, f"{bot}: created")
    again = await asyncio.to_thread(run, bots_commands, ["apply", str(file)])
    assert again.output.strip() == f"{bot}: unchanged"

    async def there() -> bool:
        return (await stack.http.get(f"/api/bots/{bot}")).status_code == 200

    await until(there)
    listed = await asyncio.to_thread(run, bots_commands, ["list"])
    assert "From a file" in listed.output
    file.write_text("- [")
    assert (await asyncio.to_thread(run, bots_commands, ["apply", str(file)])).exit_code == 2
