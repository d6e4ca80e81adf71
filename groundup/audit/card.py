"""The model card, written from manifests, scores and findings: nothing in it is typed by hand but the purpose.

Front matter as the Hugging Face Hub reads it (YAML between two lines of ---), then the sections of Mitchell et al.
2019 (arXiv:1810.03993): intended use, limits, data, training, scores, findings, cost. What is not known is said to be
not known.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.audit.base import Finding, read_findings
from groundup.audit.gate import Gate, read_gate
from groundup.audit.options import ReleaseOptions
from groundup.core.document import shards_in
from groundup.core.files import read_json
from groundup.core.manifest import Manifest, has_manifest, read_manifest
from groundup.core.score import Score, read_scores

JOULES_PER_KWH = 3.6e6
STORY_ORDER = ("collect", "clean", "tokenizer", "pretrain", "finetune", "evaluate", "audit")
DEFAULT_USE = (
    "Study and experiments with the documents it was trained on. Nobody has stated a use for it; whoever puts it to "
    "one should test it on that use first."
)
LIMITS = (
    "It knows nothing but its training documents, and may state falsehoods in good grammar.",
    "Small models write locally fluent text and lose the thread over longer passages; facts need their sources.",
    "The scores hold for the tasks and texts named here, with their intervals, and for nothing else.",
    "It must not decide about people's health, money, rights or safety.",
)


@dataclass(frozen=True)
class Corpus:
    """One row per source and licence of the cleaned documents."""

    documents: int = 0
    bytes: int = 0
    rows: list[tuple[str, str, int, int]] = field(default_factory=list)  # source, licence, documents, bytes
    languages: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """Time of all stages, and what it took by a stated power."""

    seconds: float
    kwh: float
    kg_co2: float


def cost_of(manifests: Mapping[str, Manifest], watts: float, grams_co2_per_kwh: float) -> Cost:
    """seconds x watts; carbon by grams per kWh. An estimate: the machine's power is stated, not measured."""
    seconds = sum(manifest.seconds for manifest in manifests.values())
    kwh = seconds * watts / JOULES_PER_KWH
    return Cost(seconds, kwh, kwh * grams_co2_per_kwh / 1000)


def corpus_of(folder: Path | None) -> Corpus:
    """Counts over the cleaned documents' shards, by source and licence; empty without a folder."""
    if folder is None or not (folder / "documents").is_dir():
        return Corpus()
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    languages: Counter[str] = Counter()
    for shard in shards_in(folder / "documents"):
        with parquet.ParquetFile(shard) as file:
            for batch in file.iter_batches(batch_size=2000, columns=["source", "licence", "language", "text"]):
                lengths = compute.binary_length(batch.column("text")).to_pylist()
                pairs = zip(batch.column("source").to_pylist(), batch.column("licence").to_pylist(), strict=True)
                for pair, length in zip(pairs, lengths, strict=True):
                    counts[pair] += 1
                    sizes[pair] += length
                languages.update(batch.column("language").to_pylist())
    rows = [(source, licence, counts[source, licence], sizes[source, licence]) for source, licence in sorted(counts)]
    return Corpus(sum(counts.values()), sum(sizes.values()), rows, dict(languages))


def manifests_of(inputs: Mapping[str, Path]) -> dict[str, Manifest]:
    """Stage name -> manifest, in story order, of the inputs that are finished stages."""
    order = {name: place for place, name in enumerate(STORY_ORDER)}
    names = sorted(inputs, key=lambda name: (order.get(name.partition(".")[0].partition("/")[0], 99), name))
    return {name: read_manifest(inputs[name]) for name in names if has_manifest(inputs[name])}


def card(name: str, purpose: str, inputs: Mapping[str, Path], model: Path, options: ReleaseOptions) -> str:
    """The text of README.md. purpose: what it is for, in the user's words, or "". inputs: finished stages by name."""
    manifests = manifests_of(inputs)
    corpus = corpus_of(inputs.get("clean"))
    scores = read_scores(inputs["evaluate"] / "scores.json") if "evaluate" in inputs else []
    findings, gate = _audit(inputs)
    config = read_json(model / "config.json")
    parts = [
        front_matter(corpus, config),
        f"# {name}\n\nA language model made with groundup, from documents to release. "
        "Written from the manifests of the run.",
        "## Intended use\n\n" + (purpose.strip() or DEFAULT_USE),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
        _data(corpus, manifests),
        _training(manifests, config),
        _scores(scores),
        _findings(findings, gate),
        _cost(cost_of(manifests, options.watts, options.grams_co2_per_kwh), options.watts, options.grams_co2_per_kwh),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(corpus: Corpus, config: Mapping[str, Any]) -> str:
    """The YAML block. Strings are written as JSON, which YAML reads."""
    licences = sorted({licence for _, licence, _, _ in corpus.rows if licence})
    lines = ["---"]
    if len(licences) == 1 and len({licence for _, licence, _, _ in corpus.rows}) == 1 and _is_hub_id(licences[0]):
        lines.append(f"license: {json.dumps(licences[0].lower())}")
    else:  # several, none or unusual licences: the Hub knows only "other" with a name
        lines += ["license: other", f"license_name: {json.dumps('licences-of-the-training-data')}"]
    languages = [language for language, _ in Counter(corpus.languages).most_common(5) if len(language) in (2, 3)]
    if languages:
        lines.append("language:")
        lines += [f"- {json.dumps(language)}" for language in languages]
    if config.get("model_type") == "qwen3":
        lines.append("library_name: transformers")
    lines += ["pipeline_tag: text-generation", "tags:", "- groundup", "- trained-from-scratch", "---"]
    return "\n".join(lines)


# Licence names that the Hub lists under the same (lower-case) name as SPDX.
HUB_LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "gpl-3.0", "bsd-3-clause"}


