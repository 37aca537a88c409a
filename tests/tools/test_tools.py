"""Drop a file in, and the agent has a new tool; a broken one takes nothing with it."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool

import tools
from agent.context import price_list
from tools.find_product import find_product, matching

ROWS = [
    {"sku": "AU-ONE", "name": "Aurora One espresso machine", "price": "189000"},
    {"sku": "AU-DUO", "name": "Aurora Duo espresso machine", "price": "449000"},
    {"sku": "GR-PEB", "name": "Pebble hand grinder", "price": "38000"},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tools, "__path__", [*tools.__path__, str(tmp_path)])
    tools.installed.cache_clear()
    yield tmp_path
    tools.installed.cache_clear()


def test_a_dropped_file_is_a_tool_and_a_broken_one_is_left_out(folder: Path):
    (folder / "opening_hours.py").write_text(
        textwrap.dedent('''
        from langchain_core.tools import tool

        @tool
        async def opening_hours(day: str) -> str:
            """When the shop is open on a day of the week."""
            return "10:00 to 19:00"
    ''')
    )
    (folder / "broken_tool.py").write_text("import nothing_of_that_name")
    (folder / "clashing.py").write_text((folder / "opening_hours.py").read_text())
    assert set(tools.found()) == {"book_call", "find_product", "request_human", "opening_hours"}
    assert [tool.name for tool in tools.allowed(["opening_*"])] == ["opening_hours"]


def test_patterns_choose_tools():
    assert {tool.name for tool in tools.allowed(["*"])} == set(tools.found())
    assert tools.allowed([]) == []


@pytest.mark.parametrize("name", sorted(tools.found()))
def test_every_tool_keeps_the_contract(name: str):
    tool = tools.found()[name]
    schema = convert_to_openai_tool(tool)["function"]
    assert schema["name"].replace("_", "").islower()
    assert len(schema["description"]) > 20
    assert "tool_call_id" not in schema["parameters"]["properties"]
    assert inspect.iscoroutinefunction(tool.coroutine)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Aurora Duo", ["Aurora Duo espresso machine"]),
        ("how much is the aurora one?", ["Aurora One espresso machine"]),
        ("grinders", ["Pebble hand grinder"]),
        ("gr-peb", ["Pebble hand grinder"]),
        ("bicycle", []),
        ("", []),
        ("espresso machine", ["Aurora One espresso machine", "Aurora Duo espresso machine"]),
    ],
)
def test_products_are_found(query: str, names: list[str]):
    assert [row["name"] for row in matching(query, ROWS)] == names


async def test_the_price_list_of_the_turn_is_the_one_that_counts():
    assert await find_product.ainvoke({"query": "Aurora Duo"}) == "nothing found"
    price_list.set(ROWS)
    assert "449000" in await find_product.ainvoke({"query": "Aurora Duo"})
