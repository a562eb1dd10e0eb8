"""What a check needs besides the student's answers, taken from the teacher's own notebook.

A check reads few names: the module of checks, sometimes the model. Of the lesson only the statements that make these
names are run, so that grading does not train what the lesson trains.
"""

import ast
import symtable
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from lessons_lib.worksheets import BEGIN, text_of

Statement = tuple[ast.stmt, bool]  # and whether a student is to write it


def statements_before(lesson: Mapping[str, Any], check: Mapping[str, Any]) -> list[Statement]:
    """The top-level statements of the lesson's code cells above a check, in order. IPython's own lines are left out."""
    found: list[Statement] = []
    for cell in lesson["cells"]:
        if cell["id"] == check["id"]:
            return found
        if cell["cell_type"] == "code":
            source = text_of(cell)
            found += [(statement, BEGIN in source) for statement in parsed(source).body]
    raise ValueError(f"the lesson has no cell {check['id']!r}")


def parsed(source: str) -> ast.Module:
    """A cell's source, without the lines that only IPython reads."""
    lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()]
    return ast.parse("\n".join(lines))


def reads(node: ast.AST) -> set[str]:
    """The names that a piece of code takes from around it, its functions' own names left out."""
    tables, names = [_table(node)], set()
    while tables:
        table = tables.pop()
        outer = table.get_type() == "module"
        names |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (outer or s.is_global())}
        tables += table.get_children()
    return names


def makes(node: ast.AST) -> set[str]:
    """The names that it gives a value at the top level."""
    return {s.get_name() for s in _table(node).get_symbols() if s.is_assigned() or s.is_imported()}


def _table(node: ast.AST) -> symtable.SymbolTable:
    return symtable.symtable(ast.unparse(node), "cell", "exec")


def answers_of(check: ast.AST, before: Iterable[Statement]) -> set[str]:
    """The names that a check reads and a student is to write."""
    owner = {name: written for statement, written in before for name in makes(statement)}
    return {name for name in reads(check) if owner.get(name)}


def needed(check: ast.AST, before: Iterable[Statement], *, answers: bool = False) -> list[ast.stmt]:
    """The statements that make what a check reads, and what they read in turn, in order.

    answers: those that a student is to write, too.
    """
    wanted, kept = reads(check), []
    for statement, written in reversed(list(before)):
        made = makes(statement) & wanted
        if made and written and not answers:
            wanted -= made
        elif made:
            kept.append(statement)
            wanted = wanted - made | reads(statement)
    return kept[::-1]


def can_stand_apart(check: ast.AST, before: list[Statement]) -> bool:
    """Whether a check can run in another process than the student's: it asks for values and functions, not for classes
    or for what the lesson computed with the student's answers, and it is not `checks.watching`."""
    names = answers_of(check, before)
    if any(getattr(function, "watching", False) for function in _called(check, before)):
        return False
    if any(isinstance(statement, ast.ClassDef) and names & makes(statement) for statement, _ in before):
        return False
    return not any(answers_of(statement, before) for statement in needed(check, before))


def _called(check: ast.AST, before: Iterable[Statement]) -> Iterator[object]:
    """The functions of a lesson's own modules that a check calls, as `check.ring` after `import checks as check`."""
    modules = {
        alias.asname or alias.name: f"{statement.module}.{alias.name}"
        for statement, _ in before
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("lessons_lib.teaching.")
        for alias in statement.names
    }
    for node in ast.walk(check):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield getattr(import_module(modules[node.value.id]), node.attr, None)


def run(statements: list[ast.stmt], namespace: dict[str, Any], name: str) -> None:
    """Runs them in `namespace`.   name: what a traceback calls the file."""
    exec(compile(ast.Module(body=statements, type_ignores=[]), name, "exec"), namespace)
