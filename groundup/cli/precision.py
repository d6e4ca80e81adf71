"""What rounded weights cost: the bits per byte of a model's held-out text, as it is and rounded."""

from __future__ import annotations

WINDOWS = 8  # contexts of held-out text; taste: seconds, and the difference is paired, so little text tells it


def loss_of(name: str, weights: str) -> str:
    """A sentence for the reader."""
    from groundup.generate.flat import flatten, quality_loss
    from groundup.model.bundle import load
    from groundup.pipeline import find_model, run_folder_of
    from groundup.tokenizer.shards import TokenShards

    folder = find_model(name)
    run = run_folder_of(name) or run_folder_of(folder)
    place = run / "3_tokenizer" / "tokens" if run is not None else None
    if place is None or not (place / "validation.bin").is_file():
        return f"{weights}: no held-out text at hand; what it costs: groundup evaluate {name} --text FILES"
    bundle = load(folder, device="cpu")
    ids = TokenShards.open(place, "validation").tokens[: WINDOWS * bundle.config.context_length].tolist()
    num_bytes = int(bundle.tokenizer.bytes_per_token[ids].sum())
    as_is, rounded = quality_loss(bundle.model, flatten(bundle.model, weights), ids, num_bytes)
    lost = rounded - as_is
    return f"{weights}: {rounded:.4f} bits per byte on {num_bytes:,} held-out bytes, {lost:+.4f} against fp32"
