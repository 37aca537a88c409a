"""What the reference says of Flow JSON 7 (WhatsApp Flows, "Flow JSON" and "Components"), as rules of our own:
Meta publishes no schema of it. A Flow that breaks none of them is one that Meta is asked to take.

Checked are screens (ids, one that ends, routing), components (which there are, what each needs and may have,
lengths), actions, and that every `${...}` names something that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from channels.flows.components import COMPONENTS, INPUTS, MOST_OF_ONE, ComponentRule
from channels.json_parts import as_dict, as_dicts

VERSION = re.compile(r"7\.[0-3]")
SCREEN_ID, FIELD = re.compile(r"[A-Za-z_]{1,80}"), re.compile(r"[A-Za-z0-9_]{1,80}")
COMPONENTS_A_SCREEN, BRANCHES, TITLE = 50, 10, 30
DATA_TYPES = {"string": str, "number": (int, float), "boolean": bool, "array": list, "object": dict}
ACTIONS = ("navigate", "complete", "data_exchange", "update_data", "open_url")
_ROOT = {"version", "screens", "routing_model", "data_api_version", "name"}
_SCREEN = {"id", "title", "terminal", "success", "data", "layout", "refresh_on_back", "sensitive"}
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


@dataclass(slots=True)
class _Flow:
    """A Flow that is being looked at: its screens by id, and what was found wrong."""

    dynamic: bool
    screens: dict[str, dict[str, Any]]
    problems: list[str] = field(default_factory=list[str])

    def wrong(self, where: str, why: str) -> None:
        self.problems.append(f"{where}: {why}")


def flow_problems(flow: Mapping[str, Any]) -> list[str]:
    """What is wrong with a Flow, `place: why` each; empty for one that keeps the rules."""
    screens = as_dicts(flow.get("screens"))
    found = _Flow("data_api_version" in flow, {str(s.get("id")): s for s in screens})
    for name in sorted(flow.keys() - _ROOT):
        found.wrong(name, "there is no such property")
    if not VERSION.fullmatch(str(flow.get("version"))):
        found.wrong("version", "use 7.0 to 7.3")
    if found.dynamic and flow["data_api_version"] not in ("3.0", "4.0"):
        found.wrong("data_api_version", "use 3.0 or 4.0")
    if found.dynamic and "routing_model" not in flow:
        found.wrong("routing_model", "a Flow with an endpoint needs one")
    if not screens or len(screens) != len(found.screens):
        found.wrong("screens", "at least one is needed, each with an id of its own")
    if not any(screen.get("terminal") is True for screen in screens):
        found.wrong("screens", "none of them is terminal")
    for screen in screens:
        _screen(found, screen)
    if "routing_model" in flow:
        _routing(found, as_dict(flow["routing_model"]))
    return found.problems


def _screen(found: _Flow, screen: dict[str, Any]) -> None:
    id = str(screen.get("id"))
    if not SCREEN_ID.fullmatch(id) or id == "SUCCESS":
        found.wrong(id, "a screen is named by letters and underscores, and not SUCCESS")
    for name in sorted(screen.keys() - _SCREEN):
        found.wrong(f"{id}.{name}", "there is no such property")
    if len(str(screen.get("title") or "")) > TITLE:
        found.wrong(f"{id}.title", f"at most {TITLE} characters")
    if "success" in screen and screen.get("terminal") is not True:
        found.wrong(f"{id}.success", "only a terminal screen has it")
    if "refresh_on_back" in screen and not found.dynamic:
        found.wrong(f"{id}.refresh_on_back", "only a Flow with an endpoint has it")
    for name, one in as_dict(screen.get("data")).items():
        _data(found, f"{id}.data.{name}", as_dict(one))
    _layout(found, screen, id)


def _layout(found: _Flow, screen: dict[str, Any], id: str) -> None:
    layout = as_dict(screen.get("layout"))
    if layout.get("type") != "SingleColumnLayout" or set(layout) != {"type", "children"}:
        found.wrong(f"{id}.layout", "it is a SingleColumnLayout with children")
    components = list(_components(layout))
    if not 1 <= len(components) <= COMPONENTS_A_SCREEN:
        found.wrong(f"{id}.layout", f"1 to {COMPONENTS_A_SCREEN} components")
    kinds = [str(component.get("type")) for component in components]
    for kind, most in MOST_OF_ONE.items():
        if kinds.count(kind) > most:
            found.wrong(f"{id}.layout", f"at most {most} {kind}")
    if screen.get("terminal") is True and "Footer" not in kinds:
        found.wrong(f"{id}.layout", "a terminal screen needs a Footer")
    names = [str(c["name"]) for c in components if c.get("type") in INPUTS and "name" in c]
    for name in {name for name in names if names.count(name) > 1}:
        found.wrong(f"{id}.{name}", "two components have this name")
    for number, component in enumerate(components):
        _component(found, screen, f"{id}[{number}]", component, set(names))


def _components(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The components of a screen, those within a Form, an If or a Switch too."""
    for child in as_dicts(part.get("children")):
        inside = [child, {"children": child.get("then")}, {"children": child.get("else")}]
        inside += [{"children": case} for case in as_dict(child.get("cases")).values()]
        if child.get("type") not in ("Form", "If", "Switch"):
            yield child
            continue
        for one in inside:
            yield from _components(one)


