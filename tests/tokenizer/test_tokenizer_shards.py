"""Token shards: what is written is read; what is damaged is refused."""

import numpy as np
import pytest

from groundup.core.errors import ArtifactError
from groundup.tokenizer.shards import ShardWriter, TokenShards

ROWS = [("train", [5, 6, 7], 9), ("test", [8], 2), ("train", [], 0), ("train", [9, 9], 4)]


def write(folder, vocabulary_size=300):
    with ShardWriter(folder, vocabulary_size=vocabulary_size, start_id=0) as writer:
        for number, (split, ids, num_bytes) in enumerate(ROWS):
            writer.add(
                split, ids, num_bytes=num_bytes, id=f"d{number}", source="s", path=str(number), licence="CC0-1.0"
            )
    return folder


def test_documents_come_back_with_their_borders_and_names(tmp_path):
    train = TokenShards.open(write(tmp_path), "train")
    assert train.tokens.tolist() == [0, 5, 6, 7, 0, 0, 9, 9]
    assert train.borders.tolist() == [0, 4, 5, 8] and train.borders.dtype == np.int64
    assert [document.tolist() for document in map(train.__getitem__, range(len(train)))] == [
        [0, 5, 6, 7],
        [0],
        [0, 9, 9],
    ]
    assert train.document_ids == ["d0", "d2", "d3"] and train.sources == ["s"] * 3
    assert train.documents["start"] == [0, 4, 5] and train.documents["tokens"] == [4, 1, 3]
    assert train.num_bytes == 13 and train.document_bytes.tolist() == [9, 0, 4]
    assert isinstance(train.tokens, np.memmap) and train.tokens.dtype == np.uint16


def test_an_empty_split_is_empty_not_missing(tmp_path):
    validation = TokenShards.open(write(tmp_path), "validation")
    assert len(validation) == 0 and validation.tokens.shape == (0,) and validation.borders.tolist() == [0]
    assert validation.document_ids == []
    with pytest.raises(IndexError):
        validation[0]


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_large_vocabularies_take_wider_integers(tmp_path, size, dtype):
    with ShardWriter(tmp_path, vocabulary_size=size, start_id=0) as writer:
        writer.add("train", [size - 1], num_bytes=1, id="a")
    shards = TokenShards.open(tmp_path, "train")
    assert shards.tokens.dtype == dtype and shards.tokens.tolist() == [0, size - 1]


def test_an_error_while_writing_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, vocabulary_size=300, start_id=0) as writer:
        writer.add("train", [1], num_bytes=1, id="a")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_shard_is_refused_with_the_sizes(tmp_path):
    path = write(tmp_path) / "train.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ArtifactError, match="should have 16 bytes, but it has 14"):
        TokenShards.open(tmp_path, "train")


def test_missing_files_and_unknown_splits_are_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"tokens\.json is missing"):
        TokenShards.open(tmp_path, "train")
    write(tmp_path)
    with pytest.raises(ArtifactError, match="'dev'"):
        TokenShards.open(tmp_path, "dev")
    (tmp_path / "train.borders.bin").unlink()
    with pytest.raises(ArtifactError, match="it is missing"):
        TokenShards.open(tmp_path, "train")
