"""`depinHelm` is described twice: by the schema, for people and plain Helm, and by the code that types it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from depin_helm import schema
from depin_helm.project import Project
from depin_helm.values.settings import KEY, SettingsError, read
from tests.tier import ROOT

VALIDATOR = Draft7Validator(schema.load(Project(ROOT).schema_source)["properties"][KEY])

NAMES = st.sampled_from(
    ["context", "id", "sandbox", "default", "layers", "create", "routes", "kibana", "other"]
)
VALUES = (
    st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from(
        ["", "x", "10m", "1h30m", "10", "0e1a6f0c-4d2b-4e7a-9d55-0123456789ab", "keep", "rollback"]
    )
    | st.lists(st.just("10m"), max_size=1)
)
SECTIONS = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2), max_size=2) | VALUES
DATA = st.dictionaries(
    st.sampled_from(["cluster", "timeouts", "onFailure", "secrets", "parallel", "other"]),
    SECTIONS,
    max_size=3,
)


@settings(max_examples=600, deadline=None)
@given(DATA)
def test_what_the_schema_allows_can_be_read(data: dict[str, Any]) -> None:
    if not VALIDATOR.is_valid(data):
        return
    read(data)


@settings(max_examples=600, deadline=None)
@given(DATA)
def test_what_cannot_be_read_the_schema_does_not_allow(data: dict[str, Any]) -> None:
    try:
        read(data)
    except SettingsError:
        assert not VALIDATOR.is_valid(data)
