"""YAML as study files have it: the core of YAML 1.2, where a code or a date stays the text that was written."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

# 0111 is a code, and 2020-01-01 or 1_000 no number.
_CODE = re.compile(r"^[-+]?(?:0[0-9]|[0-9]*_)")
_TEXT = Tag(suffix="tag:yaml.org,2002:str")


class _Core(VersionedResolver):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)
        if kind is not ScalarNode or not implicit[0]:
            return tag
        name = str(tag).rpartition(":")[2]
        coded = name in ("int", "float") and _CODE.match(value) and not re.match(r"^[-+]?0?\.", value)
        return _TEXT if name == "timestamp" or coded else tag


def yaml() -> YAML:
    """A reader that makes nothing but mappings, lists, texts, numbers, truths and nothing."""
    reader = YAML(typ="safe", pure=True)
    reader.Resolver = _Core
    return reader
