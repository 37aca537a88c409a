"""Drop a file in, and the agent has a new tool; a broken one takes nothing with it."""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_google_genai._function_utils import convert_to_genai_function_declarations
from structlog.testing import capture_logs

import tools
from knowledge_base.goods.catalogue import Catalogue

ROWS = [
    {"sku": "AU-ONE", "name": "Aurora One espresso machine", "price": "189000"},
    {"sku": "AU-DUO", "name": "Aurora Duo espresso machine", "price": "449000"},
    {"sku": "GR-PEB", "name": "Pebble hand grinder", "price": "38000"},
]

OURS = {
    "ask_choice",
    "book_call",
    "cart",
    "find_product",
    "request_human",
    "request_location",
    "send_file",
    "send_form",
    "show_products",
}


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
    assert set(tools.found()) == {*OURS, "opening_hours"}
    assert [tool.name for tool in tools.allowed(["opening_*"])] == ["opening_hours"]


def test_patterns_choose_tools():
    assert {tool.name for tool in tools.allowed(["*"])} == set(tools.found())
    assert tools.allowed([]) == []


@pytest.mark.parametrize("name", sorted(tools.found()))
def test_every_tool_keeps_the_contract(name: str):
    found = tools.found()[name]
    schema = convert_to_openai_tool(found)["function"]
    assert schema["name"].replace("_", "").islower()
    assert len(schema["description"]) > 20
    assert "tool_call_id" not in schema["parameters"]["properties"]
    assert inspect.iscoroutinefunction(found.coroutine)
    assert tools.problem_of(found) == ""
    gemini = convert_to_genai_function_declarations([convert_to_openai_tool(found)])[0].function_declarations[
        0
    ]  # pyright: ignore
    assert gemini.name == name and gemini.description
    for asked in (schema["parameters"]["properties"] or {}).values():  # what both providers' schemas know
        assert set(asked) <= {"type", "description", "default", "enum", "items", "anyOf", "title"}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("this is no python", "SyntaxError"),
        ('@tool\ndef blocking(x: str) -> str:\n    """Blocks."""\n    return x', "write it as async def"),
        (
            '@tool("find_product")\nasync def mine(x: str) -> str:\n    """Mine."""\n    return x',
            "the name find_product is taken",
        ),
        (
            '@tool("has spaces")\nasync def mine(x: str) -> str:\n    """Mine."""\n    return x',
            "name it with letters",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_left_out_with_one_clear_line(folder: Path, code: str, why: str):
    (folder / "wrong.py").write_text(f"from langchain_core.tools import tool\n\n{code}\n")
    sys.modules.pop("tools.wrong", None)
    with capture_logs() as logs:
        assert set(tools.found()) == OURS
    (line,) = [line for line in logs if line["event"] == "tool_not_loaded"]
    assert line["source"] == "tools.wrong" and why in line["error"] and "\n" not in line["error"]


def test_an_installed_package_brings_tools(monkeypatch: pytest.MonkeyPatch):
    @tool
    async def crm_search(name: str) -> str:
        """Find somebody in the CRM."""
        return name

    entry = SimpleNamespace(value="crm.tools:all_of_them", load=lambda: [crm_search])
    monkeypatch.setattr(tools, "entry_points", lambda group: [entry] if group == "salesgraph.tools" else [])
    tools.installed.cache_clear()
    try:
        assert [found.name for found in tools.allowed(["crm_*"])] == ["crm_search"]
    finally:
        tools.installed.cache_clear()


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
    assert [row["name"] for row in Catalogue.of_rows(ROWS).find(query).rows] == names
