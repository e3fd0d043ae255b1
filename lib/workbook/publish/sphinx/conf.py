"""Sphinx settings of the site: read executed notebooks, execute nothing, load nothing from elsewhere."""

from __future__ import annotations

import gettext
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

from workbook import inert

project = "Fusion Workbook"
author = "Fusion Workbook"
html_title = project
# The language, and the words of the search field, are given with each build (see `site`).
language = "en"

extensions = ["myst_nb", "sphinx.ext.mathjax"]
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_output_stderr = "remove"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
# Heading levels are the notebooks' own; a notebook may also show no first-level heading at once.
suppress_warnings = ["myst.header"]

# Two megabytes that both languages share, beside their folders (`site.shared`).
mathjax_path = "../../shared/tex-svg.js"
myst_update_mathjax = False  # MathJax is told what to do in formulas.js

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["fusion.css"]
html_js_files = ["formulas.js", "switch.js", "reading.js"]
html_context = {"default_mode": "light"}
html_sidebars = {"**": ["studies.html"]}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
# The summary would be fetched, which a browser refuses for pages opened from a folder.
html_show_search_summary = False
html_search_language = "mixed"
html_theme_options = {
    "logo": {"text": project},
    "navbar_start": ["navbar-logo"],
    "navbar_center": [],
    "navbar_end": ["switch.html", "theme-switcher"],
    "navbar_persistent": ["search-button-field"],
    "article_header_start": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["about.html"],
    "footer_end": [],
    "search_bar_text": "Search",
    "show_toc_level": 2,
    "back_to_top_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
}

# What the theme and MyST-NB say without a Chinese translation of their own.
THEIRS = {"Color mode": "颜色", "System Settings": "随系统", "Light": "浅色", "Dark": "深色"}
FOLDED = {"Toggle hidden content": "展开或收起"}
CHINESE = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")


# The same in the browser; the search page looks for this name.
SPLITTER = r"""
var splitQuery = (query) => (query.match(/[\u3400-\u9fff]+|[^\s\u3400-\u9fff!-\/:-@\[-^`{-~，。；：、？！（）《》“”]+/gu) || [])
  .flatMap((word) => /^[\u3400-\u9fff]{3,}$/.test(word)
    ? Array.from({length: word.length - 1}, (_, i) => word.slice(i, i + 2)) : [word]);
"""


class SearchMixed(SearchEnglish):
    """English words by their stem, and Chinese by pairs of characters, which needs no dictionary."""

    lang = "mixed"
    language_name = "English"  # names the stemmer in the browser
    js_splitter_code = SPLITTER

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self.stem = cache(super().stem)  # type: ignore[method-assign]

    def split(self, input: str) -> list[str]:
        """Words and pairs of a text."""
        return [part for word in CHINESE.findall(input) for part in self._parts(word)]

    @staticmethod
    def _parts(word: str) -> list[str]:
        if not "\u3400" <= word[0] <= "\u9fff" or len(word) < 3:
            return [word]
        return [word[i : i + 2] for i in range(len(word) - 1)]


def _site(app: Sphinx) -> dict[str, Any]:
    return dict(json.loads((Path(app.srcdir) / "site.json").read_text(encoding="utf-8")))


def _dress(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give a page its menu, and the language and banner of its study."""
    site = _site(app)
    study = next((s for s in site["studies"] if pagename.startswith(f"{s['name']}/")), None)
    other = "../" * (pagename.count("/") + 1) + f"{site['other']['folder']}/{pagename}.html"
    context["fusion"] = site | {"study": study, "switch": other}
    link = f'<link rel="alternate" hreflang="{site["other"]["tag"]}" href="{other}" />'
    context["metatags"] = context.get("metatags", "") + link
    if pagename == "search":
        for name in ("sentences.js", "found.js"):
            app.add_js_file(name)
    if study is not None:
        # A browser's title names the study; on the study's own page it is the title already.
        if not pagename.endswith("/index"):
            context["docstitle"] = inert.html(study["title"])
        context["body"] = study["banner"] + context.get("body", "")
    if site["language"] == "zh":
        folder = Path(pydata_sphinx_theme.__file__).parent / "locale"
        known = gettext.translation("sphinx", str(folder), ["zh"], fallback=True)
        context["_"] = context["gettext"] = lambda text: THEIRS.get(text) or known.gettext(text)
        for english, chinese in FOLDED.items():
            context["body"] = context.get("body", "").replace(english, chinese)


def _keep_sentences(app: Sphinx) -> None:
    """Sentences for the search, as a script, since a page that is opened from a folder may fetch nothing."""
    text = (Path(app.srcdir) / "sentences.json").read_text(encoding="utf-8")
    folder = Path(app.outdir) / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentences.js").write_text(f"var fusionSentences = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the search language and the page's dress."""
    app.add_search_language(SearchMixed)
    app.connect("builder-inited", _keep_sentences)
    app.connect("html-page-context", _dress)
