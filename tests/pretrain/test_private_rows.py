"""Private pretraining: one document is one row, and the run tells what it promises."""

import numpy as np
import pytest

from groundup.core.errors import DataError
from groundup.pretrain.private_rows import DocumentRows
from groundup.train.objectives import IGNORE


class Shards:
    """Three documents of 4, 1 and 9 tokens."""

    tokens = np.array([0, 1, 2, 3, 0, 0, 11, 12, 13, 14, 15, 16, 17, 18], dtype=np.uint16)
    borders = np.array([0, 4, 5, 14])


def test_a_document_is_one_row_and_a_long_one_gives_its_beginning():
    rows = DocumentRows(Shards(), context_length=5)
    assert rows.num_rows == 2  # one token alone has no next one
    batch = rows.rows([0, 1])
    assert batch["ids_BT"].tolist() == [[0, 1, 2, 0, 0], [0, 11, 12, 13, 14]]
    assert batch["targets_BT"].tolist() == [[1, 2, 3, IGNORE, IGNORE], [11, 12, 13, 14, 15]]
    assert rows.left_out == pytest.approx(3 / 13)


def test_rows_are_not_walked_through_in_order():
    rows = DocumentRows(Shards(), context_length=5)
    with pytest.raises(DataError, match="one by one"):
        rows.next()
    with pytest.raises(DataError, match="3 documents"):
        rows.restore({"rows": 3})
