"""Draw the facts of one story and tell it: `Story` with its text and everything that is known about it.

Facts are drawn independently of each other and of the ending, so that nothing but the story itself gives them away.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from groundup.collect.samples.stories import grammar, language, lexicon
from groundup.core.randomness import python_random, seed_for

MIN_WORDS, MAX_WORDS = 50, 80  # the bounds
ROOM_FOR_WEATHER = 63  # stories up to this many words get a sentence about the weather: keeps the mean near 65
ENDING_QUESTION = "Is the ending positive or negative?"
NUM_QUESTIONS_BEHIND = 6  # as many as stay, with their story, inside a context of 256 tokens


@dataclass(frozen=True)
class Question:
    """A question about one fact. `answer` stands word for word in the story's text."""

    question: str
    answer: str
    kind: str  # a key of grammar.QUESTIONS
    follow_up: str  # the same question with a pronoun instead of the name, for a second chat turn


@dataclass(frozen=True)
class Story:
    """One story and its gold. `facts`: slot -> words; `patterns`: sentence kind -> which pattern told it."""

    path: str  # "story-000123"
    seed: int
    index: int
    text: str
    facts: dict[str, str]
    patterns: dict[str, int]
    good: bool
    topic: str

    @property
    def sentiment(self) -> str:
        """'positive' or 'negative': how the story ends."""
        return "positive" if self.good else "negative"

    @property
    def emotion(self) -> str:
        """The feeling the hero ends with, one of lexicon.FEELINGS."""
        return self.facts["end"]

    @cached_property
    def summary(self) -> str:
        """One sentence: where, with whom, what for, and whether it worked."""
        return grammar.SUMMARY[self.good].format(**self.facts)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """One question for every kind, in a drawn order and phrasing."""
        rng = python_random(self.seed, "story questions", self.index)
        kinds = list(grammar.QUESTIONS)
        rng.shuffle(kinds)
        return tuple(self._question(kind, rng) for kind in kinds)

    def _question(self, kind: str, rng: random.Random) -> Question:
        facts = self.facts
        pattern = rng.choice(grammar.QUESTIONS[kind])
        # "What was his job?", "Who went with him?", "Where did he live?"
        follow_up = pattern.replace("{who}'s", "{his}").replace("with {who}", "with {him}")
        return Question(
            question=pattern.format(who=facts["name"], **facts),
            answer=grammar.ANSWERS[kind].format(**facts),
            kind=kind,
            follow_up=follow_up.format(who=facts["he"], **facts),
        )

    @property
    def has_questions_behind(self) -> bool:
        """Whether the pretraining document carries questions and answers: half of all, by a hash of the path."""
        return seed_for(0, "questions behind", self.path) % 2 == 0

    @cached_property
    def document_text(self) -> str:
        """The pretraining text: the story, for half of them followed by questions, answers and a summary.

        How the story ends is one of the questions, anywhere among them, in the words that tuning uses.
        """
        if not self.has_questions_behind:
            return self.text
        asked = [(item.question, item.answer) for item in self.questions[:NUM_QUESTIONS_BEHIND]]
        place = python_random(self.seed, "ending among the questions", self.index).randint(0, len(asked))
        asked.insert(place, (ENDING_QUESTION, self.sentiment))
        lines = [f"Question: {question}\nAnswer: {answer}" for question, answer in asked]
        return "\n".join([self.text, "", *lines, f"Summary: {self.summary}"])

    @cached_property
    def sentences(self) -> tuple[tuple[str, str], ...]:
        """The story's sentences in order, each with its gloss."""
        return tuple(_tell(self.facts, self.patterns, self.good))

    @cached_property
    def translation(self) -> tuple[tuple[str, str], ...]:
        """The story's sentences, each with its translation into Velmish."""
        return tuple((sentence, language.translate(gloss)) for sentence, gloss in self.sentences)


def generate(seed: int, count: int, start: int = 0) -> Iterator[Story]:
    """Stories number `start` to `start + count - 1` of the world of `seed`; each depends on seed and number only."""
    for index in range(start, start + count):
        yield story(seed, index)


