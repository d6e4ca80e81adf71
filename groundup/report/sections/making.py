"""How it was made: where the time went, the hash of every stage, the machine, the recipe."""

from __future__ import annotations

from groundup.core.console import clock
from groundup.report.charts import bar
from groundup.report.markup import Html, number, table, tag
from groundup.report.read import Run


def section(run: Run) -> Html | None:
    """None when the run holds neither a finished stage nor a recipe."""
    if not run.manifests and not run.recipe_text:
        return None
    return tag("section", tag("h2", "The making"), _time(run), _hashes(run), _machine(run), _recipe(run), id="making")


def total_seconds(run: Run) -> float:
    """Seconds of all finished stages together."""
    return sum(manifest.seconds for manifest in run.manifests.values())


def _time(run: Run) -> Html | None:
    if not run.manifests:
        return None
    longest = max(manifest.seconds for manifest in run.manifests.values()) or 1.0
    rows = [
        tag(
            "div",
            tag("span", name.partition("_")[2].replace("/", ": "), class_="name"),
            tag("span", bar(manifest.seconds / longest, label=f"{name} {clock(manifest.seconds)}"), class_="drawn"),
            tag("span", clock(manifest.seconds), class_="amount"),
            class_="funnel-row",
        )
        for name, manifest in run.manifests.items()
    ]
    return tag(
        "div",
        tag("h3", "Where the time went"),
        tag("p", f"{clock(total_seconds(run))} in all."),
        tag("div", rows, class_="funnel"),
    )


def _hashes(run: Run) -> Html | None:
    if not run.manifests:
        return None
    rows = [
        [
            name,
            tag("code", manifest.content[:16], title=manifest.content),
            len(manifest.outputs),
            _bytes(sum(output["bytes"] for output in manifest.outputs.values())),
            ", ".join(manifest.inputs) or "the world",
        ]
        for name, manifest in run.manifests.items()
    ]
    words = "Every file of every stage has a hash in its manifest; these are the first sixteen digits of each folder's."
    head = ["stage", "content", "files", "size", "made from"]
    check = tag("p", "Check it: ", tag("code", f"groundup verify {run.folder.resolve().name}"), class_="why")
    return tag("div", tag("h3", "Hashes"), tag("p", words), table(head, rows, numbers=(2, 3)), check)


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _machine(run: Run) -> Html | None:
    if not run.manifests:
        return None
    last = list(run.manifests.values())[-1]
    memory = last.hardware.get("memory_bytes")
    parts = [f"{last.hardware.get('cores', '?')} cores", str(last.hardware.get("machine", ""))]
    if isinstance(memory, int | float):
        parts.append(f"{memory / 1e9:.0f} GB of memory")
    versions = ", ".join(f"{name} {version}" for name, version in last.versions.items())
    return tag(
        "p",
        f"Made on {', '.join(part for part in parts if part)}, seed {number(last.seed)}, with {versions}.",
        class_="why",
    )


def _recipe(run: Run) -> Html | None:
    if not run.recipe_text:
        return None
    return tag("details", tag("summary", tag("b", "The recipe")), tag("pre", run.recipe_text, tabindex="0"))