def _is_hub_id(licence: str) -> bool:
    return licence.lower() in HUB_LICENCES


def _audit(inputs: Mapping[str, Path]) -> tuple[list[Finding], Gate | None]:
    if "audit" not in inputs:
        return [], None
    return read_findings(inputs["audit"] / "findings.json"), read_gate(inputs["audit"] / "gate.json")


def _data(corpus: Corpus, manifests: Mapping[str, Manifest]) -> str:
    if not corpus.rows:
        return "## Training data\n\nNot known: the run brought no cleaned documents."
    rows = [
        [source, licence or "not stated", f"{documents:,}", f"{size:,}"]
        for source, licence, documents, size in corpus.rows
    ]
    text = f"## Training data\n\n{corpus.documents:,} documents, {corpus.bytes:,} bytes after cleaning.\n\n"
    text += _table(["source", "licence", "documents", "bytes"], rows)
    steps = manifests["clean"].recipe.get("steps") if "clean" in manifests else None
    if isinstance(steps, list) and steps:
        text += f"\n\nCleaning steps: {', '.join(map(str, steps))}."
    return text


def _training(manifests: Mapping[str, Manifest], config: Mapping[str, Any]) -> str:
    names = (
        "model_type",
        "num_hidden_layers",
        "hidden_size",
        "num_attention_heads",
        "vocab_size",
        "max_position_embeddings",
    )
    shown = ", ".join(f"{name} {config[name]}" for name in names if name in config)
    rows = [
        [name, f"{manifest.seconds:,.0f}", str(manifest.seed), _short_counts(manifest.counts)]
        for name, manifest in manifests.items()
    ]
    made = next(iter(manifests.values()), None)
    text = f"## Training\n\nModel: {shown or 'not known'}.\n\n"
    text += _table(["stage", "seconds", "seed", "counts"], rows) if rows else "Its stages are not known."
    text += _privacy(manifests)
    if made is not None:
        machine = ", ".join(f"{key} {value}" for key, value in made.hardware.items())
        libraries = ", ".join(f"{key} {value}" for key, value in made.versions.items())
        text += f"\n\nMachine: {machine}. Versions: {libraries}."
    return text


def _privacy(manifests: Mapping[str, Manifest]) -> str:
    """What the stages that learned with differential privacy promise, and what they do not; "" where none did."""
    promises = []
    for name, manifest in manifests.items():
        told = manifest.counts.get("privacy")
        if told:
            epsilon = "unbounded (no noise)" if told["epsilon"] is None else f"{told['epsilon']:.2f}"
            promises.append(
                f"{name}: epsilon {epsilon} at delta {told['delta']:.1e} for {told['protected']} of {told['rows']:,} "
                f"(noise {told['noise']:.2f}, clip {told['clip']}, {told['steps']:,} steps)"
            )
    if not promises:
        return ""
    return (
        f"\n\nDifferential privacy: {'; '.join(promises)}. A row is the beginning of a document in pretraining, a "
        "conversation in tuning. The promises of stages that read the same documents add up; the tokenizer's vocabulary, "
        "and stages not named here, are not covered."
    )


def _short_counts(counts: Mapping[str, Any]) -> str:
    plain = [f"{key} {value}" for key, value in counts.items() if isinstance(value, int | float | str)]
    return ", ".join(plain[:8])


def _scores(scores: Sequence[Score]) -> str:
    if not scores:
        return "## Scores\n\nNot evaluated."
    rows = []
    for score in scores:
        rows.append(
            [
                score.task + (f" ({score.source})" if score.source else ""),
                score.metric,
                f"{score.value:.3f}",
                f"{score.low:.3f} to {score.high:.3f}" + (" (at chance)" if score.at_chance else ""),
                str(score.n),
                "" if score.baseline is None else f"{score.baseline:.3f} ({score.baseline_name})",
                score.protocol,
            ]
        )
    head = ["task", "metric", "value", "95 % interval", "n", "best simple rival", "protocol"]
    return "## Scores\n\nOn held-out items.\n\n" + _table(head, rows)


def _findings(findings: Sequence[Finding], gate: Gate | None) -> str:
    if gate is None:
        return "## Findings\n\nNot audited."
    rows = []
    for finding in findings:
        value = "not measured" if finding.value is None else f"{finding.value:.3f}"
        interval = "" if finding.low is None else f"{finding.low:.3f} to {finding.high:.3f}"
        limit = "none" if finding.limit is None else f"{finding.limit:.3g}"
        rows.append([finding.name, value, interval, limit, finding.summary])
    text = "## Findings\n\n" + _table(["finding", "value", "95 % interval", "limit", "in words"], rows)
    text += f"\n\nGate: {gate.state}."
    if gate.waiver:
        text += f" Waived, with reasons: {gate.waiver}."
    return text


def _cost(cost: Cost, watts: float, grams: float) -> str:
    return (
        "## Cost\n\n"
        f"All stages: {cost.seconds:,.0f} s. Energy, estimated: {cost.kwh:.4f} kWh at a stated power of {watts:g} W; "
        f"carbon {cost.kg_co2:.4f} kg CO2 at {grams:g} g/kWh."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])
