"""Customer service over a shop database and the company's own pages; works with no trained model.

support = Support()                        the sample shop, in memory
answer = support.ask("Where is GU-1003?")
answer = support.ask("david.demir@example.com", answer.state)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Answer, State
from groundup.apps.search.app import Search
from groundup.apps.search.options import SearchOptions
from groundup.apps.search.reading import documents_of
from groundup.apps.search.stem import stems
from groundup.apps.support import proposer, questions
from groundup.apps.support.dialogue import Dialogue, Propose
from groundup.apps.support.intents import Intents, shipped
from groundup.apps.support.options import SupportOptions
from groundup.apps.support.policy import Gate
from groundup.core.document import Document
from groundup.core.errors import DataError

DOCUMENTS = Path(__file__).parent / "documents"
SYNONYMS = Path(__file__).parent / "synonyms.txt"
SAME_QUESTION = 0.7  # share of stems in common (Jaccard) for a corrected answer to be used; taste
CORRECTIONS = "corrections"
PAGES = "pages"


def _today() -> date:
    return datetime.now(UTC).date()


@APPS.register("support")
class Support:
    """The application. Conversations are told apart by a random name that `state` carries back."""

    name = "support"
    purpose = "Answer customers, track, change, cancel and return orders; the rules are enforced in code."

    def __init__(
        self,
        folder: Path | None = None,
        *,
        options: SupportOptions | None = None,
        today: Callable[[], date] = _today,
        propose: Propose | None = None,
        phrases: Sequence[tuple[str, str]] = (),
        sample: bool = True,
    ) -> None:
        """folder: keeps shop.sqlite and pages.sqlite; None: in memory. sample: fill an empty shop with the sample.

        phrases: ``(text, intent)`` of the company to learn besides the templates. today: the clock of the policy.
        """
        self.options = options or SupportOptions()
        self.gate = Gate(folder / "shop.sqlite" if folder else None, self.options.policy, today, sample=sample)
        self.pages = Search(
            folder / "pages.sqlite" if folder else None, SearchOptions(synonyms=self.options.synonyms or SYNONYMS)
        )
        self.skipped: list[str] = []  # pages that could not be read, and why
        place = self.options.documents or DOCUMENTS
        self.pages.add_documents(questions.sections(documents_of(place, self.skipped, PAGES)), whole=(PAGES,))
        self._index_corrections()
        self._start(Intents(phrases) if phrases else shipped(), propose)

    @classmethod
    def over(
        cls, gate: Gate, intents: Intents, pages: Search, options: SupportOptions, propose: Propose | None = None
    ) -> Support:
        """An assistant over parts that are there already; evaluation makes hundreds of shops with it."""
        made = cls.__new__(cls)
        made.options, made.gate, made.pages, made.skipped = options, gate, pages, []
        made._start(intents, propose)
        return made

    def _start(self, intents: Intents, propose: Propose | None) -> None:
        if propose is None and self.options.generator_url:
            propose = proposer.from_url(self.options.generator_url, self.options.generator_model)
        self.dialogue = Dialogue(
            self.gate,
            intents,
            self.answer,
            company=self.options.company,
            in_scope=self.options.in_scope,
            knows=lambda text: questions.speaks_of(text, self.pages),
            propose=propose,
        )

    def close(self) -> None:
        """Close both databases."""
        self.gate.close()
        self.pages.close()

    def examples(self) -> list[str]:
        """Three openers that work on the sample shop."""
        return [
            "Where is my order GU-1003? My e-mail is david.demir@example.com",
            "How long do I have to return a lamp?",
            "I want to cancel my order",
        ]

    def ask(self, text: str, state: State | None = None) -> Answer:
        """One message of a customer. `state` is what the last answer carried; a forged one only starts anew."""
        if not isinstance(text, str):
            raise DataError("A message must be text.")
        given = (state or {}).get("conversation")
        conversation = given if isinstance(given, str) and 20 <= len(given) <= 64 else secrets.token_urlsafe(24)
        clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ")
        reply, turn = self.dialogue.step(conversation, clean)
        return Answer(reply, turn.citations, tuple(turn.actions), {"conversation": conversation}, found=reply != "")

    def answer(self, question: str) -> Answer:
        """A question about the company: the team's own corrected answer first, then a quotation of the pages."""
        asked = set(stems(question))
        best, score = "", 0.0
        for known, _ in self.gate.corrections() if asked else []:
            words = set(stems(known))
            share = len(asked & words) / max(1, len(asked | words))
            if share > score:
                best, score = known, share
        if score >= SAME_QUESTION:
            text = dict(self.gate.corrections())[best]
            return Answer(text, confidence=score)
        return questions.answer(question, self.pages, self.options.answer_threshold)

    # For the team

    def correct(self, question: str, answer: str) -> None:
        """The team's answer to a question: used at once for the same question, and findable for similar ones."""
        if not question.strip() or not answer.strip():
            raise DataError("A correction needs a question and an answer.")
        self.gate.correct(question.strip()[:500], answer.strip()[:4000])
        self._index_corrections()

    def weekly(self, days: int = 7) -> list[tuple[str, int]]:
        """``(question, times asked)`` of the last days that nobody could answer, most asked first."""
        since = datetime.now(UTC) - timedelta(days=days)
        return self.gate.unanswered(since.isoformat(timespec="seconds"))

    def training_examples(self) -> list[dict[str, Any]]:
        """The corrections as question and answer pairs, for the next training."""
        return [{"question": question, "answer": answer} for question, answer in self.gate.corrections()]

    def _index_corrections(self) -> None:
        documents = [
            Document(text=answer, source=CORRECTIONS, path=question, meta={"title": question})
            for question, answer in self.gate.corrections()
        ]
        self.pages.add_documents(documents, whole=(CORRECTIONS,))
