"""The documentation: generated pages follow the code, links lead somewhere, every page is in the table of
contents."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOPS = ("channels", "knowledge_base", "tools", "agent", "server")
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "deploy/README.md")
    ),
    *sorted(DOCS.rglob("*.md")),
]
SPEC: Any = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
GENERATE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATE)


@pytest.mark.parametrize("page", GENERATE.PAGES)
def test_a_generated_page_is_as_the_code_says(page: str):
    assert (DOCS / page).read_text(encoding="utf-8") == GENERATE.PAGES[page](), "run: python docs/generate.py"


def test_every_setting_has_a_description():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_architecture_lists_every_package_and_no_other():
    block = re.search(
        r"^## The folders\n\n```\n(.*?)^```", (DOCS / "architecture.md").read_text("utf-8"), re.S | re.M
    )
    assert block
    listed: set[str] = set()
    above: list[str] = []
    for line in block.group(1).splitlines():
        indent, names = re.match(r"( *)(.*)", line).groups()  # pyright: ignore[reportOptionalMemberAccess]
        above = [*above[: len(indent) // 2], names.split("/")[0]]
        listed.add("/".join(above))
        listed |= {"/".join((*above, name)) for name in re.findall(r"(?<=; )(\w+)/:", names)}
    packages = {
        str(init.parent.relative_to(ROOT)) for top in TOPS for init in (ROOT / top).rglob("__init__.py")
    }
    listed = {name for name in listed if name.split("/")[0] in TOPS}
    assert packages - listed == set()
    assert [name for name in listed if not (ROOT / name).is_dir()] == []


def anchor_of(heading: str) -> str:
    """As GitHub and MkDocs make it of a heading in plain words."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def text_of(page: Path) -> str:
    """Without blocks of code, whose brackets are no links."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in {
                anchor_of(line) for line in re.findall(r"^#+ (.*)$", text_of(file), re.MULTILINE)
            }, target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path):
    named = re.findall(
        r"`((?:agent|server|channels|tools|tests|docs|deploy|schemas|benchmarks|requirements)/[\w/.@-]+)`",
        text_of(page),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_glossary_says_each_word_once():
    words = re.findall(r"\*\*([^*]+)\*\*", (DOCS / "glossary.md").read_text(encoding="utf-8"))
    assert len(words) > 30 and sorted(words) == sorted(set(words))


# A word that means one thing, and the files in which it may stand.
WORDS = {
    # the queue of a conversation; the page is the conversation list
    r"(?i)(?<![a-z])inbox": (
        *("server/store/", "server/config/", "server/bots/bot.py", "server/outreach/timers."),
        "server/conversations/drafts/draft.",
        *("server/pipeline/merging.lua", "server/pipeline/__init__.py", "server/conversations/retention.py"),
        *("server/api/bots.py", "benchmarks/soak.py", "benchmarks/webhook.py", "docs/"),
    ),
    # a role; who has a conversation is its assignee
    r"\bcontact\.owner\b|\bowner_at\b": (
        *("server/store/", "server/pipeline/merging.lua", "server/api/contacts.py"),
    ),
    # what the moderator thinks
    r"\bclass Verdict\b": ("agent/nodes/moderate.py",),
    # a call is one of a model; what is made for the phone is an appointment
    r"(?i)scheduled call|book of calls|\bcalls? booked|\bcall_(?:booked|minutes)\b|\bcalls_at_once\b": (
        *("server/outreach/appointments.lua", "server/operators/analytics.py"),
        *("server/config/follow_ups.py", "server/notifications/deliveries.py"),
    ),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_glossary_stays_where_it_belongs(word: str):
    kinds = {".py", ".lua", ".html", ".js", ".css", ".md", ".yml"}
    files = [
        path
        for top in ("agent", "server", "channels", "tools", "docs", "deploy", "benchmarks")
        for path in sorted((ROOT / top).rglob("*"))
        if path.suffix in kinds and re.search(word, path.read_text(encoding="utf-8"))
    ]
    assert files
    names = [str(path.relative_to(ROOT)) for path in files]
    assert [name for name in names if not name.startswith(WORDS[word])] == []


TROUBLE = DOCS / "troubleshooting.md"
SOURCES = [
    path.read_text(encoding="utf-8")
    for top in ("agent", "server", "channels", "tools", "knowledge_base")
    for path in sorted((ROOT / top).rglob("*.py"))
]


def test_every_warning_and_error_of_the_log_has_its_remedy():
    events = re.findall(r'\b(?:log|bound)\.(?:error|warning|exception)\(\s*"(\w+)"', "\n".join(SOURCES))
    assert len(events) > 50
    assert sorted({event for event in events if f"`{event}`" not in TROUBLE.read_text()}) == []


def test_every_quoted_line_is_said_by_the_code():
    """The words between what differs from case to case; what is shorter than three words is a name."""
    said = re.sub(r'"\s*\n\s*f?"', "", "\n".join(SOURCES))
    said = re.sub(r"\{[^{}]*\}", "...", said)
    first = re.findall(r"^\| (.*?) \|", TROUBLE.read_text(), re.MULTILINE)
    quoted = [
        part
        for cell in first
        for code in re.findall(r"`([^`]+)`", cell)
        for part in re.split(r"\.\.\.|[():{]|\b[NM]\b", code)
    ]
    parts = [part.strip(' ",;.') for part in quoted if len(part.split()) >= 3]
    assert len(parts) > 40
    assert [part for part in parts if part not in said] == []


def pages_of(part: Any) -> list[str]:
    """The files of the table of contents."""
    if isinstance(part, str):
        return [part]
    return [name for one in (part.values() if isinstance(part, dict) else part) for name in pages_of(one)]


def test_every_page_is_in_the_table_of_contents():
    nav = re.search(r"^nav:\n(?:.+\n?)*", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert nav
    assert sorted(pages_of(yaml.safe_load(nav[0])["nav"])) == sorted(
        str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")
    )


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_page_says_first_what_it_is_for(page: Path):
    text = re.sub(r"<!--.*?-->\s*", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    title, about = text.split("\n\n")[:2]
    assert title.startswith("# ") and about.startswith(("This page ", "This is "))


def test_a_statement_about_others_has_its_day():
    """In every row of the page of sources."""
    rows = re.findall(r"^\| .* \|$", (DOCS / "sources.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = [row for row in rows if not row.startswith("| Statement")]
    assert len(told) > 20
    assert [
        row for row in told if not re.search(r"20\d\d \||20\d\d; |20\d\d, |not confirmed|when the file", row)
    ] == []


def test_the_readme_is_short_and_its_pictures_are_small():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    assert all(picture.stat().st_size < 200_000 for picture in (DOCS / "images").iterdir())
