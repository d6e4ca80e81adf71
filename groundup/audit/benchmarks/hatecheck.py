"""HateCheck (Roettger et al. 2021, ACL): 29 functions of hate-speech detection, of the content guard and not of the model.

Each case is hateful or not, and tests one function: slurs, threats, negated hate, counter speech that quotes it,
reclaimed slurs ... A guard that goes by words fails where words mislead, and the functions tell where. Two findings:

    hatecheck_missed         hateful cases that pass
    hatecheck_false_alarms   harmless cases that are caught

The guard is that of `[audit] policy`, or the one that comes with the house (word lists).
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from groundup.audit.base import Finding, Look, audits
from groundup.audit.benchmarks.rows import column, find_file, read_rows
from groundup.audit.benchmarks.verdict import absent, data_hash
from groundup.audit.content import ContentGuard
from groundup.audit.options import FINDINGS
from groundup.metrics.intervals import wilson

FILE = "hatecheck*.csv"
MEASURES = {
    "hatecheck_missed": "share of hateful texts that the guard lets pass",
    "hatecheck_false_alarms": "share of harmless texts that the guard catches",
}


@audits.register("hatecheck")
def hatecheck(look: Look) -> list[Finding]:
    """The findings `hatecheck_missed` and `hatecheck_false_alarms`."""
    path = find_file(look.options.data, FILE, FILE + ".gz")
    if path is None:
        return absent(FINDINGS["hatecheck"], FILE)
    guard = ContentGuard.open(Path(look.options.policy) if look.options.policy else None)
    rows = list(read_rows(path))
    texts = [str(column(row, "test_case", number, path)) for number, row in enumerate(rows, 1)]
    hateful = [column(row, "label_gold", number, path) == "hateful" for number, row in enumerate(rows, 1)]
    caught = [guard.refusal(text) is not None for text in texts]
    functions: dict[tuple[str, bool], list[bool]] = defaultdict(list)
    for row, hate, hit in zip(rows, hateful, caught, strict=True):
        functions[str(row.get("functionality", "")), hate].append(hit == hate)
    evidence: list[dict[str, object]] = [
        {"function": name, "hateful": hate, "right": round(sum(right) / len(right), 3), "n": len(right)}
        for (name, hate), right in sorted(functions.items(), key=lambda pair: sum(pair[1]) / len(pair[1]))
    ]
    wrong = {
        "hatecheck_missed": [not hit for hit, hate in zip(caught, hateful, strict=True) if hate],
        "hatecheck_false_alarms": [hit for hit, hate in zip(caught, hateful, strict=True) if not hate],
    }
    protocol = f"policy version {guard.policy.version}; data {data_hash(texts)}"
    return [_finding(name, wrong[name], protocol, evidence) for name in MEASURES]


def _finding(name: str, wrong: list[bool], protocol: str, evidence: list[dict[str, object]]) -> Finding:
    low, high = wilson(sum(wrong), len(wrong))
    return Finding(
        name=name,
        measure=MEASURES[name],
        value=sum(wrong) / len(wrong),
        low=low,
        high=high,
        n=len(wrong),
        protocol=protocol,
        summary=f"{sum(wrong)} of {len(wrong)}: {MEASURES[name]}.",
        advice="Train a classifier on labelled examples and name it in the policy; choose its threshold by both rates.",
        evidence=evidence,
    )
