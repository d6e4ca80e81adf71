"""Guessing the next tokens by looking them up in the text so far (prompt lookup decoding, Saxena 2023).

In summaries, answers that quote, code and JSON the next words often stood in the text before. The guess is read
together with the last token in one pass; each place then chooses its token exactly as it would have alone, by the same
rules and the same draws, and the guess holds as far as it agrees. So the text never changes, only the number of passes
(up to the last bits of floating point, which a near-tie can turn).
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST, SHORTEST = 3, 2  # tokens that must agree before a guess is made; Saxena 2023 looks up 3 first


class Lookup:
    """The places of all n-grams of one text, which grows token by token."""

    def __init__(self, ids: Sequence[int] = ()) -> None:
        self._ids: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # n-gram -> where the text went on after its last place
        self.extend(ids)

    def extend(self, ids: Sequence[int]) -> None:
        """The text goes on."""
        for token in ids:
            # The n-grams that end at the last token are entered when what follows them is known.
            for length in range(SHORTEST, LONGEST + 1):
                if len(self._ids) >= length:
                    self._after[tuple(self._ids[-length:])] = len(self._ids)
            self._ids.append(token)

    def guess(self, most: int) -> list[int]:
        """Up to `most` tokens that followed the last time the text stood as it stands now; none when it never did."""
        for length in range(LONGEST, SHORTEST - 1, -1):
            place = self._after.get(tuple(self._ids[-length:])) if len(self._ids) >= length else None
            if place is not None:
                return self._ids[place : place + most]
        return []
