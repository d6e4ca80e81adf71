"""What is right in an example: its label, its marked answer, its partner. No torch, so that whoever lists tasks stays light."""

from __future__ import annotations

from collections.abc import Iterable

from groundup.core.example import Example


def label_of(example: Example) -> str:
    """The name of the right label: the label, or the choice it is the index of, or the target; "" when there is none."""
    label = str(example.label or example.target).strip()
    if label.isdigit() and label not in example.choices and int(label) < len(example.choices):
        return str(example.choices[int(label)])
    return label


def labels_of(examples: Iterable[Example]) -> list[str]:
    """All labels of the data, in the order of the alphabet (numbers by size): from the right ones and the choices."""
    found: set[str] = set()
    for example in examples:
        found.update(str(choice) for choice in example.choices)
        found.add(label_of(example))
    found.discard("")
    numbers = all(label.lstrip("-").isdigit() for label in found)
    return sorted(found, key=lambda label: (int(label), label) if numbers else (0, label))


def is_marked(example: Example) -> bool:
    """Whether an example has a question, a text, and a marked answer or the word that there is none."""
    return bool(example.question and example.text and (example.spans or example.meta.get("no_answer")))


def is_tagged(example: Example) -> bool:
    """Whether an example is a text whose spans are named (none at all is an example too)."""
    return example.task == "tag" and bool(example.text) and all(span.get("label") for span in example.spans)


def has_partner(example: Example) -> bool:
    """Whether an example holds two texts that belong together: of the task "embed", or any question and its answer."""
    return bool((example.text or example.question) and example.target) and example.task != "apart"
