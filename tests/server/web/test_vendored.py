"""What other people made and we serve is what they published."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

STATIC = Path(__file__).parents[3] / "server" / "web" / "static"
MANIFEST = json.loads((STATIC / "vendored.json").read_text(encoding="utf-8"))


def test_each_file_is_the_one_that_was_taken_over():
    assert {name: about["sha256"] for name, about in MANIFEST.items()} == {
        name: hashlib.sha256((STATIC / name).read_bytes()).hexdigest() for name in MANIFEST
    }


def test_every_icon_of_the_dashboard_is_in_the_sprite():
    shell = (STATIC.parent / "templates" / "shell.html").read_text(encoding="utf-8")
    named = re.search(r"set icons = \{(.*?)\} %\}", shell, re.DOTALL)
    assert named
    wanted = set(re.findall(r': "([\w-]+)"', named[1]))
    for page in (STATIC.parent / "templates").glob("*.html"):
        wanted |= set(re.findall(r'icon\("([\w-]+)"\)', page.read_text(encoding="utf-8")))
    assert wanted and wanted == set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "lucide.svg").read_text()))
