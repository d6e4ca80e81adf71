"""The licence of a repository's files: what the nearest LICENSE file above them says, unless the file states its own.

Recognised by words that only that licence's text has; the identifiers are SPDX's. Unknown texts stay unnamed: a guess
would be worse than a gap.
"""

from __future__ import annotations

import re

NAMES = ("license", "licence", "copying", "unlicense")  # file names without suffix, in lower case
HEAD = 3000  # characters in which a file states its own licence
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+-]+(?:\s+(?:OR|AND|WITH)\s+[A-Za-z0-9.+-]+)*)")
_TEXTS = (
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("AGPL-3.0", r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-3.0", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-2.1", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1"),
    ("GPL-3.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("MPL-2.0", r"Mozilla Public License,?\s+Version 2\.0"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms[\s\S]{1,1500}Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    (
        "ISC",
        r"Permission to use, copy, modify, and/?(?:or)? distribute this software for any\s+purpose with or without fee",
    ),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("Unlicense", r"This is free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
    ("CC-BY-SA-4.0", r"Attribution-ShareAlike 4\.0 International"),
    ("CC-BY-4.0", r"Attribution 4\.0 International"),
)
_PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _TEXTS)


def is_licence_file(name: str) -> bool:
    """Whether a file's name says that it holds a licence: LICENSE, LICENSE.md, COPYING, LICENSE-MIT."""
    plain = re.split(r"[.\-_]", name.lower(), maxsplit=1)[0]
    return plain in NAMES


def licence_of(text: str) -> str:
    """The SPDX identifier of a licence's text; empty for one we do not know."""
    return next((name for name, pattern in _PATTERNS if pattern.search(text[:20_000])), "")


def stated_in(text: str) -> str:
    """The licence that a file states itself in its head (SPDX line), or empty."""
    match = _SPDX.search(text[:HEAD])
    return match.group(1) if match else ""


def nearest(path: str, licences: dict[str, str]) -> str:
    """The licence that holds for a file. licences: folder ("" for the root) -> identifier."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in licences:
            return licences[folder]
    return licences.get("", "")
