"""The library as pages of the site, a page a room, read from its files: nothing is imported, so torch is not needed.

Docstrings are written to be read in an editor. Here their indented blocks become code, and lines such as
"images: (N, 3, H, W) float" that speak of a parameter become items of a list.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lessons_lib"
DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef)


def pages(package: Path = PACKAGE) -> dict[str, str]:
    """Room -> its page as Markdown."""
    rooms: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names = parts[:-1] if parts[-1] == "__init__" else parts
        if len(names) > 1 and not names[-1].startswith("_"):
            text = module(".".join(names), path)
            rooms.setdefault(names[1], []).extend([text] if text else [])
    return {room: f"# {package.name}.{room}\n\n" + "\n\n".join(texts) + "\n" for room, texts in rooms.items()}


def module(name: str, path: Path) -> str:
    """What one file offers; nothing where it has no word to say."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = prose(ast.get_docstring(tree) or "", set())
    offered = [text for node in tree.body if (text := entry(node))]
    if not said and not offered:
        return ""
    head = [f"## {name}"] if name.count(".") > 1 else []  # a room's own words stand below the page's title
    head.append(f":::{{py:module}} {name}\n:::")
    return "\n\n".join([*head, said, *offered])


def entry(node: ast.stmt) -> str:
    """A public function or class with its docstring; nothing for what is neither."""
    if isinstance(node, DEFINED) and not node.name.startswith("_"):
        return directive("function", node.name, node, _doc(node))
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        methods = [part for part in node.body if isinstance(part, DEFINED) and not part.name.startswith("_")]
        body = [_doc(node), *(member(method) for method in methods if ast.get_docstring(method))]
        made = next((part for part in node.body if isinstance(part, DEFINED) and part.name == "__init__"), None)
        return directive("class", node.name, made or node, "\n\n".join(filter(None, body)), colons=5)
    return ""


def member(node: ast.FunctionDef) -> str:
    """A method, or what reads like an attribute."""
    kinds = {ast.unparse(decorator) for decorator in node.decorator_list}
    if kinds & {"property", "cached_property", "functools.cached_property"}:
        return directive("property", node.name, None, _doc(node))
    options = [f":{kind}:" for kind in ("classmethod", "staticmethod") if kind in kinds]
    return directive("method", node.name, node, _doc(node), options=options)


def directive(kind: str, name: str, node: ast.AST | None, body: str, *, colons: int = 4, options: tuple = ()) -> str:
    fence = ":" * colons
    signature = f"{name}{arguments(node)}" if node is not None else name
    return "\n".join([f"{fence}{{py:{kind}}} {signature}", *options, "", body, fence])


def arguments(node: ast.AST) -> str:
    """ "(images, *, size=1.2) -> Figure", without self; of a class without a constructor its annotated fields."""
    if isinstance(node, ast.ClassDef):
        fields = [
            field for field in node.body if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        ]
        data = any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
        named = any("NamedTuple" in ast.unparse(base) for base in node.bases)
        if not fields or not (data or named):
            return ""
        written = [f"{f.target.id}{f' = {_short(f.value)}' if f.value else ''}" for f in fields]
        return f"({', '.join(written)})"
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
    written = [_argument(arg, value) for arg, value in zip(positional, defaults) if arg.arg not in ("self", "cls")]
    if given.vararg:
        written.append(f"*{given.vararg.arg}")
    elif given.kwonlyargs:
        written.append("*")
    written += [_argument(arg, value) for arg, value in zip(given.kwonlyargs, given.kw_defaults)]
    if given.kwarg:
        written.append(f"**{given.kwarg.arg}")
    returns = "" if node.returns is None or node.name == "__init__" else f" -> {_type(node.returns)}"
    return f"({', '.join(written)}){returns}"


def _argument(arg: ast.arg, default: ast.expr | None) -> str:
    return arg.arg if default is None else f"{arg.arg}={_short(default)}"


def _short(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= 40 else "..."


def _type(node: ast.expr) -> str:
    return re.sub(r"['\"]", "", ast.unparse(node))


def _doc(node: ast.AST) -> str:
    parameters = set()
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            parameters.add(part.arg)
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            parameters.add(part.target.id)
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):  # self.history = …
            parameters.add(part.attr)
    return prose(ast.get_docstring(node) or "", parameters)


def prose(docstring: str, parameters: set[str]) -> str:
    """A docstring as Markdown: paragraphs, a list of what it says of parameters, and code where lines are indented."""
    parts: list[tuple[str, list[str]]] = [("gap", [])]
    for line in docstring.splitlines():
        kind, before = _kind(line, parts[-1][0], parameters), parts[-1][0]
        if kind == "gap":
            parts.append(("gap", []) if before != "code" else ("code", [*parts.pop()[1], ""]))
        elif kind == "item":
            for item in re.split(r"\s{3,}(?=\w+: )", line.strip()):
                name, _, rest = item.partition(": ")
                parts.append(("item", [f"- **{name}**: {_escaped(rest)}"]))
        elif kind == before != "gap":
            parts[-1][1].append(_written(kind, line))
        else:
            parts.append((kind, [_written(kind, line)]))
    return _joined([part for part in parts if part[1]])


def _kind(line: str, before: str, parameters: set[str]) -> str:
    """ "gap", "code", "item", "inside" an item, or "text"."""
    if not line.strip():
        return "gap"
    found = re.match(r"(\w+(?:, \w+)*): \S", line)
    if found and set(found[1].split(", ")) <= parameters:
        return "item"
    if line.startswith("    "):
        return "inside" if before in ("item", "inside") else "code"
    return "inside" if before in ("item", "inside") and line[0].islower() else "text"


def _written(kind: str, line: str) -> str:
    if kind == "code":
        return line[4:]
    return f"  {_escaped(line.strip())}" if kind == "inside" else _escaped(line.strip())


def _joined(parts: list[tuple[str, list[str]]]) -> str:
    text, before = "", ""
    for kind, lines in parts:
        block = "\n".join(lines)
        if kind == "code":
            block = "```text\n" + block.rstrip() + "\n```"
        close = kind == "inside" or (kind == before == "item") or (kind == "item" and before == "inside")
        text += ("" if not text else "\n" if close else "\n\n") + block
        before = kind
    return text


def _escaped(text: str) -> str:
    """Outside of code, what Markdown or HTML would take for its own."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if k % 2 else re.sub(r"([$<\[\]*#|\\])", r"\\\1", part) for k, part in enumerate(parts))
