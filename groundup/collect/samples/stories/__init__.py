"""samples:stories: a small consistent world that tells endless short stories, every fact known.

The world. People with names and pronouns live in towns and have jobs. Somebody wants a thing, for a cause; on some day
they go to a place with somebody close, see an animal on the way, and the wish comes true or it does not; one feeling
goes and another comes. Facts are drawn independently (any job with any pronoun), so nothing but the story gives
them away, and the ending shows only in the order of its words, never in the words themselves (`grammar`).

A story holds its gold: questions whose answers stand word for word in the text, a summary, the sentiment and emotion
of the ending, the topic, and a translation into Velmish (`language`). Story number i of a seed is always the same.

    for story in generate(seed=1, count=3):
        print(story.text, story.questions[0], story.summary)

Stories have 50 to 80 words (67 on average); 20,000 of them use about 2,900 distinct words.
"""

from __future__ import annotations

from collections.abc import Iterator

from groundup.collect.samples.stories import lexicon, world
from groundup.collect.samples.stories.world import Question, Story, generate, story
from groundup.core.document import Document, document_id
from groundup.core.example import Example
from groundup.core.randomness import python_random

__all__ = ["PROMPTS", "Question", "Story", "documents", "examples", "generate", "story"]

LICENCE = "Apache-2.0"  # ours

# What the user says behind the story; one fixed wording a task, so that a small model needs to learn one only.
PROMPTS = {
    "sentiment": world.ENDING_QUESTION,
    "emotion": "Which feeling is left in the end?",
    "topic": "What is the story about?",
    "summaries": "Summarize the story.",
    "translation": "Translate into Velmish.",
}
EXAMPLES_PER_KIND = 12_000  # taste: more than a run of half an hour on 2 cores reads, and quick to write
ANSWERS_PER_STORY = 2
TURNS_PER_CHAT = 6  # as many as fit, with the story, into a context of 256 tokens
SUMMARY_SHARE = 0.3  # of the conversations may ask for one: it costs as many tokens as four answers


def documents(name: str, count: int, seed: int, licence: str = "") -> Iterator[Document]:
    """`count` stories as documents of source `name`; half of them with questions and answers behind the story.

    meta: ``{"sample": "stories", "seed", "index"}``, from which `story(seed, index)` gives all facts back.
    """
    for item in generate(seed, count):
        yield Document(
            text=item.document_text,
            source=name,
            path=item.path,
            licence=licence or LICENCE,
            language="en",
            meta={"sample": "stories", "seed": seed, "index": item.index},
        )


def examples(name: str, count: int, seed: int, limit: int = EXAMPLES_PER_KIND) -> dict[str, Iterator[Example]]:
    """Gold examples by kind, from the first `limit` of `count` stories. Each follows its story's document id.

    Kinds: answers (text, question, target, spans, messages), sentiment, emotion, topic (label, choices, messages),
    summaries, translation (text, target, messages), chat (three turns about one story).
    """
    makers = {
        "answers": _answers,
        "sentiment": _sentiment,
        "summaries": _summaries,
        "chat": _chat,
        "translation": _translation,
        "emotion": _emotion,
        "topic": _topic,
    }

    told: list[Story] = []  # the stories are told once for all kinds, when the first is asked for

    def stream(kind: str) -> Iterator[Example]:
        if not told:
            told.extend(generate(seed, min(count, limit)))
        for item in told:
            yield from makers[kind](item, name)

    return {kind: stream(kind) for kind in makers}


def _answers(item: Story, name: str) -> Iterator[Example]:
    # The document shows the first questions; tuning asks the next ones.
    first = world.NUM_QUESTIONS_BEHIND
    for question in item.questions[first : first + ANSWERS_PER_STORY]:
        start = item.text.lower().index(question.answer.lower())
        end = start + len(question.answer)
        yield _example(
            "qa",
            item,
            name,
            messages=_turns(f"{item.text}\n\n{question.question}", question.answer),
            text=item.text,
            question=question.question,
            target=question.answer,
            spans=[{"start": start, "end": end, "text": item.text[start:end]}],
            meta={"kind": question.kind},
        )


def _sentiment(item: Story, name: str) -> Iterator[Example]:
    yield _labelled("sentiment", item, name, item.sentiment, ["positive", "negative"])


def _emotion(item: Story, name: str) -> Iterator[Example]:
    yield _labelled("emotion", item, name, item.emotion, [*lexicon.FEELINGS[True], *lexicon.FEELINGS[False]])


def _topic(item: Story, name: str) -> Iterator[Example]:
    yield _labelled("topic", item, name, item.topic, [topic.name for topic in lexicon.TOPICS])


def _labelled(kind: str, item: Story, name: str, label: str, choices: list[str]) -> Example:
    messages = _turns(f"{item.text}\n\n{PROMPTS[kind]}", label)
    return _example("classify", item, name, messages=messages, text=item.text, choices=choices, label=label)


def _summaries(item: Story, name: str) -> Iterator[Example]:
    messages = _turns(f"{item.text}\n\n{PROMPTS['summaries']}", item.summary)
    yield _example("summarize", item, name, messages=messages, text=item.text, target=item.summary)


def _translation(item: Story, name: str) -> Iterator[Example]:
    # One sentence of each story: a whole story and its translation would not fit a context of 256 tokens.
    sentence, target = python_random(item.seed, "which sentence", item.index).choice(item.translation)
    messages = _turns(f"{sentence}\n\n{PROMPTS['translation']}", target)
    yield _example("translate", item, name, messages=messages, text=sentence, target=target, meta={"to": "velmish"})


def _chat(item: Story, name: str) -> Iterator[Example]:
    # Many turns about one story: each costs few tokens once the story is read, and teaches one answer more.
    rng = python_random(item.seed, "chat turns", item.index)
    asked = [(question.question, question.follow_up, question.answer) for question in item.questions]
    if rng.random() < SUMMARY_SHARE:
        asked.append((PROMPTS["summaries"], PROMPTS["summaries"], item.summary))
    chosen = rng.sample(asked, TURNS_PER_CHAT - 1)  # and always how it ends: one word to read, the hardest to find
    chosen.insert(rng.randrange(TURNS_PER_CHAT), (PROMPTS["sentiment"], PROMPTS["sentiment"], item.sentiment))
    messages = _turns(f"{item.text}\n\n{chosen[0][0]}", chosen[0][2])
    for _, follow_up, answer in chosen[1:]:
        messages += _turns(follow_up, answer)
    yield _example("chat", item, name, messages=messages)


def _turns(user: str, assistant: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def _example(task: str, item: Story, name: str, **fields: object) -> Example:
    values: dict[str, object] = {"licence": LICENCE, "source": name, **fields}
    return Example(task=task, document_id=document_id(name, item.path), **values)  # type: ignore[arg-type]
