"""Jupyter notebooks: Markdown cells as they are, code cells in fences; outputs are left out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.options import SourceOptions


@register(".ipynb")
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One notebook as one Markdown text."""
    data = opened.stream.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        yield Problem(opened.path, "too_large", f"longer than max_bytes = {options.max_bytes:,}")
        return
    try:
        notebook = json.loads(data.decode("utf-8", "replace"))
        cells = notebook["cells"]
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        parts = []
        for cell in cells:
            source = cell.get("source", "")
            source = "".join(source) if isinstance(source, list) else source
            if source.strip():
                parts.append(f"```{language}\n{source}\n```" if cell.get("cell_type") == "code" else source)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield Problem(opened.path, "bad_json", f"no notebook: {type(error).__name__} {error}"[:300])
        return
    yield Found("\n\n".join(parts), kind="markdown", meta={"code": str(language)})
