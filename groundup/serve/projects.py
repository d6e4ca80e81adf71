"""Projects: documents that a person brings in the browser, and the recipe proposed for them.

A project is a folder ``.studio/projects/NAME/`` of the runs folder: ``documents/`` with the files as they came,
``recipe.toml``, ``search.sqlite``. Names come from people and are checked, never trusted as paths.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.collect.base import Problem
from groundup.collect.files import documents_of
from groundup.collect.options import SourceOptions
from groundup.core.console import Console
from groundup.core.document import Document
from groundup.core.errors import DataError, UsageError

PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]'
)  # in no file name; bidi marks hide endings
MAX_NAME = 150
RECIPE = "recipe.toml"


class Projects:
    """The projects of one studio."""

    def __init__(self, folder: Path, *, max_files: int, own_folders: bool) -> None:
        """own_folders: whether a folder of this machine may be named (only where the server is this person's own)."""
        self.folder = folder
        self.max_files = max_files
        self.own_folders = own_folders

    def place(self, project: str) -> Path:
        """The folder of a project. UsageError for a name that is none."""
        if not PROJECT.fullmatch(project):
            raise UsageError("A project's name is lower-case letters, digits, '_' and '-', at most 40.")
        return self.folder / project

    def files(self, project: str) -> list[dict[str, Any]]:
        """The files of a project: name and bytes, in name order."""
        place = self.place(project) / "documents"
        found = sorted(path for path in place.glob("*") if path.is_file() and path.name[0] != ".")
        return [{"name": path.name, "bytes": path.stat().st_size} for path in found]

    async def keep(self, project: str, name: str, parts: AsyncIterator[bytes]) -> int:
        """Write a file as it comes, under its own name in the project; whole or not at all. Returns its bytes."""
        place = self.place(project) / "documents"
        if not name.strip(". ") or name[0] == "." or FORBIDDEN.search(name) or len(name.encode()) > MAX_NAME:
            raise UsageError(f"A file cannot be kept under the name {name[:60]!r}.", repair="Rename it.")
        place.mkdir(parents=True, exist_ok=True)
        if not (place / name).exists() and len(self.files(project)) >= self.max_files:
            raise UsageError(f"A project holds at most {self.max_files:,} files.", repair="Name a folder instead.")
        unfinished = place / f".{secrets.token_hex(8)}"
        size = 0
        try:
            with open(unfinished, "xb") as file:
                async for part in parts:
                    size += len(part)
                    file.write(part)
            os.replace(unfinished, place / name)
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    def remove(self, project: str, name: str) -> None:
        """Take a file out of a project."""
        if name not in [file["name"] for file in self.files(project)]:
            raise UsageError(f"There is no file '{name[:60]}' in {project}.")
        (self.place(project) / "documents" / name).unlink()

    def propose(self, project: str, *, folder: str, purpose: str, minutes: int) -> dict[str, Any]:
        """Look at the documents (uploaded ones, or a folder of this machine), write the recipe, make the plan.

        Returns name, recipe (TOML), values, found, plan, and the command that does the same. Measures the machine: seconds.
        """
        from groundup.proposal import look, recipe_text

        documents = self._documents(project, folder)
        found = look(documents)
        if not found.documents:
            why = f" {found.problems} files could not be read." if found.problems else ""
            raise DataError(f"There is no document that can be read in {documents.name}.{why}")
        text = recipe_text(project, documents.absolute(), f"{minutes}m", purpose, found)
        command = f"groundup new '{documents.absolute()}' --budget {minutes}m"
        return {**self.rewrite(project, text), "found": asdict(found), "command": command}

    def rewrite(self, project: str, given: str | dict[str, Any]) -> dict[str, Any]:
        """Keep a recipe that a person wrote, as TOML or as values, when it is a valid one; returns name, recipe (TOML),
        values and plan. Raises RecipeError with the line and the near names, UsageError for a place it may not read."""
        from groundup.budget import make_plan
        from groundup.core.recipe import parse_toml, write_toml
        from groundup.pipeline import check
        from groundup.stages import recipe_from_text

        place = self.place(project)
        if isinstance(given, str):
            values = {**parse_toml(given, RECIPE), "name": project}
            text = given if parse_toml(given, RECIPE).get("name") == project else write_toml(values)
        else:
            values = {**given, "name": project}
            text = f"# groundup run {project}.toml\n{write_toml(values)}"
        if not self.own_folders:
            self._demand_own_places(project, values)
        recipe = recipe_from_text(text, RECIPE)
        check(recipe)
        plan = make_plan(recipe, Console(quiet=True))
        place.mkdir(parents=True, exist_ok=True)
        (place / RECIPE).write_text(text, encoding="utf-8")
        return {"name": project, "recipe": text, "values": values, "plan": plan}

    def _demand_own_places(self, project: str, values: Any, key: str = "") -> None:
        """On a network, a recipe names no place but the project's own documents: whoever may train may not read the
        whole disk by it. Every text that could be a place counts, whatever its field is called."""
        if isinstance(values, dict | list):
            for name, value in values.items() if isinstance(values, dict) else [(key, one) for one in values]:
                self._demand_own_places(project, value, name)
            return
        own = str((self.place(project) / "documents").absolute())
        if not isinstance(values, str) or key == "purpose" or values == own:
            return
        a_source = key == "from" and not values.startswith("samples:")
        if a_source or set(values) & set("/\\~") or Path(values).is_file():
            raise UsageError(
                f"'{key}' names {values[:100]!r}: over a network only the project's own files are read.",
                repair="Drop the files.",
            )

    def recipe(self, project: str) -> Path:
        """The proposed recipe of a project. UsageError before there is one."""
        path = self.place(project) / RECIPE
        if not path.is_file():
            raise UsageError(f"There is no recipe for {project} yet.", repair="Look at the documents first.")
        return path

    def read(self, project: str) -> tuple[list[Document], list[dict[str, str]]]:
        """The documents of a project as every reader of collect finds them, and the files that could not be read."""
        documents: list[Document] = []
        problems: list[dict[str, str]] = []
        place = self._documents(project, "")
        for item in documents_of(project, SourceOptions.model_validate({"from": str(place.absolute())})):
            if isinstance(item, Problem):
                problems.append({"path": item.path, "problem": item.problem, "detail": item.detail})
            else:
                documents.append(item)
        return documents, problems

    def _documents(self, project: str, folder: str) -> Path:
        if not folder:
            place = self.place(project) / "documents"
            if not self.files(project):
                raise UsageError(f"{project} has no documents yet.", repair="Drop some files first.")
            return place
        if not self.own_folders:
            raise UsageError("A folder can be named only in the studio of this machine.", repair="Drop the files.")
        place = Path(folder).expanduser()
        if not place.is_dir():
            raise UsageError(f"{folder[:200]} is not a folder of this machine.")
        return place
