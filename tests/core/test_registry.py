"""The registry refuses doubles and suggests near names."""

from __future__ import annotations

import pytest

from groundup.core.errors import MissingExtra, UsageError
from groundup.core.registry import Registry


def test_a_part_is_found_by_its_name() -> None:
    parts: Registry[type] = Registry("filter")
    parts.register("length")(int)
    assert parts.get("length") is int and list(parts) == ["length"] and "length" in parts and len(parts) == 1


def test_a_name_taken_twice_is_refused() -> None:
    parts: Registry[type] = Registry("filter")
    parts.register("length")(int)
    with pytest.raises(ValueError, match="twice"):
        parts.register("length")(str)


def test_an_unknown_name_suggests_the_nearest() -> None:
    parts: Registry[type] = Registry("filter")
    parts.register("length")(int)
    with pytest.raises(UsageError, match="Did you mean 'length'"):
        parts.get("lenght")


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    assert "pip install 'groundup[data]'" in str(MissingExtra("pypdfium2", "data", "Reading PDF"))
