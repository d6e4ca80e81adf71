"""Every task by name: Python tasks register themselves, TOML tasks are the files in `tasks/`, or a path of the user."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import groundup.evaluate.tasks as shipped
from groundup.core.errors import UsageError, near
from groundup.evaluate.base import Task, tasks
from groundup.evaluate.rows import read_task

TOML_FOLDER = Path(__file__).parent / "tasks"


def load_python_tasks() -> None:
    """Import every module of `tasks/`, which registers its tasks."""
    for module in pkgutil.iter_modules(shipped.__path__):
        importlib.import_module(f"{shipped.__name__}.{module.name}")


def task_names() -> list[str]:
    """The names of all tasks that come with the house."""
    load_python_tasks()
    return sorted([*tasks, *(path.stem for path in TOML_FOLDER.glob("*.toml"))])


def find_task(name: str) -> Task:
    """A task by its name, or by the path of a TOML file of the user; a UsageError lists the names."""
    load_python_tasks()
    if name in tasks:
        return tasks.get(name)()
    file = Path(name) if name.endswith(".toml") else TOML_FOLDER / f"{name}.toml"
    if file.is_file():
        return read_task(file)
    raise UsageError(f"Unknown evaluation task '{name}'.", repair=near(name, task_names()))
