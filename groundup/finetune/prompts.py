"""From an example to the conversation that teaches it: one place, so that tuning and evaluation ask alike.

An example with messages is its own conversation. Any other becomes one question and one answer by a template, text
with {text}, {question}, {choices}, {target}, {label} for the example's fields. No code runs in a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from groundup.core.errors import DataError, RecipeError, near
from groundup.core.example import Example

FIELDS = ("text", "question", "choices")
_FIELD = re.compile(r"\{(\w+)\}")

# What the user says, by task; short, since a small model's context is. The answer is the target or the label.
TEMPLATES: Mapping[str, str] = {
    "qa": "{text}\n\n{question}",
    "summarize": "{text}\n\nSummarize this.",
    "classify": "{text}\n\n{question}",
    "translate": "Translate: {text}",
    "extract": "{text}\n\nGive this as JSON.",
    "choose": "{text}\n\n{question}\n{choices}",
    "title": "{text}\n\nGive this a title.",
}
NOT_TO_SAY = ("disliked", "apart")  # tasks whose answers are bad ones: nothing to learn by heart
NO_ANSWER = "The text does not say."  # the answer to a question that its text leaves open (SQuAD 2)


def check_template(template: str) -> str:
    """The template itself, or a RecipeError for a field that examples do not have."""
    for name in _FIELD.findall(template):
        if name not in FIELDS:
            raise RecipeError(f"A template has no field '{{{name}}}'.", repair=near(name, FIELDS))
    return template


def messages_of(example: Example, template: str | None = None) -> list[dict[str, Any]]:
    """The conversation of an example, answer included. DataError when it holds nothing to answer or no answer, or a bad
    one. Of a preference pair the better answer is taken.
    """
    if example.task in NOT_TO_SAY:
        raise DataError(f"The example {example.id} of the task '{example.task}' holds an answer not to be given.")
    if example.task == "prefer" and example.messages and example.choices:
        return [*example.messages, {"role": "assistant", "content": example.choices[0]}]
    if example.messages:
        return example.messages
    answer = example.target or example.label or (NO_ANSWER if example.meta.get("no_answer") else "")
    question = question_of(example, template)
    if not answer or not question:
        missing = "no answer (target or label)" if question else "nothing to ask (text or question)"
        raise DataError(f"The example {example.id} of the task '{example.task}' has {missing}.")
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def question_of(example: Example, template: str | None = None) -> str:
    """What the user says for an example without messages."""
    pattern = template or TEMPLATES.get(example.task, "{text}\n\n{question}")
    values = {"text": example.text, "question": example.question, "choices": ", ".join(example.choices)}
    return _FIELD.sub(lambda match: values.get(match.group(1), match.group(0)), pattern).strip()
