"""The regression as its user writes it: ``y ~ x1 + x2 | firm + industry^year | d ~ z``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from estimators.errors import EffectsError
from estimators.language import listed, said

FORM = "'outcome ~ regressors | effects' or 'outcome ~ regressors | effects | endogenous ~ instruments'"


class Effect(NamedTuple):
    """One set of fixed effects, or of clusters: a level for each combination of the columns' values."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The columns, joined as in a formula: ``industry^year``."""
        return "^".join(self.parts)


class Design(NamedTuple):
    """A regression: column names and their roles."""

    outcome: str
    exogenous: tuple[str, ...]
    effects: tuple[Effect, ...]
    endogenous: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()

    @property
    def regressors(self) -> tuple[str, ...]:
        """Columns that get a coefficient: the endogenous last, as pyfixest orders them."""
        return (*self.exogenous, *self.endogenous)

    @property
    def columns(self) -> tuple[str, ...]:
        """All numeric columns: outcome, regressors, instruments."""
        return (self.outcome, *self.regressors, *self.instruments)

    @property
    def formula(self) -> str:
        """The design written as a formula."""
        parts = [f"{self.outcome} ~ {' + '.join(self.exogenous) or '1'}"]
        parts.append(" + ".join(effect.name for effect in self.effects))
        if self.endogenous:
            parts.append(f"{' + '.join(self.endogenous)} ~ {' + '.join(self.instruments)}")
        return " | ".join(parts)


def effect(name: str) -> Effect:
    """An effect from its name: columns joined by ``^`` (or ``*``, as in the ladder of the parameters)."""
    return Effect(tuple(part.strip() for part in re.split(r"[\^*]", name)))


def design(
    outcome: str,
    regressors: Sequence[str],
    effects: Sequence[str],
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
) -> Design:
    """A regression from lists of columns.

    Raises
    ------
    EffectsError
        Without effects, without regressors, with a column in two roles, or with too few instruments.
    """
    made = Design(
        outcome,
        tuple(regressors),
        tuple(effect(name) for name in effects),
        tuple(endogenous),
        tuple(instruments),
    )
    _check(made)
    return made


def parse(formula: str) -> Design:
    """Read a formula; columns are taken as they are (functions of columns are made beforehand).

    Raises
    ------
    EffectsError
        When it does not have the form of the module's first line.
    """
    sections = [section.strip() for section in formula.split("|")]
    if len(sections) not in (2, 3) or sections[0].count("~") != 1:
        raise EffectsError(said("engines.formula.form", formula=formula, form=FORM))
    outcome, right = (side.strip() for side in sections[0].split("~"))
    endogenous, instruments = "", ""
    if len(sections) == 3:
        if sections[2].count("~") != 1:
            raise EffectsError(said("engines.formula.third", formula=formula))
        endogenous, instruments = sections[2].split("~")
    return design(outcome, _names(right), _names(sections[1]), _names(endogenous), _names(instruments))


def clusters_of(vcov: str | Mapping[str, str]) -> tuple[str, tuple[Effect, ...]]:
    """The kind of covariance ("iid", "HC1" or "CRV1") and its clusters.

    Raises
    ------
    EffectsError
        For kinds that are not offered.
    """
    allowed = "'iid', 'hetero' (HC1), {'CRV1': 'firm'} or {'CRV1': 'firm + year'}"
    if isinstance(vcov, str):
        kinds = {"iid": "iid", "hetero": "HC1", "HC1": "HC1"}
        if vcov not in kinds:
            raise EffectsError(said("engines.formula.vcov", vcov=vcov, allowed=allowed))
        return kinds[vcov], ()
    if list(vcov) != ["CRV1"]:
        raise EffectsError(said("engines.formula.vcov_map", vcov=dict(vcov), allowed=allowed))
    clusters = tuple(effect(name) for name in _names(vcov["CRV1"]))
    if not 1 <= len(clusters) <= 2:
        raise EffectsError(said("engines.formula.clusters", vcov=dict(vcov), count=len(clusters)))
    return "CRV1", clusters


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split("+") if name.strip()]
    return [name for name in names if name != "1"]


def _check(made: Design) -> None:
    text = made.formula
    if not made.effects:
        raise EffectsError(said("engines.formula.no_effect", text=text))
    if not made.regressors:
        raise EffectsError(said("engines.formula.no_regressor", text=text))
    names = made.columns
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EffectsError(said("engines.formula.twice", text=text, twice=listed(twice)))
    for name in names:
        if re.search(r"[()\[\]:^*]", name):
            raise EffectsError(said("engines.formula.not_a_column", text=text, name=name))
    if len(made.instruments) < len(made.endogenous):
        raise EffectsError(
            said(
                "engines.formula.few_instruments",
                text=text,
                endogenous=len(made.endogenous),
                instruments=len(made.instruments),
            )
        )
