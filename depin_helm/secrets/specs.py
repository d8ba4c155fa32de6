"""Which Secrets there are, and how each key is made: `secrets.yaml` beside the umbrella's Chart.yaml."""

from __future__ import annotations

import difflib
import functools
import graphlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from depin_helm.errors import ChartError, UsageError
from depin_helm.secrets import generators

#: Characters that a random value may have; more would not fit into what bcrypt looks at.
LENGTHS = range(16, 73)


@dataclass(frozen=True, order=True)
class Source:
    """A key of a Secret, of which another key is derived."""

    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}/{self.key}"


@dataclass(frozen=True)
class Rule:
    """How a missing key is made: `make` gets the values of `sources`, in their order.

    `fits` tells whether an existing value, its first argument, still goes with those of its sources, None for
    one that is gone; where it cannot tell, it says yes. `renewed` is what an existing value becomes if it was
    made for an earlier chart, which had other users or roles: the value itself, if it was not. `random` says
    that it is another one each time, of itself and not because of its sources.
    """

    make: Callable[..., bytes]
    sources: tuple[Source, ...] = ()
    fits: Callable[..., bool] = lambda value, *sources: True
    renewed: Callable[..., bytes] = lambda value, *sources: value
    random: bool = False


@dataclass(frozen=True)
class After:
    """What has to be run in a container that uses the Secret, after it was started again: and why."""

    container: str
    command: str
    why: str


@dataclass(frozen=True)
class Renewal:
    """What is special about new values for a Secret.

    `refuse` says why it gets none here, and what to do instead. `keep` are keys that keep theirs: and why.
    """

    refuse: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    after: After | None = None


@dataclass(frozen=True)
class SecretSpec:
    """A Secret that the component `reader` refers to; `provided` by somebody, it cannot be made."""

    namespace: str
    name: str
    reader: str
    rules: Mapping[str, Rule]
    renewal: Renewal = Renewal()
    provided: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def sources(self) -> frozenset[str]:
        """Other Secrets, as `namespace/name`, that its keys are derived from."""
        sources = (source for rule in self.rules.values() for source in rule.sources)
        return frozenset(f"{source.namespace}/{source.name}" for source in sources) - {str(self)}

    def derived_last(self) -> list[tuple[str, Rule]]:
        """Its keys and rules; one that is derived from another key of the same Secret stands behind it."""
        return sorted(self.rules.items(), key=lambda item: bool(item[1].sources))


def load(chart: Path) -> tuple[SecretSpec, ...]:
    """Read `secrets.yaml`; each Secret stands behind those that it is derived from.

    Raises:
        ChartError: it cannot be read, or does not say clearly what is to be made.
    """
    file = chart / "secrets.yaml"
    try:
        entries = yamlio.load(file.read_bytes())["secrets"]
        specs = {str(spec): spec for spec in map(_spec, entries)}
        if len(specs) != len(entries):
            raise ValueError("a Secret stands there twice")
        for spec in specs.values():
            _check_sources(spec, specs)
        order = graphlib.TopologicalSorter(
            {name: spec.sources for name, spec in specs.items()}
        ).static_order()
        return tuple(specs[name] for name in order)
    except graphlib.CycleError as error:
        raise ChartError(f"{file}: derived from each other: {' → '.join(error.args[1])}") from error
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ChartError(f"{file} cannot be read: {error}") from error


def needed(specs: Sequence[SecretSpec], values: Mapping[str, Any]) -> tuple[SecretSpec, ...]:
    """The Secrets whose readers `values` turn on, and all that these are derived from, in the same order."""
    wanted = {str(spec) for spec in specs if (values.get(spec.reader) or {}).get("enabled", True)}
    for spec in reversed(specs):  # whatever a Secret is derived from stands before it
        if str(spec) in wanted:
            wanted |= spec.sources
    return tuple(spec for spec in specs if str(spec) in wanted)


