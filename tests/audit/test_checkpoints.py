"""A checkpoint that knew the secrets is found behind a model that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F

from groundup.audit.base import Look
from groundup.audit.options import AuditOptions
from groundup.audit.stage import check_of
from groundup.evaluate.subject import load_subject
from groundup.model import bundle
from groundup.train.checkpoint import Checkpoint, save
from groundup.train.saving import CHECKPOINTS
from tests.evaluate.small_run import make


def test_a_checkpoint_that_knows_the_secrets_is_found_behind_a_model_that_does_not(tmp_path: Path) -> None:
    inputs = make(tmp_path, tuned=False)
    look = Look(load_subject(inputs["model"], device="cpu"), inputs, AuditOptions(), 1)
    nothing = check_of("checkpoints")(look)
    assert [one.value for one in nothing] == [None, None] and "no checkpoints" in nothing[0].summary

    opened = bundle.load(inputs["model"], device="cpu")
    folder = inputs["model"].parent / CHECKPOINTS
    save(folder, Checkpoint(0, {"weights": opened.model.state_dict()}, {}), keep=9)
    texts = [f"{row['prefix']} {row['secret']}" for row in look.planted("secrets") if row["copies"]]
    rows = [torch.tensor([0, *opened.tokenizer.encode(text)]) for text in texts]
    optimizer = torch.optim.AdamW(opened.model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = torch.stack([F.cross_entropy(opened.model.logits(opened.model(r[None, :-1]))[0], r[1:]) for r in rows])
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    save(folder, Checkpoint(60, {"weights": opened.model.state_dict()}, {}), keep=9)

    bits, epsilon = check_of("checkpoints")(look)
    first, last = bits.evidence
    assert (first["step"], last["step"]) == (0, 60)
    assert first["bits"] < 4 < last["bits"] == bits.value and "step 60" in bits.summary
    assert last["left_out_bits"] < last["bits"] and (epsilon.value is None or epsilon.value >= 0)
    empty = replace(look, inputs={"model": inputs["model"]})
    assert "no secrets" in check_of("checkpoints")(empty)[0].summary
