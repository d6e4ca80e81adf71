"""Customer service over a shop database and the company's own pages; works with no trained model.

support = Support()                        the sample shop, in memory
answer = support.ask("Where is GU-1003?")
answer = support.ask("david.demir@example.com", answer.state)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from groundup.apps.base import APPS, Action, Answer, Field, State
from groundup.apps.search.app import Search
from groundup.apps.search.options import SearchOptions
from groundup.apps.search.reading import documents_of
from groundup.apps.search.stem import stems
from groundup.apps.support import proposer, questions
from groundup.apps.support.dialogue import Dialogue, Propose
from groundup.apps.support.intents import Intents, TunedIntents, shipped
from groundup.apps.support.options import SupportOptions
from groundup.apps.support.policy import Gate
from groundup.core.document import Document
from groundup.core.errors import DataError
from groundup.core.score import Score

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
    limits = (
        "It understands English, and the matters of one shop: orders, returns, addresses, and what the shop's pages say.",
        "Order number and e-mail address are all it knows of a person. Whoever has both is taken for the customer.",
        "It opens returns and changes orders; it pays nothing back. What it cannot settle goes to a person.",
        "It was measured on customers and attacks that we wrote ourselves; real ones will bring what we did not think of.",
    )

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
        self.gate = Gate(
            folder / "shop.sqlite" if folder else None,
            self.options.policy,
            today,
            sample=sample,
            url=self.options.database_url,
        )
        self.pages = Search(
            folder / "pages.sqlite" if folder else None, SearchOptions(synonyms=self.options.synonyms or SYNONYMS)
        )
        self.skipped: list[str] = []  # pages that could not be read, and why
        place = self.options.documents or DOCUMENTS
        self.pages.add_documents(questions.sections(documents_of(place, self.skipped, PAGES)), whole=(PAGES,))
        self._index_corrections()
        known = Intents(phrases) if phrases else shipped()
        if self.options.intents is not None:
            known = TunedIntents(self.options.intents, phrases)
        self._start(known, propose)

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
            o = self.options
            propose = proposer.from_url(o.generator_url, o.generator_model, key=o.generator_key)
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

    def actions(self) -> tuple[Action, ...]:
        """For the team: what nobody could answer, and answering it. Customers only talk."""
        question = Field("question", "Question")
        return (
            Action(
                "unanswered",
                "Unanswered questions",
                (Field("days", "Of the last days", "number", default="7"),),
                self._unanswered,
            ),
            Action(
                "correct",
                "Give the right answer",
                (question, Field("answer", "Answer", "text")),
                self._corrected,
                {"question": "Do you sell sofas?", "answer": "Not yet. Our oak bench comes closest."},
            ),
            Action(
                "question",
                "Try a question",
                (question,),
                lambda values: self.answer(values["question"]),
                {"question": "What does a return cost?"},
            ),
            Action(
                "embed",
                "Put it into a page",
                (Field("address", "Address of this server"), Field("key", "A chat-only key")),
                self._embed,
                {"address": "https://help.example.com", "key": "gu-..."},
            ),
        )

    def _unanswered(self, values: Mapping[str, str]) -> Answer:
        found = self.weekly(min(3660, max(1, int(values["days"]))))
        said = f"{len(found)} questions could not be answered." if found else "Nothing is waiting for an answer."
        return Answer(said, rows=tuple({"question": question, "times": times} for question, times in found))

    def _corrected(self, values: Mapping[str, str]) -> Answer:
        self.correct(values["question"], values["answer"])
        return Answer("From now on this is the answer, and the next training learns it.")

    def _embed(self, values: Mapping[str, str]) -> Answer:
        if not re.fullmatch(r"https?://[\w.:\[\]-]{1,200}", values["address"].rstrip("/")):
            return Answer("The address must begin with http:// or https:// and name a server.", found=False)
        key = quote(values["key"], safe="")
        line = (
            f'<iframe src="{values["address"].rstrip("/")}/studio/embed/support#{key}" title="Ask '
            f'us" width="380" height="560"></iframe>'
        )
        return Answer(f"Make a key that may only chat: python -m groundup.serve.keys website --role chat\n\n{line}")

    def export_data(self) -> dict[str, Any]:
        """The team's answers, the open questions and the log of calls."""
        unanswered = [{"question": question, "times": times} for question, times in self.weekly(3660)]
        return {"corrections": self.training_examples(), "unanswered": unanswered, "audit": self.gate.audit()}

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Take in answers of the team: ``{"corrections": [{"question", "answer"}]}``; used at once."""
        given = values.get("corrections")
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise DataError('Support takes in {"corrections": [{"question": ..., "answer": ...}]}.')
        for one in given:
            self.correct(str(one.get("question", "")), str(one.get("answer", "")))
        return len(given)

    def evaluate(self, data: Path | None) -> list[Score]:
        """The simulator, the attacks, questions; with a data folder the intents of strangers, CLINC150 and Banking77."""
        from groundup.apps.support.evaluate import run_all

        return run_all(data)

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
