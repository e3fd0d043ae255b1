"""The model of ``tables:``; a specification has the same keys in a table, a panel and a column."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from workbook.language import said
from workbook.params.base import Section
from workbook.params.file.levels import TERM
from workbook.params.panel import NAMES, languages

KEEP = "..."  # in a list: what is inherited stands here
Term = Annotated[str, Field(pattern=NAMES, max_length=60)]
# a*b is one effect for each pair of levels, a~t a slope of t for each level of a.
Effect = Annotated[str, Field(pattern=r"^(\.\.\.|[^\W\d]\w*(\*[^\W\d]\w*)*(~[^\W\d]\w*)?)$", max_length=200)]
Kept = Annotated[str, Field(pattern=r"^(\.\.\.|[^\W\d]\w*)$", max_length=60)]
# Regressors may be levels(x), too.
Regressor = Annotated[str, Field(pattern=rf"^(\.\.\.|[^\W\d]\w*|{TERM})$", max_length=120)]
Estimator = Literal["ols", "iv", "poisson", "logit", "probit", "quantile", "fd", "re"]
Like = Literal["fixest", "reghdfe", "areg", "xtreg", "regress", "ivreghdfe", "linearmodels"]
Stat = Literal[
    "n",
    "units",
    "clusters",
    "r2",
    "r2_within",
    "r2_adj",
    "mean_y",
    "first_stage_f",
    "quantile",
    "controls",
    "effects",
    "errors",
    "sample",
    "weights",
    "estimator",
    "like",
]
Under = Literal["se", "t", "p", "ci"]
Kind = Literal[
    "regression", "describe", "correlate", "balance", "collinearity", "production", "decomposition"
]
Method = Literal["ols", "fe", "op", "lp", "acf", "wooldridge"]


def _several(value: object) -> object:
    """One name is a list of one."""
    return [value] if isinstance(value, str) else value


def _text(value: object) -> object:
    """``English | 中文``: one part alone stands in both languages."""
    if not isinstance(value, str):
        return value
    both = dict(zip(("en", "zh"), languages(value), strict=True))
    return {language: text or next(filter(None, both.values()), "") for language, text in both.items()}


Text = Annotated[dict[Literal["en", "zh"], str], BeforeValidator(_text)]
Terms = Annotated[list[Kept], BeforeValidator(_several)]
Regressors = Annotated[list[Regressor], BeforeValidator(_several)]
Effects = Annotated[list[Effect], BeforeValidator(_several)]
Rows = Annotated[list[Annotated[str, Field(max_length=2000)]], BeforeValidator(_several)]


class Conley(Section):
    """Errors that neighbours in space share, with a kernel of one within a distance and zero beyond it."""

    km: Annotated[float, Field(gt=0)] = Field(description="distance in kilometres")
    lat: Term = Field(description="column of latitudes, degrees")
    lon: Term = Field(description="column of longitudes, degrees")


class Distance(Section):
    """``{conley: {km: 100, lat: y, lon: x}}``."""

    conley: Conley = Field(description="distance and coordinates")


class Spec(Section):
    """What is regressed; in a table, a panel and a column, the inner one wins."""

    outcome: Term | None = Field(None, description="outcome; an expression too")
    treatments: Regressors | None = Field(
        None, description="regressors of interest; expressions too, and levels(x)"
    )
    controls: Regressors | None = Field(None, description="controls; ... keeps those that are inherited")
    fixed_effects: Effects | None = Field(
        None, description="effects; a*b = one for each pair of levels, a~t = a slope of t for each level of a"
    )
    cluster: Terms | None = Field(None, description="columns of clusters, one or two")
    errors: Literal["iid", "robust", "clustered", "driscoll_kraay"] | Distance | None = Field(
        None, description="covariance: iid, robust, clustered, driscoll_kraay, or {conley: {km, lat, lon}}"
    )
    lags: Annotated[int, Field(ge=0)] | None = Field(
        None, description="years that Driscoll–Kraay errors reach back; none: 4 (T/100)^(2/9)"
    )
    weights: Term | None = Field(None, description="column of weights (as Stata's aweights)")
    sample: Rows | None = Field(
        None, description="samples by name, or conditions; rows must meet all of them"
    )
    estimator: Estimator | None = Field(
        None,
        description="ols, iv, poisson, logit, probit, quantile, fd (first differences) or re (random effects)",
    )
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="of estimator quantile: which; none: 0.5"
    )
    like: Like | None = Field(
        None, description="program whose small-sample correction and degrees of freedom are used"
    )
    singletons: Literal["keep", "drop"] | None = Field(None, description="rows alone in an effect")
    iv: dict[Term, Terms] | None = Field(None, description="endogenous regressor: its instruments")
    mark: dict[str, bool | str] | None = Field(
        None,
        description="line at the foot: yes, no or a text, where it cannot be told from the specification",
    )


class TableColumn(Spec):
    """One printed column: only what differs."""

    head: Text | None = Field(None, description="what stands over its number")
    group: Text | None = Field(None, description="head over it and its neighbours of the same group")
    add: Regressors | None = Field(None, description="controls beside those of the column before")
    split: Term | None = Field(None, description="one column for each value of this column")
    first_stage: bool = Field(False, description="iv: the first stages stand before the column")


STEPS = "steps"


def _columns(value: object) -> object:
    """Columns of ``{outcome: [a, b], sample: [s, t]}`` (the first changes last), or of steps of added controls."""
    if not isinstance(value, dict) or not all(isinstance(values, list) for values in value.values()):
        return value
    if list(value) != [STEPS]:
        return [dict(zip(value, one, strict=True)) for one in itertools.product(*value.values())]
    so_far: list[object] = []
    made = []
    for step in value[STEPS]:
        so_far += step if isinstance(step, list) else [step]
        made.append({"controls": list(so_far)})
    return made


Columns = Annotated[list[TableColumn], Field(min_length=1), BeforeValidator(_columns)]


class TablePanel(Spec):
    """Panel A, B, …: columns of its own, or the table's with what differs."""

    head: Text | None = Field(None, description="what stands over it")
    columns: Columns | None = Field(None, description="as the table's")


