"""What a page of the site may do: run the scripts and load the files that it brings, and nothing else.

Texts are escaped where they are put into a page (``workbook.inert``); this is the second wall. The policy stands in each
page, so that it holds for a site opened from a folder, too. Styles within elements are allowed: formulas and figures
have their sizes there, and without a request that leaves they can do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

# Scripts that the theme, Sphinx and we put into pages, to the letter; what else stands in a page does not run.
KNOWN = tuple(
    re.compile(pattern)
    for pattern in (
        r'document\.documentElement\.dataset\.mode = localStorage\.getItem\("mode"\) \|\| "light";\s+'
        r'document\.documentElement\.dataset\.theme = localStorage\.getItem\("theme"\) \|\| "light";',
        r"DOCUMENTATION_OPTIONS\.search_as_you_type = (true|false);",
        r"DOCUMENTATION_OPTIONS\.pagename = '[\w/.-]+';",
        r"// Activate the search field on page load\s+let searchInput = document\.querySelector\("
        r'"form\.bd-search input"\);\s+if \(searchInput\) \{\s+searchInput\.focus\(\);\s+searchInput\.select\(\);\s+'
        r'console\.log\("\[PST\]: Set focus on search field\."\);\s+\}',
        r"var zh=\(navigator\.languages\|\|\[navigator\.language\]\)\.some\(function\(l,i\)\{return "
        r"i==0&&/\^zh/i\.test\(l\)\}\);location\.replace\(\(zh\?'zh':'en'\)\+'/[\w.-]+'\)",
        r"location\.replace\('[\w/.-]+'\+location\.hash\)",
    )
)
_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
_COUNTS = re.compile(r"PLURAL_EXPR = new Function\(\s*\"n\",\s*`[^`]*`,?\s*\);")
_CHARSET = re.compile(r'<meta charset="utf-8"\s*/?>')
# Chromium and Firefox take 'self' of a page opened from a folder for that scheme.
RULES = {
    "default-src": "'none'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "form-action": "'self'",
    "base-uri": "'none'",
}


def seal(page: str) -> str:
    """A page with its policy before all that could run.

    Parameters
    ----------
    page : str
        HTML whose head begins with its character set.
    """
    codes = [found["code"] for found in _SCRIPT.finditer(page) if "src=" not in found["attributes"]]
    known = [code for code in codes if any(one.fullmatch(code.strip()) for one in KNOWN)]
    hashes = sorted({f"'sha256-{_digest(code)}'" for code in known})
    rules = RULES | {"script-src": " ".join(["'self'", *hashes])}
    said = "; ".join(f"{name} {value}" for name, value in rules.items())
    meta = f'<meta http-equiv="Content-Security-Policy" content="{said}">'
    return _CHARSET.sub(lambda found: found[0] + meta, page, count=1)


def seal_all(folder: Path) -> None:
    """Put their policy into all pages of a folder, and take what it forbids out of Sphinx's own script.

    That makes a function of a text to count plurals, for a language that has none: Chinese.
    """
    for file in folder.glob("*/_static/doctools.js"):
        text = file.read_text(encoding="utf-8")
        file.write_text(_COUNTS.sub("PLURAL_EXPR = () => 0;", text), encoding="utf-8")
    for file in sorted(folder.rglob("*.html")):
        file.write_text(seal(file.read_text(encoding="utf-8")), encoding="utf-8")


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
