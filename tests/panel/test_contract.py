"""The contract's own tables are whole, and its indicators find their columns."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from fusion.panel import PanelError, checks, contract
from fusion.panel.contract import DATA


def test_columns_are_well_formed() -> None:
    columns = contract.contract()
    names = [c.column for c in columns]
    assert len(names) == len(set(names))
    assert [c.column for c in columns if c.role == "key"] == ["firm_id", "year"]
    for c in columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", c.column)
        assert c.label_en and c.label_zh and c.required in ("required", "optional", "derived")
        assert c.type in ("str", "code3", "code4", "code6", "enum", "list", "json", "int", "float", "bool")
        assert bool(c.allowed) == (c.type == "enum"), c.column
        assert c.null_is in ("missing", "answer")
        assert c.minimum is None or c.maximum is None or c.minimum < c.maximum


def test_what_must_be_there() -> None:
    # Columns that must be there, the two that make a key among them; the edition of codes follows from the year.
    required = {c.column for c in contract.contract() if c.required == "required"}
    assert len(required) == 23
    assert {"firm_id", "year", "ind4", "operating_revenue", "service_revenue"} <= required


def test_indicators_find_their_columns() -> None:
    listed = pd.read_csv(DATA / "indicators" / "indicators.csv", dtype=str, keep_default_na=False)
    needed = {c for cell in listed["columns"] for c in re.split(r"[;,|\s]+", cell) if c}
    assert needed - {c.column for c in contract.contract()} == set()


def test_rules_are_well_formed_and_read_columns_of_the_contract() -> None:
    rules = contract.rules()
    names = {c.column for c in contract.contract()} | {"ind4_known", "ind4_reused", "edition_due"}
    words = {"not", "and", "or", "is", "null", "between", "coalesce", "left", "ltrim"}
    assert len({r.rule for r in rules}) == len(rules)
    for r in rules:
        assert r.severity in ("error", "warning") and r.field in names
        assert r.message_en and r.message_zh and r.mend_en and r.mend_zh
        unquoted = re.sub(r"'[^']*'", "", r.expression).lower()
        read = {re.sub(r"^(prev|next)_", "", w) for w in re.findall(r"[a-z_][a-z0-9_]*", unquoted)} - words
        assert read <= names, f"{r.rule} reads {read - names}"
        assert checks.needs(r) <= names


def test_expected_columns() -> None:
    declared = {"x": {"label_en": "X", "label_zh": "某"}}
    minimal = contract.expected("minimal", declared)
    assert [c for c, k in minimal.items() if k.required == "required"] == ["firm_id", "year", "x"]
    taken = contract.expected("minimal", {"payroll": {"label_en": "Pay", "label_zh": "薪", "unit": "USD"}})
    assert taken["payroll"].unit == "USD" and taken["payroll"].role == "extra"
    with pytest.raises(PanelError, match="'year' is already in the contract"):
        contract.expected("minimal", {"year": declared["x"]})
    with pytest.raises(PanelError, match="'firm' is not one of: enterprise, minimal"):
        contract.expected("firm")
