"""How large a module and a folder may be, and that tests stand where the source does; `make lint` says who
may import whom."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOPS = ("channels", "knowledge_base", "tools", "agent", "server")
# About no one folder of the source: the whole product, every function that reads a text, what tests start and
# use, and data.
OTHERS = {"end_to_end", "durability", "hostile_texts", "support", "fakes", "conversations", "judge"}
LINES = 400


@cache
def parsed(path: Path) -> ast.AST:
    """Without the garbage collector, whose calls in the middle of it CPython 3.11 takes for a recursion gone
    wrong."""
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def modules(top: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in (ROOT / top).rglob("*.py"):
        yield path, parsed(path)


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_only_a_few_know_tools_and_knowledge_base():
    knowing = {
        str(path.relative_to(ROOT / "agent"))
        for path, tree in modules("agent")
        if any(name.split(".")[0] == "knowledge_base" or name == "tools" for name in imports(tree))
    }
    assert knowing == {
        "graph.py",
        "nodes/tools.py",
        "documents.py",
        "models/offline.py",
        "offline/naming.py",
        "offline/quoting.py",
    }


# What is looked up in a variable of the running context, and why it is no hidden input of a turn.
CONTEXT_VARIABLES = {
    "server/operators/tokens.py": "who makes the HTTP request in hand",
    "server/operators/audit.py": "what the HTTP request in hand is about",
    "server/web/languages/viewer.py": "who reads the page in hand: language and time zone",
    "server/replay/batch/exchange.py": "what a request is called in a file of requests, outside of any turn",
    "agent/serializer.py": "what the value that is read holds: LangGraph tells all readers in one place",
}


def test_a_turn_has_no_hidden_inputs():
    """What a turn may use is handed over in the config of its run (`agent.turn_services`)."""
    having = {
        str(path.relative_to(ROOT))
        for top in TOPS
        for path, tree in modules(top)
        if "contextvars" in imports(tree)
    }
    assert having == set(CONTEXT_VARIABLES)


def test_no_folder_is_a_hall():
    for top in (*TOPS, "tests"):
        for folder in {path.parent for path, _ in modules(top)}:
            own = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(own) <= 15, f"{folder.relative_to(ROOT)} has {len(own)} modules"


def test_modules_stay_readable():
    long = {
        str(path.relative_to(ROOT)): n
        for top in (*TOPS, "tests", "benchmarks")
        for path, _ in modules(top)
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert not long


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for top in TOPS
        for path, tree in modules(top)
        if not ast.get_docstring(tree)
    ]  # pyright: ignore[reportArgumentType]
    assert not silent


def test_tests_stand_where_the_source_does():
    folders = {path.parent.relative_to(ROOT / "tests") for path, _ in modules("tests")} - {Path(".")}
    astray = [str(folder) for folder in folders if folder.parts[0] not in OTHERS | set(TOPS)]
    astray += [str(f) for f in folders if f.parts[0] in TOPS and not (ROOT / f / "__init__.py").exists()]
    assert not astray, "a test stands in the folder of tests/ that is named like the source it is about"


def test_what_tests_share_stands_in_a_module_of_its_own():
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for top in ("tests", "benchmarks", "docs")
        for path, tree in modules(top)
        for name in imports(tree)
        if name.startswith("tests.")
        and (".test_" in name or not (ROOT / f"{name.replace('.', '/')}.py").exists())
        and not (ROOT / name.replace(".", "/")).is_dir()
    }
    assert not wrong, "tests/support, or a module beside the test, has what several tests use"


def test_every_test_that_is_named_somewhere_exists():
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "Makefile"]
    texts += [ROOT / ".github/workflows/ci.yml", *(path for top in TOPS for path, _ in modules(top))]
    named = {name for path in texts for name in re.findall(r"\btests/[\w/.]*\w", path.read_text("utf-8"))}
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


PIPELINE = (
    *("store/mailbox.lua", "store/mailbox.py", "store/scripts.py"),
    *("pipeline/worker.py", "pipeline/turn.py", "pipeline/sender.py"),
)


def lines_of_code(path: Path) -> int:
    """Without blank lines, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    said: set[int] = set()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                said |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = [line.strip() for number, line in enumerate(text.splitlines(), 1) if number not in said]
    return sum(bool(line) and not line.startswith(("#", "--")) for line in lines)


def test_the_turn_pipeline_can_be_read_in_one_sitting():
    assert sum(lines_of_code(ROOT / "server" / name) for name in PIPELINE) < 1_000


def test_every_script_says_what_it_guarantees():
    """At least one line of comment under the header of each section."""
    lines = (ROOT / "server" / "store" / "mailbox.lua").read_text(encoding="utf-8").splitlines()
    headers = [number for number, line in enumerate(lines) if line.startswith("-- [") and "keys:" in line]
    assert len(headers) > 10
    assert all(lines[number + 1].startswith("-- arguments:") for number in headers)
    assert all(lines[number + 2].startswith("-- ") for number in headers)


# Names that several modules may have, and why: a reader finds them with their module.
SHARED_NAMES = {
    "Document": "WhatsApp's word for a file in a message; the design's for one of the knowledge base",
    "add": "puts a page on the dashboard, or tools at hand: what is added stands in the module's name",
    "classify": "what an error of this provider means, in each channel's module",
    "main": "where a process begins",
    "parse": "the webhook body of this provider, in each channel's module",
    "router": "the routes of a part of the web application",
    "signature": "of this provider's webhook, in each channel's module",
}
# Decorators of what is called by its address or as a command, and never by its name.
CALLED_OTHERWISE = {"get", "post", "put", "patch", "delete", "command", "callback"}


def is_called_otherwise(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr in CALLED_OTHERWISE for call in calls)


def test_a_public_name_means_one_thing():
    """So that a reader can follow a function or a class by its name alone. Emulators use the words of the
    provider that they play."""
    homes: dict[str, set[str]] = {}
    for top in TOPS:
        for path, tree in modules(top):
            if path.parent.name == "emulators":
                continue
            for node in ast.iter_child_nodes(tree):
                named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                if named and not node.name.startswith("_") and not is_called_otherwise(node):
                    homes.setdefault(node.name, set()).add(str(path.relative_to(ROOT)))
    twice = {name: sorted(paths) for name, paths in homes.items() if len(paths) > 1}
    assert {name: paths for name, paths in twice.items() if name not in SHARED_NAMES} == {}
    assert set(SHARED_NAMES) <= set(twice), "a name that is no longer shared needs no exception"
