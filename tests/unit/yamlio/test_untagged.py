"""Reading without tags gives what reading with them gives, where there are none."""

from __future__ import annotations

import pytest

from depin_helm import yamlio

TEXT = """
a: on
b: "on"
c: [1, 1e3, 0755, 12:30:45, null, 'x']
d: {e: |
  f}
""".replace("{e: |\n  f}", "\n  e: |\n    f\n")


@pytest.mark.parametrize("text", [TEXT, f"{TEXT}---\nx: =\n", "", "a: b & c\n"])
def test_it_is_what_is_read_with_tags(text: str) -> None:
    assert yamlio.load_untagged(text) == yamlio.load_all(text)


@pytest.mark.parametrize("text", ["a: &x b\nc: *x\n", "a: [\n", "[" * 2000 + "]" * 2000])
def test_what_it_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(yamlio.YAMLError):
        yamlio.load_untagged(text)
