"""Source code: kept as it is, with the language of the suffix in `meta`; never judged by rules for prose."""

from __future__ import annotations

from collections.abc import Iterator

from groundup.collect.base import Found, Opened, Problem, register
from groundup.collect.formats.plain import read_text
from groundup.collect.options import SourceOptions

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".java": "java", ".c": "c", ".h": "c", ".cpp": "c++", ".cc": "c++", ".hpp": "c++",
    ".cxx": "c++", ".rs": "rust", ".js": "javascript", ".mjs": "javascript", ".jsx": "javascript", ".ts": "typescript",
    ".tsx": "typescript", ".lua": "lua", ".go": "go", ".rb": "ruby", ".php": "php", ".cs": "c#", ".kt": "kotlin",
    ".swift": "swift", ".scala": "scala", ".sh": "shell", ".bash": "shell", ".sql": "sql", ".r": "r", ".jl": "julia",
    ".pl": "perl", ".hs": "haskell", ".ml": "ocaml", ".css": "css", ".scss": "css", ".toml": "toml", ".yaml": "yaml",
    ".yml": "yaml", ".ini": "ini", ".cfg": "ini", ".tex": "tex", ".vue": "vue", ".dart": "dart", ".zig": "zig",
}  # fmt: skip


@register(*LANGUAGES)
def read(opened: Opened, options: SourceOptions) -> Iterator[Found | Problem]:
    """One file of code."""
    yield from read_text(opened, options, "code", code=LANGUAGES[opened.suffix])