def _data(found: _Flow, where: str, given: dict[str, Any]) -> None:
    kind = DATA_TYPES.get(str(given.get("type")))
    if kind is None:
        found.wrong(where, f"its type is one of {', '.join(DATA_TYPES)}")
    elif "__example__" not in given:
        found.wrong(where, "it needs an __example__")
    elif not isinstance(given["__example__"], kind) or (kind is not bool and given["__example__"] is True):
        found.wrong(where, f"its __example__ is no {given['type']}")
    if given.get("type") == "array" and not as_dict(given.get("items")).get("type"):
        found.wrong(where, "an array says the type of its items")


def _component(
    found: _Flow, screen: dict[str, Any], where: str, component: dict[str, Any], fields: set[str]
) -> None:
    kind = str(component.get("type"))
    rule = COMPONENTS.get(kind)
    if rule is None:
        found.wrong(where, f"there is no component {kind}")
        return
    where = f"{where} {kind}"
    _properties(found, where, component, rule)
    name = component.get("name")
    if kind in INPUTS and name is not None and not FIELD.fullmatch(str(name)):
        found.wrong(where, "its name has letters, digits and underscores")
    _options(found, where, component, rule)
    for action in ("on-click-action", "on-select-action"):
        if action in component:
            _action(found, screen, f"{where}.{action}", as_dict(component[action]))
    for reference in _references(component):
        _reference(found, screen, where, reference, fields)


def _properties(found: _Flow, where: str, component: dict[str, Any], rule: ComponentRule) -> None:
    for missing in sorted(rule.needs - component.keys()):
        found.wrong(where, f"{missing} is missing")
    for strange in sorted(component.keys() - rule.needs - rule.may - {"type", "visible"}):
        found.wrong(where, f"it has no {strange}")
    for name, most in rule.longest.items():
        text = component.get(name)
        if isinstance(text, str) and not _REFERENCE.search(text) and not 0 < len(text) <= most:
            found.wrong(where, f"{name} has 1 to {most} characters, not {len(text)}")
    for name, values in rule.values.items():
        if (
            name in component
            and component[name] not in values
            and not _REFERENCE.search(str(component[name]))
        ):
            found.wrong(where, f"{name} is one of {', '.join(map(str, values))}")


