"""What is wrong with the prompts, before a customer finds out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from agent.prompts import HERE, BadPrompt, parse_prompt, placeholders

# The longest prompt before anything is filled in: about 1,500 tokens, of which a customer pays every turn.
LONGEST = 6_000


def prompt_problems(nodes: Iterable[str], used: Iterable[str], folder: Path = HERE) -> list[str]:
    """One line for each fault of a prompt. `nodes` are those of the graph, `used` the names of the prompts
    that some node reads."""
    nodes, used = set(nodes), set(used)
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    found = [f"{name}.md: no such file, and a node reads it" for name in sorted(used - files.keys())]
    for name, file in files.items():
        found += [f"{name}.md: {why}" for why in _faults(name, file, nodes)]
        if name not in used:
            found.append(f"{name}.md: no node reads it; remove it")
    return found


def _faults(name: str, file: str, nodes: set[str]) -> list[str]:
    try:
        prompt = parse_prompt(name, file)
        holes = placeholders(prompt.text)
    except BadPrompt as error:
        return [str(error).removeprefix(f"{name}.md: ")]
    except ValueError as error:
        return [f"{error}; write {{{{ and }}}} for braces that stay"]
    declared = set(prompt.placeholders)
    found = [f"holds {{{hole}}}, which its front matter does not name" for hole in sorted(holes - declared)]
    found += [
        f"its front matter names {{{hole}}}, which it does not hold" for hole in sorted(declared - holes)
    ]
    if prompt.node not in nodes:
        found.append(f"the graph has no node {prompt.node}; it has {', '.join(sorted(nodes))}")
    if not prompt.about.strip():
        found.append("about is empty; say in a sentence what it is for")
    if not prompt.text:
        found.append("it is empty")
    if len(prompt.text) > LONGEST:
        found.append(f"{len(prompt.text)} characters, over {LONGEST}: every turn pays for them")
    if re.search(r"[ \t]$", file, re.M):
        found.append("blanks at the end of a line")
    return found
