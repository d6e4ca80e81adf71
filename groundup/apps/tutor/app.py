"""The tutor: ask for an exercise, answer it, or have a short answer graded.

tutor = Tutor()
answer = tutor.ask("an arithmetic exercise")
answer = tutor.ask("12", answer.state)
answer = tutor.ask("grade: Why is the lamp dark? | The circuit is open. | there is a gap in the circuit")
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Answer, State
from groundup.apps.search.app import SAMPLES
from groundup.apps.search.reading import documents_of
from groundup.apps.tutor.exercises import Exercise, arithmetic, cloze
from groundup.apps.tutor.grading import grade
from groundup.apps.tutor.options import TutorOptions
from groundup.core.errors import DataError

HELP = (
    "Ask for an arithmetic exercise or a cloze exercise, or write: grade: QUESTION | REFERENCE ANSWER | STUDENT ANSWER"
)
KINDS = {
    "arithmetic": re.compile(r"\b(?:arithmetic|math\w*|sum|numbers|calculat\w*)\b", re.I),
    "cloze": re.compile(r"\b(?:cloze|gap|missing word|vocabulary)\b", re.I),
}
LARGEST_SEED = 2**31


@APPS.register("tutor")
class Tutor:
    """The application. `state` carries the kind and the seed of the open exercise; the key is made again from them."""

    name = "tutor"
    purpose = "Exercises with keys that are right by construction, and short answers graded with doubt."

    def __init__(self, folder: Path | None = None, *, options: TutorOptions | None = None) -> None:
        """folder: the texts for cloze exercises when options name none; nothing is written to it."""
        self.options = options or TutorOptions()
        place = self.options.texts or (folder if folder is not None and any(folder.iterdir()) else SAMPLES)
        self.skipped: list[str] = []
        self.text = "\n\n".join(one.text for one in documents_of(place, self.skipped, "texts"))

    def close(self) -> None:
        """Nothing is held open."""

    def examples(self) -> list[str]:
        """Three inputs that work on the sample pages."""
        return [
            "Give me an arithmetic exercise",
            "Give me a cloze exercise",
            "grade: Why is the lamp dark? | There is a gap in the circuit. | the circuit has a gap somewhere",
        ]

    def ask(self, text: str, state: State | None = None) -> Answer:
        """An exercise, the check of an answer to the open exercise, or a grade."""
        if not isinstance(text, str):
            raise DataError("A message must be text.")
        text = text[:20_000]
        if text.strip().lower().startswith("grade:"):
            return self._grade(text.strip()[6:])
        open_exercise = self._open(state)
        if open_exercise is not None and text.strip():
            return _checked(open_exercise, text)
        kind = next((name for name, pattern in KINDS.items() if pattern.search(text)), "")
        if not kind:
            return Answer(HELP, found=False)
        given = {"kind": kind, "seed": secrets.randbelow(LARGEST_SEED), "level": self.options.level}
        made = self._open(given)
        assert made is not None
        return Answer(made.question, state=given)

    def _open(self, state: Any) -> Exercise | None:
        """The exercise a state names; None for no state or a forged one."""
        if not isinstance(state, dict):
            return None
        kind, seed, level = state.get("kind"), state.get("seed"), state.get("level")
        if not isinstance(seed, int) or level not in (1, 2, 3):
            return None
        if kind == "arithmetic":
            return arithmetic(seed, level)
        return cloze(self.text, seed) if kind == "cloze" else None

    def _grade(self, text: str) -> Answer:
        parts = [part.strip() for part in text.split("|")]
        if len(parts) != 3 or not parts[1]:
            return Answer(HELP, found=False)
        found = grade(parts[0], [parts[1]], parts[2], sure=self.options.sure)
        if found.label == "teacher":
            said = "I am not sure; a teacher should look at this answer."
        else:
            said = f"{found.label.capitalize()} (confidence {found.confidence:.2f})."
        if found.missing:
            said += f" Not mentioned: {', '.join(found.missing)}."
        return Answer(said, confidence=found.confidence)


def _checked(exercise: Exercise, text: str) -> Answer:
    right = exercise.is_right(text)
    said = f"{'Right' if right else 'Not right'}. {exercise.explanation}"
    return Answer(said, confidence=1.0)