def _options(found: _Flow, where: str, component: dict[str, Any], rule: ComponentRule) -> None:
    source = component.get("data-source")
    if source is None or isinstance(source, str):
        return
    options = as_dicts(source)
    if not 1 <= len(options) <= rule.options:
        found.wrong(where, f"1 to {rule.options} options")
    ids = [str(option.get("id")) for option in options]
    if len(set(ids)) < len(ids):
        found.wrong(where, "two options have the same id")
    for option in options:
        if not option.get("id") or not 0 < len(str(option.get("title") or "")) <= 30:
            found.wrong(where, "an option has an id and a title of 1 to 30 characters")


def _action(found: _Flow, screen: dict[str, Any], where: str, action: dict[str, Any]) -> None:
    name, terminal = action.get("name"), screen.get("terminal") is True
    target = as_dict(action.get("next"))
    if name not in ACTIONS:
        found.wrong(where, f"its name is one of {', '.join(ACTIONS)}")
    if name == "navigate":
        if terminal:
            found.wrong(where, "a terminal screen leads nowhere")
        if target.get("type") != "screen" or target.get("name") not in found.screens:
            found.wrong(where, "next names no screen of the Flow")
        elif (
            missing := as_dict(found.screens[target["name"]].get("data")).keys()
            - as_dict(action.get("payload")).keys()
        ):
            found.wrong(where, f"the next screen also needs {', '.join(sorted(missing))}")
    if name == "complete" and not terminal:
        found.wrong(where, "only a terminal screen completes the Flow")
    if name == "data_exchange" and not found.dynamic:
        found.wrong(where, "without an endpoint (data_api_version) there is nobody to ask")
    if name in ("complete", "data_exchange") and not isinstance(action.get("payload"), dict):
        found.wrong(where, "payload is missing")


def _references(part: object) -> Iterator[str]:
    """What stands in `${...}` anywhere in a part."""
    if isinstance(part, str):
        yield from _REFERENCE.findall(part)
    elif isinstance(part, list):
        for one in cast(list[object], part):
            yield from _references(one)
    elif isinstance(part, dict):
        for one in as_dict(cast(object, part)).values():
            yield from _references(one)


def _reference(found: _Flow, screen: dict[str, Any], where: str, reference: str, fields: set[str]) -> None:
    parts = reference.split(".")
    if parts[0] == "screen" and len(parts) == 4:  # of another screen: screen.ID.form.NAME
        other = found.screens.get(parts[1], {})
        names = {str(c.get("name")) for c in _components(as_dict(other.get("layout")))}
        known = names if parts[2] == "form" else set(as_dict(other.get("data")))
        parts = parts[2:]
    else:
        known = {"form": fields, "data": set(as_dict(screen.get("data")))}.get(parts[0], set[str]())
    if len(parts) < 2 or parts[1] not in known:
        found.wrong(where, f"${{{reference}}} names nothing that is there")


def _routing(found: _Flow, routing: dict[str, Any]) -> None:
    if set(routing) != set(found.screens):
        found.wrong("routing_model", "it names every screen once")
    ways = {
        name: [str(to) for to in cast(list[object], to)]
        for name, to in routing.items()
        if isinstance(to, list)
    }
    for name, targets in ways.items():
        if name in targets or set(targets) - set(found.screens):
            found.wrong(f"routing_model.{name}", "it leads to other screens of the Flow")
        if len(targets) > BRANCHES:
            found.wrong(f"routing_model.{name}", f"at most {BRANCHES} branches")
        if back := [to for to in targets if name in ways.get(to, [])]:
            found.wrong(f"routing_model.{name}", f"{back[0]} leads back: only ways forward are named")
    reached = {to for targets in ways.values() for to in targets}
    if len(set(ways) - reached) != 1:
        found.wrong("routing_model", "one screen is where the Flow begins, to which none leads")
    for name, screen in found.screens.items():
        if not ways.get(name) and screen.get("terminal") is not True:
            found.wrong(f"routing_model.{name}", "a way ends here, so the screen is terminal")
