"""The file formats, one file each. Importing a module registers its readers in `collect.base.FORMATS` by suffix.

To add one: write `yourformat.py` with a reader under ``@register(".suffix")`` and name it in MODULES.
"""

import importlib

MODULES = ("plain", "source_code", "web_page", "tei", "json_lines", "json_file", "notebook", "tables", "parquet",
           "pdf", "epub", "docx", "warc")  # fmt: skip


def load() -> None:
    """Import every format module (cheap: big libraries are imported when a file needs them)."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
