"""A row as people write it -> our `Example`: the shape is seen from the row's fields, the first that fits counts.

our own                task, messages | text, target, choices, label, ...
OpenAI messages        messages [{role, content}], with tools; and with a thumb ("up", "down") from the studio
ShareGPT               conversations [{from: human | gpt | system, value}]
preference pairs       prompt, chosen, rejected (texts or turns); chosen and rejected as whole conversations (HH)
Alpaca                 instruction, input, output; with chosen and rejected a preference pair
SQuAD                  context, question, answers [{text, answer_start}]
multiple choice        question, choices, answer (index, letter or the choice itself)
tags                   tokens, tags (CoNLL: B-X, I-X, O, or one name a word); text, entities [{start, end, label}]
fields (extraction)    text, fields {name: value}
sentence pairs         anchor, positive, and where there is one negative; sentence1, sentence2, and a score
translation            source, target
plain columns          prompt and response; question and answer; text and summary; text and label; text and target
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from groundup.core.document import hash_text
from groundup.core.errors import near
from groundup.core.example import Example
from groundup.finetune.fields import canonical

ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
ROLES |= {"chatgpt": "assistant", "bot": "assistant", "tool": "tool", "function": "tool", "developer": "system"}
OUR_FIELDS = {field.name for field in fields(Example)}
THUMBS = {"up": "up", "down": "down", "1": "up", "-1": "down", "true": "up", "false": "down"}
SIMILAR = 0.5  # of a score in [0, 1] above which two sentences count as a pair that belongs together; taste


class RowError(Exception):
    """Why one row cannot be used."""


def example_of(row: Mapping[str, Any]) -> Example:
    """The example in one row, by the first shape whose fields are there."""
    for needed, read in SHAPES:
        if all(row.get(name) is not None for name in needed):
            return read(row)
    names = ", ".join(sorted(str(name) for name in row)) or "none"
    raise RowError(f"no known shape; its fields: {names}{_missing_name(row)}")


def _missing_name(row: Mapping[str, Any]) -> str:
    """The shape that lacks only one field, when the row has one of a similar name: a slip of the pen."""
    import difflib

    for needed, _ in SHAPES:
        missing = [name for name in needed if row.get(name) is None]
        if len(missing) == 1 and (len(needed) > 1 or row):
            spare = [str(name) for name in row if name not in needed]
            found = difflib.get_close_matches(missing[0], spare, n=1, cutoff=0.7)
            if found:
                return (
                    f". Is '{found[0]}' meant to be '{missing[0]}'? Then: columns = {{{missing[0]} = \"{found[0]}\"}}"
                )
    return ""


def _ours(row: Mapping[str, Any]) -> Example:
    unknown = set(row) - OUR_FIELDS
    if unknown:
        name = sorted(unknown)[0]
        raise RowError(f"an example has no field '{name}'. {near(name, OUR_FIELDS)}")
    if row.get("messages"):
        return Example(**{**row, "messages": _messages(row["messages"], "role", "content")})
    return Example(**row)


def _openai(row: Mapping[str, Any]) -> Example:
    meta = {"tools": row["tools"]} if row.get("tools") else {}
    return Example("chat", messages=_messages(row["messages"], "role", "content"), meta=meta)


def _thumbed(row: Mapping[str, Any]) -> Example:
    """A conversation that its user judged. A thumb down is nothing to learn by heart: it has a task of its own."""
    thumb = THUMBS.get(str(row["thumb"]).lower())
    if thumb is None:
        raise RowError(f"the thumb is {row['thumb']!r}; known: up, down")
    messages = _messages(row["messages"], "role", "content")
    if messages[-1]["role"] != "assistant":
        raise RowError("the last turn is not the assistant's: nothing was judged")
    asked = hash_text(str(messages[:-1]))[:16]
    return Example("chat" if thumb == "up" else "disliked", asked, messages, meta={"thumb": thumb})


def _sharegpt(row: Mapping[str, Any]) -> Example:
    messages = _messages(row["conversations"], "from", "value")
    if isinstance(row.get("system"), str) and row["system"]:
        messages.insert(0, {"role": "system", "content": row["system"]})
    return Example("chat", messages=messages)


def _alpaca(row: Mapping[str, Any]) -> Example:
    return _pair(_instruction(row), _text(row, "output"))


def _instruction(row: Mapping[str, Any]) -> str:
    question, extra = _text(row, "instruction"), _text(row, "input", empty=True)
    return f"{question}\n\n{extra}" if extra else question


def _alpaca_pair(row: Mapping[str, Any]) -> Example:
    return _preference([{"role": "user", "content": _instruction(row)}], _text(row, "chosen"), _text(row, "rejected"))


def _prompted_pair(row: Mapping[str, Any]) -> Example:
    """prompt: a text or turns. chosen, rejected: texts, or turns of which the last is the answer."""
    prompt = row["prompt"]
    asked = (
        _turns(prompt, "prompt") if isinstance(prompt, list) else [{"role": "user", "content": _text(row, "prompt")}]
    )
    return _preference(asked, _last_words(row, "chosen"), _last_words(row, "rejected"))


def _last_words(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row[name], list):
        return _text(row, name)
    last = (_turns(row[name], name) or [{}])[-1]
    if last.get("role") != "assistant":
        raise RowError(f"'{name}' does not end with a turn of the assistant")
    return str(last["content"]).strip()


def _whole_pair(row: Mapping[str, Any]) -> Example:
    """Two conversations, as turns or as "Human: ... Assistant: ..." (HH-RLHF), that differ in the last answer."""
    better, worse = (_conversation(row, name) for name in ("chosen", "rejected"))
    if better[:-1] != worse[:-1]:
        raise RowError("'chosen' and 'rejected' differ before their last answer: they do not answer one question")
    if not better[:-1] or better[-1]["role"] != "assistant" or worse[-1]["role"] != "assistant":
        raise RowError("'chosen' and 'rejected' are not a question and the assistant's answer")
    return _preference(better[:-1], str(better[-1]["content"]), str(worse[-1]["content"]))


def _conversation(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    if isinstance(row[name], list):
        return _turns(row[name], name)
    pieces = re.split(r"(?:^|\n\n)(Human|Assistant):", _text(row, name))
    if len(pieces) < 3:
        raise RowError(f"'{name}' is neither turns nor a text with 'Human:' and 'Assistant:'")
    roles = {"Human": "user", "Assistant": "assistant"}
    return [{"role": roles[who], "content": said.strip()} for who, said in zip(pieces[1::2], pieces[2::2], strict=True)]


def _turns(value: Any, name: str) -> list[dict[str, Any]]:
    if not value or not all(isinstance(turn, dict) for turn in value):
        raise RowError(f"'{name}' is no list of turns")
    by_role = all("role" in turn for turn in value)
    return _messages(value, *(("role", "content") if by_role else ("from", "value")), answered=False)


def _preference(asked: list[dict[str, Any]], better: str, worse: str) -> Example:
    if not better.strip() or not worse.strip():
        raise RowError("an answer of the pair is empty")
    if better == worse:
        raise RowError("both answers are the same: nothing is preferred")
    return Example("prefer", hash_text(str(asked))[:16], asked, choices=[better, worse], label="0")


def _prompted(answer: str) -> Callable[[Mapping[str, Any]], Example]:
    return lambda row: _pair(_text(row, "prompt"), _text(row, answer))


def _pair(user: str, assistant: str) -> Example:
    return Example("chat", messages=[{"role": "user", "content": user}, {"role": "assistant", "content": assistant}])


def _squad_row(row: Mapping[str, Any]) -> Example:
    """context, question, answers: {"text": [...], "answer_start": [...]} or [{"text", "answer_start"}]."""
    _text(row, "context")
    context, question = str(row["context"]), _text(row, "question")  # not stripped: answers count its characters
    answers = row["answers"]
    if isinstance(answers, dict):
        pairs: list[tuple[Any, Any]] = list(zip(answers.get("text", []), answers.get("answer_start", []), strict=False))
    elif isinstance(answers, list) and all(isinstance(answer, dict) for answer in answers):
        pairs = [(answer.get("text"), answer.get("answer_start")) for answer in answers]
    else:
        raise RowError("'answers' is neither a list of answers nor columns of them")
    spans: list[dict[str, Any]] = []
    for text, start in pairs:
        if not isinstance(text, str) or not isinstance(start, int) or context[start : start + len(text)] != text:
            raise RowError(f"the answer {text!r} does not stand at character {start} of its context")
        spans.append({"start": start, "end": start + len(text), "text": text})
    target = str(spans[0]["text"]) if spans else ""
    meta = {} if spans else {"no_answer": True}
    # Questions about one text stay on one side of the split.
    home = hash_text(context)[:16]
    return Example("qa", home, text=context, question=question, target=target, spans=spans, meta=meta)


def _multiple_choice(row: Mapping[str, Any]) -> Example:
    """answer: the index from 0, a letter, or the choice itself."""
    choices, answer = row["choices"], row["answer"]
    if isinstance(choices, dict):  # ARC: {"text": [...], "label": ["A", ...]}
        letters, choices = [str(one) for one in choices.get("label", [])], choices.get("text", [])
    else:
        letters = [chr(ord("A") + place) for place in range(len(choices))] if isinstance(choices, list) else []
    if not isinstance(choices, list) or len(choices) < 2:
        raise RowError("'choices' is no list of two or more")
    names = [str(one) for one in choices]
    said = str(answer).strip()
    place = int(said) if said.isdigit() and said not in names else -1
    place = names.index(said) if said in names else letters.index(said) if said in letters else place
    if not 0 <= place < len(names):
        raise RowError(f"the answer {answer!r} is none of the {len(names)} choices")
    text, question = _text(row, "text", empty=True), _text(row, "question")
    return Example("choose", text=text, question=question, choices=names, label=names[place])


def _tagged_words(row: Mapping[str, Any]) -> Example:
    """tokens and tags, one a word: B-X / I-X / O, or a plain name for each word (parts of speech)."""
    words, tags = row["tokens"], row["tags"]
    if not (isinstance(words, list) and isinstance(tags, list)) or not words or len(words) != len(tags):
        raise RowError("'tokens' and 'tags' are not two lists of the same length")
    words, tags = [str(word) for word in words], [str(tag) for tag in tags]
    if not all(word.strip() for word in words):
        raise RowError("a token is empty")
    text, place = " ".join(words), 0
    spans: list[dict[str, Any]] = []
    for word, tag in zip(words, tags, strict=True):
        mark, _, name = tag.partition("-")
        end = place + len(word)
        if mark == "I" and name and spans and spans[-1]["label"] == name and spans[-1]["end"] == place - 1:
            spans[-1] = {**spans[-1], "end": end, "text": text[spans[-1]["start"] : end]}
        elif tag != "O":
            label = name if mark in ("B", "I") and name else tag
            spans.append({"start": place, "end": end, "text": word, "label": label})
        place = end + 1
    return Example("tag", text=text, spans=spans)


def _tagged_text(row: Mapping[str, Any]) -> Example:
    """entities: [{start, end, label}] with characters of the text, or [start, end, label]."""
    text = str(row["text"])
    spans: list[dict[str, Any]] = []
    _text(row, "text")
    for entity in row["entities"] if isinstance(row["entities"], list) else [None]:
        if isinstance(entity, dict):
            entity = [entity.get("start"), entity.get("end"), entity.get("label")]
        if not isinstance(entity, list | tuple) or len(entity) != 3 or not isinstance(entity[2], str):
            raise RowError("an entity is not {start, end, label}")
        start, end, label = entity
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
            raise RowError(f"the entity '{label}' from {start} to {end} does not lie in its text of {len(text)}")
        spans.append({"start": start, "end": end, "text": text[start:end], "label": label})
    return Example("tag", text=text, spans=sorted(spans, key=lambda span: (span["start"], span["end"])))


def _with_fields(row: Mapping[str, Any]) -> Example:
    """fields: an object of what is to be read from the text."""
    if not isinstance(row["fields"], dict):
        raise RowError(f"'fields' is {kind_of(row['fields'])}, not an object")
    return Example("extract", text=_text(row, "text"), target=canonical(row["fields"]))


def _anchored(row: Mapping[str, Any]) -> Example:
    negative = _text(row, "negative", empty=True)
    return Example(
        "embed", text=_text(row, "anchor"), target=_text(row, "positive"), choices=[negative] if negative else []
    )


def _sentence_pair(row: Mapping[str, Any]) -> Example:
    """score: how alike, 0 to 1 or 0 to 5 (STS); without one, or with a label 1, they belong together."""
    score = row.get("score", row.get("label", 1))
    try:
        value = float(score)
    except (TypeError, ValueError):
        raise RowError(f"the score is {score!r}, not a number") from None
    value = value / 5 if value > 1 else value
    task = "embed" if value >= SIMILAR else "apart"
    first, second = _text(row, "sentence1"), _text(row, "sentence2")
    return Example(task, text=first, target=second, meta={"score": value})


def _translated(row: Mapping[str, Any]) -> Example:
    return Example("translate", text=_text(row, "source"), target=_text(row, "target"))


def _answered(row: Mapping[str, Any]) -> Example:
    return Example(
        "qa", text=_text(row, "text", empty=True), question=_text(row, "question"), target=_text(row, "answer")
    )


def _summary(row: Mapping[str, Any]) -> Example:
    return Example("summarize", text=_text(row, "text"), target=_text(row, "summary"))


def _targeted(row: Mapping[str, Any]) -> Example:
    return Example("summarize", text=_text(row, "text"), target=_text(row, "target"))


def _labelled(row: Mapping[str, Any]) -> Example:
    return Example("classify", text=_text(row, "text"), label=_text(row, "label"))


SHAPES: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Example]], ...] = (
    (("task",), _ours),
    (("messages", "thumb"), _thumbed),
    (("messages",), _openai),
    (("conversations",), _sharegpt),
    (("prompt", "chosen", "rejected"), _prompted_pair),
    (("instruction", "chosen", "rejected"), _alpaca_pair),
    (("chosen", "rejected"), _whole_pair),
    (("instruction", "output"), _alpaca),
    (("prompt", "response"), _prompted("response")),
    (("prompt", "completion"), _prompted("completion")),
    (("context", "question", "answers"), _squad_row),
    (("question", "choices", "answer"), _multiple_choice),
    (("question", "answer"), _answered),
    (("tokens", "tags"), _tagged_words),
    (("text", "entities"), _tagged_text),
    (("text", "fields"), _with_fields),
    (("anchor", "positive"), _anchored),
    (("sentence1", "sentence2"), _sentence_pair),
    (("source", "target"), _translated),
    (("text", "summary"), _summary),
    (("text", "label"), _labelled),
    (("text", "target"), _targeted),
)


def _messages(value: Any, role_name: str, content_name: str, *, answered: bool = True) -> list[dict[str, Any]]:
    """Turns in our form. answered: an answer must be among them."""
    if not isinstance(value, list) or not value:
        raise RowError("the conversation has no turns")
    messages = []
    for number, turn in enumerate(value, start=1):
        if not isinstance(turn, dict):
            raise RowError(f"turn {number} is {kind_of(turn)}, not an object")
        role = ROLES.get(str(turn.get(role_name)).lower())
        if role is None:
            raise RowError(f"turn {number} has the unknown role {turn.get(role_name)!r}; known: {', '.join(ROLES)}")
        content = turn.get(content_name)
        if isinstance(content, list):  # OpenAI's parts: text parts are joined
            texts = [str(part["text"]) for part in content if isinstance(part, dict) and part.get("type") == "text"]
            if len(texts) != len(content):
                raise RowError(f"turn {number} holds something other than text")
            content = "".join(texts)
        calls = turn.get("tool_calls")
        if not isinstance(content, str) and not calls:
            raise RowError(f"the content of turn {number} is {kind_of(content)}, not text")
        messages.append({"role": role, "content": content or "", **({"tool_calls": calls} if calls else {})})
    if answered and not any(
        turn["role"] == "assistant" and (turn["content"].strip() or "tool_calls" in turn) for turn in messages
    ):
        raise RowError("no turn of the assistant holds an answer")
    return messages


def _text(row: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    value = row.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # labels are often numbers
    if value is None and empty:
        return ""
    if not isinstance(value, str):
        raise RowError(f"'{name}' is {kind_of(value)}, not text")
    if not value.strip() and not empty:
        raise RowError(f"'{name}' is empty")
    return value.strip()


def kind_of(value: Any) -> str:
    """A JSON value in words."""
    names = {"NoneType": "nothing", "dict": "an object", "list": "a list", "str": "a text", "bool": "true or false"}
    return names.get(type(value).__name__, "a number")