def find(specs: Sequence[SecretSpec], text: str) -> tuple[SecretSpec, str]:
    """The Secret that `text` names as NAME or NAMESPACE/NAME, and its key if there is a /KEY behind it.

    Raises:
        UsageError: there is none of that name, or more than one.
    """
    known: dict[str, list[tuple[SecretSpec, str]]] = {}
    for spec in specs:
        for name in (spec.name, str(spec)):
            for key in ("", *spec.rules):
                known.setdefault(f"{name}/{key}" if key else name, []).append((spec, key))
    found = known.get(text)
    if found is None:
        close = difflib.get_close_matches(text, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(map(str, specs))}"
        raise UsageError(f"the platform has no Secret {text}", hint=hint)
    if len(found) > 1:
        names = ", ".join("/".join(filter(None, (str(spec), key))) for spec, key in found)
        raise UsageError(f"{text} may be {names}", hint="name it with its namespace")
    return found[0]


def _spec(entry: Mapping[str, Any]) -> SecretSpec:
    unknown = entry.keys() - {"namespace", "name", "reader", "keys", "rotation"}
    if unknown or not entry["keys"]:
        raise ValueError(f"{entry['name']}: {', '.join(unknown) or 'no keys'}")
    rules = {}
    for key, recipe in entry["keys"].items():
        try:
            rules[key] = _rule(recipe)
        except ValueError as error:
            raise ValueError(f"{entry['namespace']}/{entry['name']}/{key}: {error}") from error
    try:
        renewal = _renewal(entry.get("rotation") or {}, rules)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{entry['namespace']}/{entry['name']}: rotation: {error}") from error
    return SecretSpec(entry["namespace"], entry["name"], entry["reader"], rules, renewal)


def _renewal(entry: Mapping[str, Any], rules: Mapping[str, Rule]) -> Renewal:
    renewal = Renewal(**{**entry, "after": After(**entry["after"]) if "after" in entry else None})
    if strange := [key for key in renewal.keep if key not in rules or not rules[key].random]:
        raise ValueError(f"{', '.join(strange)} would not change")
    return renewal


def _rule(recipe: Mapping[str, Any]) -> Rule:
    if len(recipe) != 1:
        raise ValueError("says not in exactly one way how it is made")
    match recipe:
        case {"value": str(text)}:
            return Rule(lambda: text.encode())
        case {"configuration": str(text)}:
            return Rule(lambda: text.encode(), renewed=lambda value: text.encode())
        case {"random": int(length)} if length in LENGTHS:
            return Rule(lambda: generators.text(length), random=True)
        case {"htpasswd": dict(line)}:
            return _htpasswd([line])
        case {"htpasswd": [_, *_] as lines}:
            return _htpasswd(lines)
        case {"serviceToken": str(account)} if re.fullmatch(r"[\w-]+/[\w-]+", account):
            return Rule(lambda: generators.service_token(account), random=True)
        case {"serviceTokenHash": str(source)}:
            return Rule(
                generators.service_token_line,
                (_source(source),),
                lambda value, token: token is not None and generators.service_token_fits(value, token),
            )
    raise ValueError(f"{', '.join(recipe)} is unknown, or not used rightly")


def _htpasswd(lines: Sequence[Any]) -> Rule:
    """A file with a line for each of these users."""
    users, sources = [], []
    for line in lines:
        match line:
            case {"user": str(user), "password": str(source)} if len(line) == 2 and ":" not in user:
                users.append(user)
                sources.append(_source(source))
            case _:
                raise ValueError("htpasswd is not used rightly")
    return Rule(
        lambda *passwords: b"\n".join(map(generators.htpasswd, users, passwords)),
        tuple(sources),
        lambda value, *passwords: all(
            password is not None and generators.htpasswd_fits(user, value, password)
            for user, password in zip(users, passwords, strict=True)
            if generators.has_line(value, user)
        ),
        lambda value, *passwords: functools.reduce(
            generators.with_line,
            (
                generators.htpasswd(user, password)
                for user, password in zip(users, passwords, strict=True)
                if not generators.has_line(value, user)
            ),
            value,
        ),
    )


def _source(text: str) -> Source:
    parts = text.split("/")
    if len(parts) != 3:
        raise ValueError(f"{text} is not of the form namespace/name/key")
    return Source(*parts)


def _check_sources(spec: SecretSpec, specs: Mapping[str, SecretSpec]) -> None:
    for key, rule in spec.rules.items():
        for source in rule.sources:
            target = specs.get(f"{source.namespace}/{source.name}")
            if target is None or source.key not in target.rules:
                raise ValueError(f"{spec}/{key}: there is no {source}")
            if target is spec and spec.rules[source.key].sources:
                raise ValueError(f"{spec}/{key}: {source.key} is itself derived")
