"""Recipes: unknown names stop before any work, with the line, the allowed names and the nearest one."""

from __future__ import annotations

import pytest
from pydantic import Field

from groundup.core.errors import RecipeError, UsageError
from groundup.core.recipe import Options, line_of, parse_toml, set_values, validate, write_toml


class Privacy(Options):
    action: str = "mask"


class Source(Options):
    from_: str = Field(alias="from")
    count: int = Field(10, ge=1)


class Clean(Options):
    steps: list[str] = Field(default_factory=list)
    privacy: Privacy = Field(default_factory=Privacy)


class Whole(Options):
    name: str
    collect: dict[str, Source]
    clean: Clean = Field(default_factory=Clean)


TEXT = """name = "x"

[collect.stories]
from = "samples:stories"
count = 5

[clean]
steps = ["text"]
privacy.action = "drop"
"""


def read(text: str) -> Whole:
    return validate(Whole, parse_toml(text, "x.toml"), text=text, name="x.toml")


def test_a_recipe_becomes_frozen_options() -> None:
    recipe = read(TEXT)
    assert recipe.collect["stories"].from_ == "samples:stories"
    assert recipe.clean.privacy.action == "drop"
    with pytest.raises(Exception, match="frozen"):
        recipe.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "line", "guess"),
    [
        (TEXT.replace("count = 5", "cuont = 5"), 5, "count"),
        (TEXT.replace("[clean]", "[claen]"), 7, "clean"),
        (TEXT.replace("privacy.action", "privacy.actoin"), 9, "action"),
        (TEXT.replace('steps = ["text"]', 'step = ["text"]'), 8, "steps"),
    ],
)
def test_an_unknown_name_stops_with_line_and_nearest(wrong: str, line: int, guess: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(wrong)
    assert f"line {line}:" in str(caught.value)
    assert f"Did you mean '{guess}'?" in str(caught.value)


def test_a_value_outside_its_rule_names_rule_and_value() -> None:
    with pytest.raises(RecipeError, match=r"line 5.*collect\.stories\.count.*greater than or equal to 1.*0"):
        read(TEXT.replace("count = 5", "count = 0"))


def test_broken_toml_names_the_line() -> None:
    with pytest.raises(RecipeError, match="line 2"):
        parse_toml('name = "x"\nb == 2\n', "x.toml")


def test_set_changes_one_value_and_reads_it_as_toml() -> None:
    values = set_values({"clean": {"steps": []}}, ["clean.steps=['a']", "collect.s.count=3", "name=hello world"])
    assert values == {"clean": {"steps": ["a"]}, "collect": {"s": {"count": 3}}, "name": "hello world"}


def test_set_without_a_value_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not an assignment"):
        set_values({}, ["clean.steps"])


def test_set_leaves_the_given_values_alone() -> None:
    given = {"clean": {"steps": ["a"]}}
    set_values(given, ["clean.steps=['b']"])
    assert given == {"clean": {"steps": ["a"]}}


def test_line_of_finds_dotted_keys_and_tables() -> None:
    assert line_of(TEXT, ["clean", "privacy", "action"]) == 9
    assert line_of(TEXT, ["collect", "stories"]) == 3
    assert line_of(TEXT, ["nowhere"]) == 0


def test_what_is_written_reads_back() -> None:
    values = {"name": "x", "collect": {"s": {"from": "samples:stories"}}, "empty": None}
    assert parse_toml(write_toml(values), "x") == {"name": "x", "collect": {"s": {"from": "samples:stories"}}}