class TableTest(Section):
    """A test at the foot."""

    equal: Term | None = Field(None, description="coefficient that is compared between two columns")
    zero: Regressors | None = Field(None, description="coefficients that are tested jointly in one column")
    hausman: bool = Field(
        False, description="all slopes of two columns are the same; the first is the one that holds anyway"
    )
    of: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=2, description="printed columns")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """``{hausman: [1, 2]}`` is short for the same with ``of``."""
        if isinstance(given, dict) and isinstance(given.get("hausman"), list) and "of" not in given:
            return given | {"hausman": True, "of": given["hausman"]}
        return given

    @model_validator(mode="after")
    def _one(self) -> TableTest:
        asked = [self.equal is not None, self.zero is not None, self.hausman]
        if sum(asked) != 1 or len(self.of) != (1 if self.zero is not None else 2):
            raise ValueError(said("params.rule.test"))
        return self


class Functions(Section):
    """What a table of production functions is estimated from; all columns in logs."""

    free: Terms = Field(description="inputs chosen freely (labour)")
    state: Terms = Field(description="inputs that are given (capital)")
    proxy: Terms = Field(
        default_factory=list, description="investment (op), materials or energy (lp, acf, wooldridge)"
    )
    methods: Annotated[list[Method], Field(min_length=1)] = Field(
        default=["ols", "fe"], description="ols, fe, op, lp, acf, wooldridge: a column each"
    )
    draws: Annotated[int, Field(ge=20, le=2000)] = Field(
        50, description="draws of whole firms, from which errors and intervals are"
    )


class Table(Spec):
    """A table as journals print it."""

    kind: Kind = Field(
        "regression",
        description="regression, describe (numbers of variables), correlate, balance (two groups), collinearity, production "
        "(functions by several methods) or decomposition (what each control moves)",
    )
    of: Regressors | None = Field(
        None,
        description="describe, correlate, balance, collinearity: the variables; none: outcome, treatments and controls",
    )
    production: Functions | None = Field(None, description="kind production: inputs, proxy and methods")

    title: Text | None = Field(None, description="title, 'English | 中文'")
    notes: Text | None = Field(None, description="what the note says beside what is known")
    columns: Columns | None = Field(
        None, description="columns: a list, {key: values} for all products, or {steps: …} of added controls"
    )
    panels: dict[str, TablePanel | None] | None = Field(
        None, description="panels under each other, by their letter"
    )
    from_: str | None = Field(None, alias="from", description="another table, of which this one is a copy")
    swap: dict[Term, Term] | None = Field(None, description="terms that others take the place of: {x: x_w}")
    show: Regressors | None = Field(
        None, description="terms that are printed; none: treatments, then controls"
    )
    under: Under = Field("se", description="under the coefficient: se, t, p or ci")
    stars: list[Annotated[float, Field(gt=0, lt=1)]] | None = Field(
        None, description="p-values below which one, two, … stars stand: [0.1, 0.05, 0.01]; none: no stars"
    )
    digits: Annotated[int, Field(ge=0, le=8)] | dict[Literal["coef", "under", "stats"], int] = Field(
        3, description="decimals, one number or {coef, under, stats}"
    )
    stats: list[Stat] = Field(
        default=["quantile", "controls", "effects", "n", "units", "clusters", "r2_within"],
        description="lines at the foot, in this order",
    )
    tests: list[TableTest] | None = Field(None, description="tests at the foot")
    landscape: bool | None = Field(None, description="page turned; none: from seven columns on")


class Printed(Section):
    """Tables as journals print them, and what variables are called."""

    tables: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)], Table] = Field(
        default_factory=dict,
        description="tables by name, column by column (docs/tables.md); at the top of the file",
    )
    names: dict[Term, str] | str | None = Field(
        None,
        description="what variables and samples are called, name: 'English | Chinese [unit]', or a CSV with column, en, zh, "
        "unit; at the top of the file",
    )
