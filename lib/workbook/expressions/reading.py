"""From a text to a tree: limits first, then the grammar, then nodes that hold nothing but names and literals."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput

from workbook.expressions.errors import ExpressionError
from workbook.language import listed, said

# What a text may be: beyond these it is no expression that a person reads.
CHARACTERS, BRACKETS, DEPTH, PARTS, SIGNS, NAME, STRING, POWER = 2000, 24, 48, 400, 30, 60, 200, 9
DIGITS = 25
KEYWORDS = frozenset(
    ("if", "then", "else", "or", "and", "not", "in", "between", "to", "is", "missing", "true", "false")
)
# What other languages write, and what is written here.
ELSEWHERE = {
    "&&": "and", "||": "or", "&": "and", "|": "or", "!": "not", "~": "not", "'": '"', "`": '"', "≠": "!=",
    "≤": "<=", "≥": ">=", "×": "*", "÷": "/", "（": "(", "）": ")", "，": ",", "“": '"', "”": '"', "＝": "==",
    "＞": ">", "＜": "<", "－": "-", "＋": "+", "＊": "*", "／": "/", "[": "(", "]": ")",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A part of an expression.

    Attributes
    ----------
    op : str
        ``number text truth missing name call choice any all negation compare within between absent chain minus
        power``.
    parts : tuple of Node
    value : object
        The literal, the name, the sign or signs.
    options : tuple of (str, object)
        Of a call: ``by`` and its columns.
    kind : str
        Its type, once it is checked; empty before.
    at : int
        Its first character, from 0; two parts that differ in it alone are the same.
    """

    op: str
    parts: tuple[Node, ...] = ()
    value: Any = None
    options: tuple[tuple[str, Any], ...] = ()
    kind: str = ""
    at: int = field(default=0, compare=False)

    def walk(self) -> Iterator[Node]:
        """This part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def names(self) -> list[str]:
        """Columns that it names, also in ``by=``, in order; of ``header("…")`` the header."""
        found = []
        for node in self.walk():
            if node.op == "name":
                found.append(str(node.value))
            elif node.op == "call" and node.value == "header" and node.parts:
                found.append(str(node.parts[0].value))
            for _, value in node.options:
                found += [name for name in _columns(value) if name not in ("all", "unit")]
        return list(dict.fromkeys(found))


def parse(text: str) -> Node:
    """Read an expression.

    Parameters
    ----------
    text : str
        In the grammar of ``grammar.lark``.

    Raises
    ------
    ExpressionError
        With the character, what was found and what is allowed; nothing is run, whatever the text holds.
    """
    if not text.strip():
        raise ExpressionError(said("expressions.empty"))
    if len(text) > CHARACTERS:
        raise ExpressionError(said("expressions.too_long", found=len(text), allowed=CHARACTERS))
    _seen(text)
    try:
        tree = _grammar().parse(_limited(text))
    except UnexpectedInput as problem:
        raise _refused(text, problem) from None
    return _bounded(_node(tree))


def replaced(node: Node, name: str, by: Node) -> Node:
    """The tree with another in the place of a name."""
    if node.op == "name" and node.value == name:
        return by
    options = tuple((key, _swapped(value, name, by)) for key, value in node.options)
    return replace(node, parts=tuple(replaced(p, name, by) for p in node.parts), options=options)


# -- limits ------------------------------------------------------------------------------------
def _seen(text: str) -> None:
    """Every character is one that a reader sees."""
    for at, character in enumerate(text):
        if character in " \n" or unicodedata.category(character)[0] in "LNPS":
            continue
        if unicodedata.category(character) in ("Mn", "Mc"):  # accents of a letter before them
            continue
        raise ExpressionError(said("expressions.hidden", code=f"U+{ord(character):04X}"), at)


def _limited(text: str) -> str:
    """The text, when its brackets and signs are within their limits; texts in quotes do not count."""
    deep, signs, quoted = 0, 0, False
    for at, character in enumerate(text):
        quoted ^= character == '"'
        if quoted or character in " \n":
            continue
        deep += {"(": 1, ")": -1}.get(character, 0)
        signs = signs + 1 if character in "+-" else 0
        if deep > BRACKETS:
            raise ExpressionError(said("expressions.brackets", allowed=BRACKETS), at)
        if signs > SIGNS:
            raise ExpressionError(said("expressions.signs", allowed=SIGNS), at)
    return text


def _bounded(root: Node) -> Node:
    count, level = 0, [root]
    for _ in range(DEPTH):
        count += len(level)
        if count > PARTS:
            raise ExpressionError(said("expressions.parts", allowed=PARTS))
        level = [part for node in level for part in node.parts]
        if not level:
            return root
    raise ExpressionError(said("expressions.deep", allowed=DEPTH), level[0].at)


# -- trees -------------------------------------------------------------------------------------
@cache
def _grammar() -> Lark:
    text = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _node(tree: Any) -> Node:
    """A node of the grammar's tree; every branch names what it makes, and there is no other."""
    at, children = tree.meta.start_pos, tree.children
    simple = {"true": ("truth", True), "false": ("truth", False), "missing": ("missing", None)}
    if tree.data in simple:
        op, value = simple[tree.data]
        return Node(op, (), value, kind="truth" if op == "truth" else "missing", at=at)
    if tree.data in ("number", "negative", "text", "name"):
        return _leaf(str(tree.data), children, at)
    if tree.data == "call":
        return _call(children, at)
    if tree.data == "power":
        sign = -1 if len(children) == 3 else 1
        return Node("power", (_node(children[0]),), sign * _exponent(children[-1]), at=at)
    if tree.data in ("within", "outside"):
        found = Node("within", (_node(children[0]),), _set(children[1]), at=at)
        return found if tree.data == "within" else Node("negation", (found,), at=at)
    if tree.data == "present":
        return Node("negation", (Node("absent", (_node(children[0]),), at=at),), at=at)
    signs = tuple(str(c) for c in children if isinstance(c, Token))
    parts = tuple(_node(c) for c in children if isinstance(c, Tree))
    return Node(str(tree.data), parts, signs, at=at)


