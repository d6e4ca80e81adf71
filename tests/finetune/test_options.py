"""The [finetune] table: free names for steps, strict names inside."""

from __future__ import annotations

import pytest

from groundup.core import recipe
from groundup.core.errors import RecipeError
from groundup.core.manifest import as_plain
from groundup.finetune.options import FinetuneOptions


def read(text: str) -> FinetuneOptions:
    return recipe.validate(FinetuneOptions, recipe.parse_toml(text, "toy"), text=text)


def test_without_sub_tables_there_is_one_chat():
    assert list(read("").ordered) == ["chat"]


def test_steps_come_in_the_order_written_or_named():
    tables = '[b]\nepochs = 1\n[a]\ndata = ["x.jsonl"]\n'
    assert list(read(tables).ordered) == ["b", "a"]
    assert list(read('steps = ["a", "b"]\n' + tables).ordered) == ["a", "b"]
    assert read(tables).ordered["b"].epochs == 1


def test_options_survive_the_manifest():
    options = read('[chat]\nepochs = 3\n[more]\nweights = {"s:k" = 2}\ndata = ["s:k"]\n')
    assert recipe.validate(FinetuneOptions, as_plain(options)) == options


@pytest.mark.parametrize(
    "text, said",
    [
        ("[chat]\nepochz = 1", "line 1: 'chat': unknown key 'epochz'. Did you mean 'epochs'"),
        ("[chat]\nepochs = 0", "line 2: 'chat.epochs'"),
        ("[chat]\nmethod = 'dance'", "line 2: 'chat.method'"),
        ("epochs = 2", r"'epochs' stands outside of a step; write it in \[finetune.chat\]"),
        ("steps = ['chta']\n[chat]\n", r"no \[finetune.chta\]. Did you mean 'chat'"),
        ("steps = ['a']\n[a]\n[b]\n", r"leaves out \[finetune.b\]"),
        ("[chat]\nsteps = 3\nepochs = 1", "'steps' or 'epochs', not both"),
        ("[chat]\ntemplate = '{txt}'", r"no field '{txt}'. Did you mean 'text'"),
        ("[chat]\ndata = ['s:a']\nweights = {'s:b' = 2}", "weights names 's:b'"),
        ("['../out']\nepochs = 1", "no name for a folder"),
    ],
)
def test_mistakes_are_named_with_the_line_and_the_repair(text, said):
    with pytest.raises(RecipeError, match=said):
        read(text)
