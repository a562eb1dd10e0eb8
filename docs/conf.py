"""How Sphinx builds the site. `make site` puts the pages together first: see data_scripts/course/make_site.py."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.application import Sphinx

project = "Adapting CLIP without retraining it"
author = "The lessons_lib authors"
copyright = author  # noqa: A001  (Sphinx's name)
extensions = ["myst_parser"]
exclude_patterns = ["lessons/map.md"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
suppress_warnings = ["myst.header", "ref.python"]  # two classes may have one name
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
highlight_language = "text"
nitpicky = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {"navigation_with_keys": False}  # arrows scroll wide tables and code instead


def mathml(tex: str, display: str) -> str:
    """A formula as MathML, which browsers draw by themselves: no script, no font, no other host."""
    return convert(tex, display=display)


def inline_math(self, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block_math(self, node: nodes.math_block) -> None:
    self.body.append(
        f'<div class="math" tabindex="0" role="group" aria-label="formula">{mathml(node.astext(), "block")}</div>'
    )
    raise nodes.SkipNode


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """The first time a page speaks of what the glossary explains, it leads there. Lessons are notebooks, whose text can
    carry no such links of its own."""
    if docname.partition("/")[0] in ("api", "glossary", "changes"):
        return
    terms = {
        name.lower(): place for (kind, name), place in app.env.domains.standard_domain.objects.items() if kind == "term"
    }
    terms = {name: place for name, place in terms.items() if place[0] != docname}
    if not terms:
        return
    longest_first = sorted(map(re.escape, terms), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(longest_first)})(e?s)?(?![\w-])", re.I)
    seen: set[tuple[str, str]] = set()
    for text in list(doctree.findall(nodes.Text)):
        if not _is_prose(text):
            continue
        parts, at = [], 0
        for found in pattern.finditer(text):
            where = terms[found[1].lower()]
            if where in seen:
                continue
            seen.add(where)
            parts.append(nodes.Text(text[at : found.start()]))
            uri = f"{app.builder.get_relative_uri(docname, where[0])}#{where[1]}"
            parts.append(nodes.reference("", found[0], refuri=uri, internal=True, classes=["term"]))
            at = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[at:])])


def _is_prose(text: nodes.Text) -> bool:
    outside = (
        nodes.literal, nodes.literal_block, nodes.reference, nodes.title, nodes.math, nodes.math_block, nodes.raw,
        nodes.table, addnodes.desc_signature, nodes.term, nodes.target, addnodes.toctree, nodes.strong, nodes.topic,
    )  # fmt: skip
    node, paragraph = text.parent, False
    while node is not None:
        if isinstance(node, outside):
            return False
        paragraph = paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return paragraph


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("doctree-resolved", link_terms)
