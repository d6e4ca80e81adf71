"""The tutor: ask for an exercise, answer it, have a short answer graded, have something explained at your level.

tutor = Tutor()
answer = tutor.ask("an arithmetic exercise")
answer = tutor.ask("12", answer.state)
answer = tutor.ask("grade: Why is the lamp dark? | The circuit is open. | there is a gap in the circuit")
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Action, Answer, Field, State
from groundup.apps.search.app import SAMPLES, Search
from groundup.apps.search.generator import Generate, from_url
from groundup.apps.search.reading import documents_of
from groundup.apps.tutor.exercises import Exercise, arithmetic, cloze, comprehension, steps, vocabulary
from groundup.apps.tutor.grading import LABELS, TunedGrader, grade
from groundup.apps.tutor.learner import Learner
from groundup.apps.tutor.options import TutorOptions
from groundup.apps.writing.shorten import phrased
from groundup.core.document import Document
from groundup.core.errors import DataError
from groundup.core.files import read_json, write_json
from groundup.core.score import Score
from groundup.language.words import sentences, words

HELP = (
    "Ask for an exercise (arithmetic, cloze, vocabulary, reading), for what is due, or write: explain: TOPIC, or "
    "grade: QUESTION | REFERENCE ANSWER | STUDENT ANSWER"
)
KINDS = {
    "arithmetic": re.compile(r"\b(?:arithmetic|math\w*|sum|numbers|calculat\w*)\b", re.I),
    "cloze": re.compile(r"\b(?:cloze|gap|missing word)\b", re.I),
    "vocabulary": re.compile(r"\b(?:vocabulary|synonym\w*|opposite\w*|word meaning)\b", re.I),
    "comprehension": re.compile(r"\b(?:comprehension|reading|read)\b", re.I),
}
DUE = re.compile(r"\b(?:due|repeat|repetition|what(?:'s| is) next)\b", re.I)
WORDS_A_SENTENCE = {1: 14, 2: 24, 3: 60}  # the longest sentences of an explanation at each level; taste
LARGEST_SEED = 2**31
LEARNER_FILE = "learner.json"


def _today() -> date:
    return datetime.now(UTC).date()


@APPS.register("tutor")
class Tutor:
    """The application. `state` carries the kind and the seed of the open exercise; the key is made again from them."""

    name = "tutor"
    purpose = (
        "Exercises with keys that are right by construction, short answers graded with doubt, "
        "explanations at your level."
    )
    limits = (
        "Grades compare words, they do not understand physics: of answers to a new question four in ten are graded wrong. "
        "A teacher decides about marks.",
        "A wrong statement in the right words can pass; an unusual right answer can fail. Graded examples help.",
        "Spelling slips cost a student some points of accuracy; see the measured gap.",
        "Explanations are sentences of the texts it was given, chosen by length, not taught.",
    )

    def __init__(
        self,
        folder: Path | None = None,
        *,
        options: TutorOptions | None = None,
        today: Callable[[], date] = _today,
        generate: Generate | None = None,
    ) -> None:
        """folder: keeps the learner's progress and graded answers; texts in it are exercised on when options name none."""
        self.options = options or TutorOptions()
        self.folder = folder
        self.today = today
        own = folder is not None and any(one.suffix != ".json" for one in folder.iterdir())
        place = self.options.texts or (folder if folder is not None and own else SAMPLES)
        self.skipped: list[str] = []
        documents = list(documents_of(place, self.skipped, "texts"))
        self.text = "\n\n".join(one.text for one in documents)
        self.search = Search()
        self.search.add_documents(Document(text=one.text, source="texts", path=one.path) for one in documents)
        self.grader = TunedGrader(self.options.grader) if self.options.grader is not None else None
        self.learner = Learner()
        self.graded: dict[str, list[tuple[str, str]]] = {}
        if folder is not None and (folder / LEARNER_FILE).is_file():
            self.import_data(read_json(folder / LEARNER_FILE))
        self.generate = generate
        if generate is None and self.options.generator_url:
            o = self.options
            self.generate = from_url(o.generator_url, o.generator_model, key=o.generator_key)

    def close(self) -> None:
        """Close the texts."""
        self.search.close()

    def examples(self) -> list[str]:
        """Three inputs that work on the sample pages."""
        return [
            "Give me an arithmetic exercise",
            "Give me a vocabulary exercise",
            "grade: Why is the lamp dark? | There is a gap in the circuit. | the circuit has a gap somewhere",
        ]

    def ask(self, text: str, state: State | None = None) -> Answer:
        """An exercise, the check of an answer to the open exercise, an explanation or a grade."""
        if not isinstance(text, str):
            raise DataError("A message must be text.")
        text = text[:20_000]
        start = text.strip().lower()
        if start.startswith("grade:"):
            return self._grade_line(text.strip()[6:])
        if start.startswith("explain:"):
            return self._explain({"topic": text.strip()[8:], "level": str(self.options.level)})
        given = state if isinstance(state, dict) else {}
        open_exercise = self._open(given)
        if open_exercise is not None and text.strip():
            return self._checked(open_exercise, given, text)
        if DUE.search(text):
            return self._due()
        kind = next((name for name, pattern in KINDS.items() if pattern.search(text)), "")
        return self._exercise({"kind": kind, "level": "0"}) if kind else Answer(HELP, found=False)

    def actions(self) -> tuple[Action, ...]:
        """Exercise, explain, grade, teach it a grade, progress."""
        level = Field("level", "Level", "choice", ("1", "2", "3"), "1")
        question, reference = Field("question", "Question"), Field("reference", "A right answer", "text")
        lamp = {
            "question": "Why is the lamp dark?",
            "reference": "There is a gap in the circuit.",
            "answer": "the circuit has a gap somewhere",
        }
        return (
            Action(
                "exercise",
                "Exercise",
                (
                    Field("kind", "Kind", "choice", tuple(KINDS), "arithmetic"),
                    Field("level", "Level", "choice", ("0", "1", "2", "3"), "0"),
                ),
                self._exercise,
                {"kind": "vocabulary", "level": "1"},
            ),
            Action(
                "explain",
                "Explain",
                (Field("topic", "What"), level),
                self._explain,
                {"topic": "returning a lamp", "level": "1"},
            ),
            Action(
                "grade",
                "Grade an answer",
                (question, reference, Field("answer", "The student's answer", "text")),
                self._grade,
                lamp,
            ),
            Action(
                "teach",
                "Teach it a grade",
                (question, Field("answer", "A student's answer", "text"), Field("label", "Grade", "choice", LABELS)),
                self._teach,
                {"question": lamp["question"], "answer": "the battery is flat", "label": "incorrect"},
            ),
            Action("progress", "Progress", (), self._progress),
        )

    # Exercises

    def _exercise(self, values: Mapping[str, str]) -> Answer:
        kind = values["kind"]
        level = int(values["level"]) or max(self.options.level, self.learner.level(kind))
        return self._shown({"kind": kind, "seed": secrets.randbelow(LARGEST_SEED), "level": level})

    def _shown(self, given: Mapping[str, Any]) -> Answer:
        try:
            made = self._open(given)
        except DataError as error:
            return Answer(str(error), found=False)
        assert made is not None
        return Answer(made.question, state=dict(given))

    def _due(self) -> Answer:
        due = self.learner.due(self.today())
        if not due:
            return Answer("Nothing is due today.", found=False)
        return self._shown({"kind": due[0].kind, "seed": due[0].seed, "level": due[0].level})

    def _open(self, state: Mapping[str, Any]) -> Exercise | None:
        """The exercise a state names; None for no state or a forged one."""
        kind, seed, level = state.get("kind"), state.get("seed"), state.get("level")
        if not isinstance(seed, int) or level not in (1, 2, 3):
            return None
        if kind == "arithmetic":
            return arithmetic(seed, level)
        if kind == "vocabulary":
            return vocabulary(seed, level)
        if kind == "comprehension":
            return comprehension(self.text, seed)
        return cloze(self.text, seed) if kind == "cloze" else None

    def _checked(self, exercise: Exercise, given: Mapping[str, Any], text: str) -> Answer:
        right = exercise.is_right(text)
        level = int(given["level"])
        self.learner.answer(str(given["kind"]), int(given["seed"]), level, right, self.today())
        self._keep()
        said = f"{'Right' if right else 'Not right'}. {steps(exercise, level)}"
        return Answer(said if right else f"{said} It will come back tomorrow.", confidence=1.0)

    # Explaining and grading

    def _explain(self, values: Mapping[str, str]) -> Answer:
        """Sentences of the texts about a topic, short ones at level 1; a bigger model may phrase them, checked."""
        level = int(values["level"])
        hits = self.search.search(values["topic"], limit=2)
        chosen: list[str] = []
        for hit in hits:
            spans = sentences(hit.passage.text)
            chosen += [
                hit.passage.text[a:b]
                for a, b in spans
                if 3 < len(words(hit.passage.text[a:b])) <= WORDS_A_SENTENCE[level]
            ]
        if not chosen:
            return Answer("The texts say nothing about this at this level.", found=False)
        own = " ".join(" ".join(one.split()).lstrip("# ") for one in chosen[: 1 + level])
        wish = f"Explain '{values['topic'][:200]}' from this text to a {('child', 'pupil', 'student')[level - 1]}."
        return Answer(phrased(own, wish, self.generate, own), (hits[0].citation,))

    def _grade_line(self, text: str) -> Answer:
        parts = [part.strip() for part in text.split("|")]
        if len(parts) != 3 or not parts[1]:
            return Answer(HELP, found=False)
        return self._grade({"question": parts[0], "reference": parts[1], "answer": parts[2]})

    def _grade(self, values: Mapping[str, str]) -> Answer:
        if not words(values["reference"]):
            return Answer("Grading needs a right answer to compare with.", found=False)
        known = self.graded.get(values["question"].strip().lower(), [])
        found = grade(
            values["question"],
            [values["reference"]],
            values["answer"],
            sure=self.options.sure,
            graded=known,
            grader=self.grader,
        )
        if found.label == "teacher":
            said = "I am not sure; a teacher should look at this answer."
        else:
            said = f"{found.label.capitalize()} (confidence {found.confidence:.2f})."
        if found.missing:
            said += f" Not mentioned: {', '.join(found.missing)}."
        return Answer(said, confidence=found.confidence)

    def _teach(self, values: Mapping[str, str]) -> Answer:
        if not words(values["question"]) or not words(values["answer"]):
            return Answer("A grade needs a question and an answer.", found=False)
        kept = self.graded.setdefault(values["question"].strip().lower(), [])
        kept[:] = [(answer, label) for answer, label in kept if answer != values["answer"]] + [
            (values["answer"], values["label"])
        ]
        self._keep()
        return Answer(f"Kept. {len(kept)} graded answers to this question are used from now on.")

    # Its data

    def _progress(self, values: Mapping[str, str]) -> Answer:
        rows = tuple(
            {"skill": skill, "mastery": round(value, 2)} for skill, value in sorted(self.learner.mastery.items())
        )
        due = len(self.learner.due(self.today()))
        return Answer(f"{self.learner.right} of {self.learner.answered} right; {due} to repeat today.", rows=rows)

    def export_data(self) -> dict[str, Any]:
        """The learner's progress and the teacher's grades."""
        return {
            "learner": self.learner.as_values(),
            "graded": {question: [list(one) for one in rows] for question, rows in self.graded.items()},
        }

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Take in progress and grades."""
        learner = Learner.of(values.get("learner", {}))
        graded = values.get("graded", {})
        try:
            made = {str(q).lower(): [(str(answer), str(label)) for answer, label in rows] for q, rows in graded.items()}
        except (AttributeError, TypeError, ValueError):
            raise DataError("These are no graded answers.", repair="Give a file that the tutor exported.") from None
        if any(label not in LABELS for rows in made.values() for _, label in rows):
            raise DataError(f"A grade is one of: {', '.join(LABELS)}.")
        self.learner, self.graded = learner, made
        self._keep()
        return len(learner.cards) + sum(map(len, made.values()))

    def evaluate(self, data: Path | None) -> list[Score]:
        """Exercises checked a second way; with a data folder grading on SemEval-2013 Task 7."""
        from groundup.apps.tutor.evaluate import run_all

        return run_all(data, self.grader)

    def _keep(self) -> None:
        if self.folder is not None:
            write_json(self.folder / LEARNER_FILE, self.export_data())
