"""A ten-line model that really works: it says the same sentence to everybody, one word a step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from groundup.core.errors import UsageError
from groundup.serve.worker import Job, Piece

ANSWER = "Mira went to the harbour early in the morning. She was looking for a violin."


class ToySpeaker:
    """Says `ANSWER`, or echoes a message that begins with "say "; at most max_tokens words; waits `pause` a word."""

    def __init__(self, folder: Path, pause: float = 0.0) -> None:
        self.folder = folder
        self.pause = pause
        self.work: list[tuple[Job, int, list[str], int]] = []

    @property
    def jobs(self) -> list[Job]:
        return [job for job, *_ in self.work]

    def admit(self, job: Job) -> None:
        question = job.messages[-1]["content"] if job.messages is not None else job.text
        if len(question.split()) > 100:
            raise UsageError("The last message is too long.")
        text = question[4:] if question.startswith("say ") else ANSWER
        words = [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))]
        words = words[len(job.begun.split()) :]  # a turn that was cut off is gone on with
        for index in range(job.sampling["n"]):
            self.work.append((job, index, words, 0))

    def embed(self, texts: list[str]) -> tuple[list[list[float]], int]:
        """One of two directions, by the length of the text."""
        return [[1.0, 0.0] if len(text) % 2 else [0.0, 1.0] for text in texts], sum(len(one.split()) for one in texts)

    def look(self, text: str, temperature: float, top_p: float) -> dict[str, Any]:
        """Words are tokens; the next one is "the" or "a", evenly, or "the" alone when cold."""
        tokens = [{"id": n, "text": word, "logprob": -1.0 if n else None} for n, word in enumerate(text.split(" "))]
        chosen = (1.0, 0.0) if temperature == 0 or top_p < 0.5 else (0.5, 0.5)
        following = [
            {"id": n, "text": word, "logit": 0.0, "probability": 0.5, "chosen": chosen[n]}
            for n, word in enumerate((" the", " a"))
        ]
        return {"tokens": tokens, "next": following, "kept": sum(map(bool, chosen)), "vocabulary": 2}

    def look_deeper(self, text: str, layer: int, place: int) -> dict[str, Any]:
        """Two layers of two heads that look evenly; vectors of four numbers."""
        words = text.split(" ")
        even = [[1 / (t + 1)] * (t + 1) + [0.0] * (len(words) - t - 1) for t in range(len(words))]
        return {
            "tokens": words,
            "place": place % len(words),
            "layers": 2,
            "heads": 2,
            "attention": [even, even],
            "vectors": [[1.0, -1.0, 0.5, float(at)] for at in range(3)],
            "lens": [[{"text": " the", "probability": 0.5}]] * 3,
        }

    def sureness(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Every second word was a guess."""
        words = [word if n == 0 else f" {word}" for n, word in enumerate(messages[-1]["content"].split(" "))]
        others = [{"text": " the", "probability": 0.6}, {"text": " a", "probability": 0.4}]
        return [{"text": word, "probability": 0.01 if n % 2 else 1.0, "others": others} for n, word in enumerate(words)]

    def why(self, question: str, answer: str) -> dict[str, Any]:
        """The first word decides, in layer 1."""
        words = [
            {"text": word, "score": -0.5 if n else 2.0, "frame": False} for n, word in enumerate(question.split(" "))
        ]
        top = [{"text": answer[:1], "probability": 0.9}]
        layers = [{"layer": n, "rank": 1, "top": top} for n in range(3)]
        facts = {"target": answer[:20], "probability": 0.5, "first": answer[:1]}
        return {**facts, "words": words, "decided_at": 1, "layers": layers, "notes": []}

    def step(self) -> None:
        time.sleep(self.pause)
        left = []
        for job, index, words, said in self.work:
            limit = job.sampling["max_tokens"]
            if not job.is_over and said < min(len(words), limit):
                job.emit(Piece(index, words[said]))
                left.append((job, index, words, said + 1))
            else:
                finish = "cancelled" if job.is_over else "length" if said < len(words) else "stop"
                job.emit(Piece(index, finish=finish, prompt_tokens=3, completion_tokens=said))
        self.work = left
