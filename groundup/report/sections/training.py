"""Pretraining and tuning: loss (raw and smooth), validation bits per byte, samples as they improved."""

from __future__ import annotations

from typing import Any

from groundup.report.charts import Curve, Point, line_chart, smooth
from groundup.report.markup import Html, number, shorten, tag, tidy
from groundup.report.read import Run

MAX_SAMPLES = 6  # taste: enough to see it learn


def section(run: Run) -> Html | None:
    """One block per training folder with metrics; None before pretraining."""
    folders = ["4_pretrain"]
    tuned = run.folder / "5_finetune"
    if tuned.is_dir():
        folders += [
            f"5_finetune/{step.name}" for step in sorted(tuned.iterdir()) if step.is_dir() and step.name[0] != "."
        ]
    blocks = [block for block in (_block(run, folder) for folder in folders) if block is not None]
    if not blocks:
        return None
    return tag("section", tag("h2", "The training"), blocks, id="training")


def _block(run: Run, folder: str) -> Html | None:
    rows = run.rows(f"{folder}/metrics.jsonl")
    step_rows = [row for row in rows if row.get("kind", "step") == "step" and "loss" in row]
    losses = points(step_rows, "loss")
    bits = points(rows, "bits_per_byte")
    answers = points(rows, "answer_loss")
    samples = _samples(run, folder)
    if not losses and not bits and samples is None:
        return None
    name = "Pretraining" if folder == "4_pretrain" else f"Tuning: {folder.rpartition('/')[2]}"
    charts = [
        line_chart(
            [Curve(losses, "raw", "faint"), Curve(smooth(losses), "loss, smoothed")],
            x_name="step",
            y_name="nats per token",
            title="Training loss",
        ),
        line_chart([Curve(bits, "validation")], x_name="step", y_name="bits per byte", title="Held-out text")
        if len(bits) > 1
        else None,
        line_chart(
            [Curve(answers, "held-out answers")], x_name="step", y_name="nats per token", title="Held-out answers"
        )
        if len(answers) > 1
        else None,
    ]
    return tag("div", tag("h3", name), tag("p", _facts(step_rows, bits, answers), class_="lead"), *charts, samples)


def points(rows: list[dict[str, Any]], name: str) -> list[Point]:
    """(step, value) of every row that holds both as numbers."""
    found = []
    for row in rows:
        step, value = row.get("step"), row.get(name)
        if isinstance(step, int | float) and isinstance(value, int | float):
            found.append((float(step), float(value)))
    return found


def _facts(rows: list[dict[str, Any]], bits: list[Point], answers: list[Point]) -> str:
    if not rows:
        return ""
    last = rows[-1]
    parts = [f"{number(last.get('step', 0))} steps"]
    if isinstance(last.get("tokens"), int | float):
        parts.append(f"{number(last['tokens'])} tokens")
    speeds = sorted(row["tokens_per_second"] for row in rows if isinstance(row.get("tokens_per_second"), int | float))
    if speeds:
        parts.append(f"{number(round(speeds[len(speeds) // 2]))} tokens a second (median)")
    if bits:
        parts.append(f"{bits[-1][1]:.3f} bits per byte on held-out text at the end")
    if answers:
        parts.append(f"a loss of {answers[-1][1]:.3f} on held-out answers at the end")
    return ", ".join(parts) + "."


def _samples(run: Run, folder: str) -> Html | None:
    rows = [row for row in run.rows(f"{folder}/samples.jsonl") if isinstance(row.get("text"), str)]
    if not rows:
        return None
    prompts = [row.get("prompt", "") for row in rows]
    prompt = next(filter(None, prompts), "")  # what follows a prompt shows more than what follows nothing
    same = [row for row in rows if row.get("prompt", "") == prompt]
    if len(same) > MAX_SAMPLES:
        last = len(same) - 1
        same = [same[round(index * last / (MAX_SAMPLES - 1))] for index in range(MAX_SAMPLES)]
    items = [
        tag(
            "li",
            tag("span", f"step {number(row.get('step', 0))}", class_="step"),
            tag(
                "div",
                tag("b", tidy(str(prompt))),
                "\n" if folder != "4_pretrain" else None,  # an answer follows a question, it does not continue it
                tidy(shorten(row["text"].removeprefix(str(prompt)), 420)),
                class_="document",
            ),
        )
        for row in same
    ]
    return tag("div", tag("h4", "The same prompt, as it learned"), tag("ol", items, class_="samples"))