def _leaf(kind: str, children: list[Token], at: int) -> Node:
    token = children[-1]
    if kind == "text":
        if len(token) - 2 > STRING:
            raise ExpressionError(said("expressions.string_long", allowed=STRING), at)
        return Node("text", (), str(token)[1:-1], kind="text", at=at)
    if kind == "name":
        return Node("name", (), _name(token), at=at)
    value = _number(token)
    return Node("number", (), -value if kind == "negative" else value, kind="number", at=at)


def _call(children: list[Any], at: int) -> Node:
    parts: list[Node] = []
    options: list[tuple[str, Any]] = []
    for child in children[1:]:
        if child.data != "option":
            if options:
                raise ExpressionError(said("expressions.order"), child.meta.start_pos)
            parts.append(_node(child))
            continue
        key, value = child.children
        if key in [k for k, _ in options]:
            raise ExpressionError(said("expressions.twice", name=str(key)), key.start_pos)
        names = tuple(_name(t) for t in value.children) if value.data == "names" else None
        options.append((str(key), names or _node(value).value))
    return Node("call", tuple(parts), _name(children[0]), tuple(options), at=at)


def _set(tree: Tree[Token]) -> Any:
    """A tuple of values, or the name of a list."""
    if tree.data == "list":
        return _name(tree.children[0])  # type: ignore[arg-type]
    return tuple(_node(child).value for child in tree.children)


def _name(token: Token) -> str:
    if len(token) > NAME:
        raise ExpressionError(said("expressions.name_long", allowed=NAME), token.start_pos)
    return unicodedata.normalize("NFC", str(token))


def _number(token: Token) -> int | float:
    if len(token) > DIGITS:
        raise ExpressionError(said("expressions.number_long", allowed=DIGITS), token.start_pos)
    if token[0] == "0" and token[1:2].isdigit():
        raise ExpressionError(said("expressions.number_code", found=str(token)), token.start_pos)
    value = int(token) if token.isdigit() else float(token)
    if abs(value) > 1e300:
        raise ExpressionError(said("expressions.number_large", found=str(token)), token.start_pos)
    return value


def _exponent(token: Token) -> int | float:
    value = _number(token)
    if value > POWER:
        raise ExpressionError(
            said("expressions.power_large", found=str(token), allowed=POWER), token.start_pos
        )
    return value


def _columns(value: Any) -> list[str]:
    return list(value) if isinstance(value, tuple) else [value] if isinstance(value, str) else []


def _swapped(value: Any, name: str, by: Node) -> Any:
    if name not in _columns(value) or by.op != "name":
        return value
    return tuple(by.value if v == name else v for v in value) if isinstance(value, tuple) else by.value


# -- what is said ------------------------------------------------------------------------------
def _refused(text: str, problem: UnexpectedInput) -> ExpressionError:
    at = problem.pos_in_stream
    token = getattr(problem, "token", None)
    if at is None or at < 0 or (token is not None and token.type == "$END"):
        return ExpressionError(said("expressions.ends", allowed=_allowed(problem)), len(text))
    rest = text[at:]
    if rest.startswith("=") and not rest.startswith("=="):
        return ExpressionError(said("expressions.equals"), at)
    if rest.startswith('"') and isinstance(problem, UnexpectedCharacters):
        return ExpressionError(said("expressions.string_open"), at)
    if text[at - 1 : at + 1] == "**":  # the first is a sign that is allowed, so that the second is found
        return ExpressionError(said("expressions.elsewhere", found="**", write="^"), at - 1)
    for theirs, ours in ELSEWHERE.items():
        if rest.startswith(theirs):
            return ExpressionError(said("expressions.elsewhere", found=theirs, write=ours), at)
    found = str(token) if token is not None else rest[0]
    return ExpressionError(said("expressions.unexpected", found=found[:30], allowed=_allowed(problem)), at)


def _allowed(problem: UnexpectedInput) -> str:
    """What the grammar takes at this place, in words: the first few."""
    told = (getattr(problem, name, None) for name in ("accepts", "expected", "allowed"))
    names = set(next((found for found in told if found), ()))
    return listed(said(f"expressions.allowed.{kind}") for kind, members in ALLOWED.items() if names & members)


ALLOWED = {
    "value": {"NAME", "NUMBER", "STRING"},
    "open": {"LPAR"},
    "close": {"RPAR"},
    "comma": {"COMMA"},
    "sign": {"PLUS", "MINUS", "TIMES", "DIVIDE", "CIRCUMFLEX"},
    "comparison": {"EQ", "NE", "LT", "LE", "GT", "GE", "IN", "IS", "BETWEEN"},
    "logic": {"AND", "OR"},
    "then": {"THEN"},
    "else": {"ELSE"},
    "to": {"TO"},
    "end": {"$END"},
}
