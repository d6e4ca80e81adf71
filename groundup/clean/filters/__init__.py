"""Rules of quality, one file each. FILTERS: name -> function(measured text, options) -> reason and detail, or None.

To add one: write a file with a function under ``@FILTERS.register("name")``, name it in MODULES, and add its options
to `clean.options.QualityOptions`.
"""

import importlib

MODULES = ("gopher", "repetition", "c4", "fineweb")


def load() -> None:
    """Import our own filters, which registers them."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
