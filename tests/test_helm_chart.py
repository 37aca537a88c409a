"""The chart for Kubernetes: what it sets exists, its values keep their schema, and where Helm is installed,
it renders."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import SecretStr
from typer.testing import CliRunner

from server.cli import main
from server.config.settings import Settings

ROOT = Path(__file__).parents[1]
CHART = ROOT / "deploy/helm/salesgraph"
TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.is_file())
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
HELM = os.environ.get("HELM") or shutil.which("helm")
SETTINGS = {name.upper() for name in Settings.model_fields}
# Read by uvicorn and by Python, and what REDIS_URL is put together from.
OTHERS = {"FORWARDED_ALLOW_IPS", "HOME", "REDIS_PASSWORD"}
# Set by the chart itself, from values of their own.
OWN = {
    "REDIS_URL",
    "DATA_DIR",
    "SEARCH_INDEX_MB",
    "HOST",
    "PORT",
    "INTERNAL_URL",
    "SIMULATOR",
    "DRAIN_SECONDS",
    "ALIVE_FILE",
}


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values over others, as Helm lays them."""
    both = dict(below)
    for name, value in above.items():
        deeper = isinstance(value, dict) and isinstance(below.get(name), dict)
        both[name] = merged(below[name], cast(dict[str, Any], value)) if deeper else value
    return both


def text(name: str) -> str:
    return (CHART / "templates" / name).read_text()


def test_the_values_keep_their_schema():
    Draft7Validator.check_schema(SCHEMA)
    validator: Any = Draft7Validator(SCHEMA)
    everything = [VALUES, *(merged(VALUES, yaml.safe_load(path.read_text())) for path in EXAMPLES)]
    assert not [error.message for values in everything for error in validator.iter_errors(values)]


def test_every_value_is_in_the_schema_and_is_used():
    used = "".join(path.read_text() for path in TEMPLATES)
    assert set(VALUES) == set(SCHEMA["properties"]) - {"global"}
    for name, value in VALUES.items():
        assert f".Values.{name}" in used, name
        if fields := SCHEMA["properties"][name].get("properties"):
            assert set(value) == set(fields), name
            assert not [field for field in fields if not re.search(rf"\.{field}\b", used)], name


def test_secret_settings_and_those_of_the_chart_are_refused_among_the_others():
    secret = {name.upper() for name, field in Settings.model_fields.items() if of_secrets(field.annotation)}
    refused = set(SCHEMA["properties"]["settings"]["propertyNames"]["not"]["enum"])
    assert {"API_TOKEN", "STRIPE_ACCOUNTS"} <= secret
    assert refused == secret | OWN


def of_secrets(annotation: Any) -> bool:
    """Whether a setting is a secret, or holds some."""
    if annotation is SecretStr:
        return True
    fields = getattr(annotation, "model_fields", {}).values()
    return any(of_secrets(part) for part in getattr(annotation, "__args__", ())) or any(
        of_secrets(field.annotation) for field in fields
    )


def test_every_variable_of_the_pods_is_a_setting():
    files = ("_helpers.tpl", "web.yaml", "worker.yaml")
    named = {name for file in files for name in re.findall(r"- name: ([A-Z][A-Z_]+)$", text(file), re.M)}
    assert named >= OWN and named <= SETTINGS | OTHERS
    for path in EXAMPLES:
        values = yaml.safe_load(path.read_text())
        assert set(values.get("settings", {})) <= SETTINGS
        assert {row["name"] for row in values.get("extraEnv", [])} <= SETTINGS


def test_every_probe_asks_a_route_that_exists():
    from server.web import open_routes

    routes = {getattr(route, "path", "") for route in open_routes.routes.routes}
    asked = re.findall(r"httpGet: \{path: ([\w/]+),", text("web.yaml"))
    asked += re.findall(r"^ +path: (/\w+)$", text("web.yaml"), re.M)  # of the ServiceMonitor
    assert len(asked) == 4 and set(asked) <= routes
    assert "oldest_due_seconds" in text("autoscaling.yaml")


def test_the_pods_run_commands_that_exist():
    commands = re.findall(r"args: \[salesgraph, ([^\]]+)\]", text("web.yaml") + text("worker.yaml"))
    assert commands == ["serve, --role, web", "work"]
    for command in commands:
        name, *options = command.split(", ")
        shown = CliRunner().invoke(main.app, [name, "--help"])
        assert shown.exit_code == 0
        assert all(
            option in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout) for option in options if option[:2] == "--"
        )


def test_the_image_is_that_of_the_dockerfile():
    chart, dockerfile = yaml.safe_load((CHART / "Chart.yaml").read_text()), (ROOT / "Dockerfile").read_text()
    assert f"ARG VERSION={chart['appVersion']}\n" in dockerfile
    assert "--uid 10001 " in dockerfile and '"user" 10001' in text("web.yaml")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    redis = VALUES["redis"]["image"]
    assert compose["services"]["redis"]["image"] == f"{redis['repository']}:{redis['tag']}"


def test_pods_have_longer_to_end_than_they_take():
    assert VALUES["worker"]["drainSeconds"] == Settings.model_fields["drain_seconds"].default
    assert "{{ add .Values.worker.drainSeconds 25 }}" in text("worker.yaml")
    assert "{{ add .Values.web.preStopSeconds 20 }}" in text("web.yaml")


def rendered(*options: str) -> list[dict[str, Any]]:
    assert HELM
    done = subprocess.run(
        [HELM, "template", "shop", str(CHART), "--namespace", "sales", *options],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


needs_helm = pytest.mark.skipif(not HELM, reason="Helm is not installed; HELM names it")


@needs_helm
@pytest.mark.parametrize("example", [None, *EXAMPLES], ids=lambda path: path.stem if path else "defaults")
def test_the_chart_renders_and_passes_its_linter(example: Path | None):
    options = ["--values", str(example)] if example else []
    done = subprocess.run(
        [str(HELM), "lint", "--strict", str(CHART), *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    documents = rendered(*options)
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(names) == len(set(names))
    for document in documents:
        pod = document["spec"].get("template", {}).get("spec") if "spec" in document else None
        if not pod:
            continue
        assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            assert set(container["resources"]) == {"requests", "limits"}


@needs_helm
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("settings.API_TOKEN=x", "settings"),
        ("settings.REDIS_URL=redis://r", "settings"),
        ("simulator=true", "web.replicas"),
        ("web.replica=3", "replica"),
        ("redis.url=redis://redis:6379", "redis.mode"),
        ("ingress.enabled=true", "ingress.host"),
        ("secret.create=true", "API_TOKEN"),
    ],
)
def test_values_that_would_not_do_are_refused_by_name(given: str, said: str):
    done = subprocess.run(
        [str(HELM), "template", "shop", str(CHART), "--set", given], capture_output=True, text=True
    )
    assert done.returncode != 0 and said in done.stderr


@needs_helm
def test_without_a_shared_secret_no_pod_starts():
    """Each would make its own token, key and Redis otherwise."""
    for options, asked in (((), "REDIS_PASSWORD"), (("--set", "redis.mode=external"), "REDIS_URL")):
        for pod in (d for d in rendered(*options) if d["kind"] == "Deployment"):
            (container,) = pod["spec"]["template"]["spec"]["containers"]
            found = {
                row["name"]: row["valueFrom"]["secretKeyRef"]
                for row in container["env"]
                if "valueFrom" in row
            }
            assert set(found) == {"API_TOKEN", "SECRETS_KEY", asked}
            assert not any(reference.get("optional") for reference in found.values())