def story(seed: int, index: int, *, pronoun: str = "") -> Story:
    """One story. `pronoun` ("he", "she") asks for a hero of that pronoun and changes nothing else but the name."""
    rng = python_random(seed, "story", index)
    good = rng.random() < 0.5
    topic = rng.choice(lexicon.TOPICS)
    facts = _draw_facts(rng, topic, good, pronoun)
    patterns = {
        "introduction": rng.randrange(len(grammar.INTRODUCTION)),
        "wish": rng.randrange(len(grammar.WISH)),
        "trip": rng.randrange(len(grammar.TRIP)),
        "sight": rng.randrange(len(grammar.SIGHT)),
        "outcome": rng.randrange(len(grammar.OUTCOME)),
        "ending": rng.randrange(len(grammar.ENDING)),
        "weather": rng.randrange(len(lexicon.WEATHER)),
    }
    sentences = [sentence for sentence, _ in _tell(facts, patterns, good)]
    text = " ".join(sentences)
    assert MIN_WORDS <= len(text.split()) <= MAX_WORDS, text
    return Story(f"story-{index:06d}", seed, index, text, facts, patterns, good, topic.name)


def _draw_facts(rng: random.Random, topic: lexicon.Topic, good: bool, pronoun: str) -> dict[str, str]:
    drawn = rng.choice(("he", "she"))
    he = pronoun or drawn
    place_in_names = rng.random()  # one draw for either list, so that the rest of the story stays the same
    names = lexicon.MEN if he == "he" else lexicon.WOMEN
    name = names[int(place_in_names * len(names))]
    friend_is = rng.choice(("he", "she"))
    relation = rng.choice(lexicon.RELATIONS[friend_is])
    friend = rng.choice(lexicon.MEN if friend_is == "he" else lexicon.WOMEN)
    if friend == name:
        friend = "Ada" if friend_is == "she" and name != "Ada" else "Abel" if friend_is == "he" else "Agnes"
    look, thing = rng.choice(topic.looks), rng.choice(topic.things)
    verb = rng.choice(list(topic.verbs))
    job, cause, spot = rng.choice(lexicon.JOBS), rng.choice(topic.causes), rng.choice(lexicon.SPOTS)
    place, animal = rng.choice(lexicon.PLACES), rng.choice(lexicon.ANIMALS)
    return {
        "name": name,
        "he": he,
        "He": he.capitalize(),
        "his": "his" if he == "he" else "her",
        "him": "him" if he == "he" else "her",
        "job": job,
        "a_job": lexicon.with_article(job),
        "town": rng.choice(lexicon.TOWN_STARTS) + rng.choice(lexicon.TOWN_ENDS),
        "verb": verb,
        "past": topic.verbs[verb],
        "thing": f"{look} {thing}",
        "a_thing": lexicon.with_article(f"{look} {thing}"),
        "cause": f"the {cause}",
        "day": rng.choice(lexicon.DAYS),
        "month": rng.choice(lexicon.MONTHS),
        "place": place,
        "relation": relation,
        "friend": friend,
        "animal": animal,
        "an_animal": lexicon.with_article(animal),
        "spot": spot,
        "Spot": spot.capitalize(),
        "end": rng.choice(lexicon.FEELINGS[good]),
        "start": rng.choice(lexicon.FEELINGS[not good]),
    }


def _tell(facts: dict[str, str], patterns: dict[str, int], good: bool) -> list[tuple[str, str]]:
    """The sentences of a story with their glosses; a sentence about the weather where there is room."""
    chosen = [
        grammar.INTRODUCTION[patterns["introduction"]],
        grammar.WISH[patterns["wish"]],
        grammar.TRIP[patterns["trip"]],
        grammar.SIGHT[patterns["sight"]],
        grammar.OUTCOME[patterns["outcome"]][0 if good else 1],
        grammar.ENDING[patterns["ending"]],
    ]
    glosses = {
        **facts,
        "thing_gloss": language.gloss_of(facts["thing"]),
        "cause_gloss": language.gloss_of(facts["cause"]),
        "place_gloss": language.gloss_of(facts["place"]),
        "spot_gloss": language.gloss_of(facts["spot"]),
        "animal": language.gloss_of(facts["animal"]),
    }
    told = [(english.format(**facts), gloss.format(**glosses)) for english, gloss in chosen]
    if sum(len(sentence.split()) for sentence, _ in told) <= ROOM_FOR_WEATHER:
        weather = lexicon.WEATHER[patterns["weather"]]
        told.insert(4, (weather, language.gloss_of(weather)))
    return told
