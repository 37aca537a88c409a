"""The ways to put it on a server are linted, name only settings that exist, and run commands that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from server.cli import main
from server.config.settings import Settings

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
UNITS = sorted((ROOT / "deploy").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
RENDER: dict[str, Any] = yaml.safe_load((ROOT / "deploy/render.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Read by uvicorn and by Python.
OTHERS = {"FORWARDED_ALLOW_IPS", "PYTHONUNBUFFERED", "PATH"}


def lint(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / command[0]), *command[1:]], capture_output=True, text=True, cwd=ROOT)


def test_the_dockerfile_passes_its_linter():
    done = lint("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_compose_file_keeps_the_specification():
    done = lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout


def test_the_workflows_keep_the_schema_of_their_host():
    workflows = map(str, (ROOT / ".github/workflows").glob("*.yml"))
    done = lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    assert done.returncode == 0, done.stdout


def test_the_image_may_have_the_extras_of_a_server():
    """Each by the name of its lock, which the image is built with."""
    copied = set(re.findall(r"requirements/(\w+)\.lock", (ROOT / "Dockerfile").read_text())) - {"base"}
    named = set(PROJECT["project"]["optional-dependencies"])
    assert copied == {"providers", "mcp", "otel", "postgres", "voice"}
    assert copied - {"providers"} <= named
    assert all((ROOT / "requirements" / f"{extra}.lock").exists() for extra in copied)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_units_pass_their_linter(unit: Path):
    lines = [line for line in lint("systemdlint", str(unit)).stdout.splitlines() if line.strip()]
    # the program is not installed here; and Delegate is for programs that make control groups of their own
    assert [
        line for line in lines if "[ExecNotFound]" not in line and "[Security.Delegate]" not in line
    ] == []


def environment() -> dict[str, set[str]]:
    """Names of the variables that each file sets for our own processes."""
    dockerfile = re.findall(
        r"(\w+)=", re.search(r"^ENV (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
    )  # pyright: ignore[reportOptionalSubscript]
    compose = {
        name
        for service in ("web", "worker")
        for name in (COMPOSE["services"][service].get("environment") or {}).keys()
    }
    group = {row["key"] for row in RENDER["envVarGroups"][0]["envVars"]}
    services = {
        row["key"] for service in RENDER["services"] for row in service.get("envVars", []) if "key" in row
    }
    units = {
        name for unit in UNITS for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)
    }
    return {"Dockerfile": set(dockerfile), "compose": compose, "render": group | services, "units": units}


@pytest.mark.parametrize("file", sorted(environment()))
def test_every_variable_is_a_setting(file: str):
    assert environment()[file] <= {name.upper() for name in Settings.model_fields} | OTHERS


def commands() -> list[list[str]]:
    """What each file runs."""
    found = [COMPOSE["services"][service]["command"] for service in ("web", "worker")]
    found += [
        shlex.split(service["dockerCommand"]) for service in RENDER["services"] if "dockerCommand" in service
    ]
    found += [
        shlex.split(line.removeprefix("ExecStart=/opt/salesgraph/.venv/bin/"))
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_exists_with_its_options(command: list[str]):
    assert command[0] == "salesgraph"
    shown = CliRunner().invoke(main.app, [command[1], "--help"])
    assert shown.exit_code == 0
    assert all(
        option in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout) for option in command if option.startswith("--")
    )


def test_the_version_is_that_of_the_checkout():
    shown = CliRunner().invoke(main.app, ["--version"])
    assert shown.exit_code == 0 and shown.stdout.strip() == version("salesgraph")
    assert PROJECT["project"]["dynamic"] == ["version"] and "setuptools_scm" in PROJECT["tool"]


def test_the_image_holds_every_package():
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    packages = {package.split(".")[0] for package in PROJECT["tool"]["setuptools"]["packages"]}
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert copied == packages and {f"!{package}" for package in packages} <= set(ignored)


def test_an_installed_package_holds_every_file_it_reads():
    """Not only the editable install of a checkout."""
    packages, data = PROJECT["tool"]["setuptools"]["packages"], PROJECT["tool"]["setuptools"]["package-data"]
    missing = []
    for folder in {package.split(".")[0] for package in packages}:
        for path in (ROOT / folder).rglob("*"):
            if path.is_dir() or path.suffix in (".py", ".pyc"):
                continue
            homes = [p for p in packages if path.is_relative_to(ROOT / p.replace(".", "/"))]
            names = [(home, str(path.relative_to(ROOT / home.replace(".", "/")))) for home in homes]
            if not any(fnmatchcase(name, pattern) for home, name in names for pattern in data.get(home, [])):
                missing.append(str(path.relative_to(ROOT)))
    assert missing == []


def test_an_installed_package_holds_every_folder_of_modules():
    packages = PROJECT["tool"]["setuptools"]["packages"]
    tops = {package.split(".")[0] for package in packages}
    found = {path.parent for top in tops for path in (ROOT / top).rglob("*.py")}
    missing = {".".join(folder.relative_to(ROOT).parts) for folder in found} - set(packages)
    assert missing == set()
