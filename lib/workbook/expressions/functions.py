"""The functions of expressions: what each takes and gives. What is not here does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["row", "over", "time", "year", "text", "table"]


@dataclass(frozen=True)
class Function:
    """A function.

    Attributes
    ----------
    group : str
        ``row``; ``over`` rows that share ``by=``; ``time``: a unit's calendar years; ``year``; ``text``; ``table``:
        in tables alone.
    takes : tuple of str
        What each argument is: ``number``, ``text``, ``truth``, ``date``, ``any``; ``same``: of the first one's type; or a
        literal: ``whole`` (from 1), ``digits`` (from 0), ``share`` (between 0 and 1), ``chars``. ``?`` before it: may be
        left out; ``*`` after it: any number of them.
    gives : str
        Type of its value; ``same``: that of its first argument.
    by : {"", "needed", "all"}
        Whether it takes ``by=``, and what stands where none is given.
    most : int
        Largest whole number that it takes.
    """

    group: Group
    takes: tuple[str, ...]
    gives: str = "number"
    by: Literal["", "needed", "all"] = ""
    most: int = 50

    @property
    def least_count(self) -> int:
        """Fewest arguments."""
        return sum(not t.startswith("?") for t in self.takes)

    def taken(self, position: int) -> str | None:
        """What the argument at a position is; None where there may be none."""
        if position < len(self.takes):
            return self.takes[position].strip("?*")
        last = self.takes[-1] if self.takes else ""
        return last.strip("?*") if last.endswith("*") else None


def _each(names: str, *given: object, **named: object) -> dict[str, Function]:
    return {name: Function(*given, **named) for name in names.split()}  # type: ignore[arg-type]


NUMBER = ("number",)
FUNCTIONS: dict[str, Function] = {
    **_each("log log1p exp abs sqrt", "row", NUMBER),
    **_each("round", "row", ("number", "?digits")),
    **_each("floor", "row", NUMBER, "integer"),
    **_each("clip", "row", ("number", "number", "number")),
    **_each("coalesce", "row", ("any", "same*"), "same"),
    **_each("log_ratio", "row", ("number", "number")),
    # min and max of one argument are over rows, of several in the row.
    **_each("min max", "row", ("number", "number*")),
    **_each(
        "mean sum sd median leave_out_mean standardise centre rescale share rank", "over", NUMBER, by="needed"
    ),
    **_each("count", "over", ("any",), "integer", by="needed"),
    **_each("quantile", "over", ("number", "share"), by="needed"),
    **_each("bins", "over", ("number", "whole"), "integer", by="needed", most=100),
    **_each("winsor trim", "over", ("number", "share", "?share"), by="all"),
    **_each("lag lead diff", "time", ("number", "?whole")),
    **_each("growth dlog cumulative", "time", NUMBER),
    **_each("moving_mean moving_sd", "time", ("number", "whole")),
    **_each("first last", "time", ("any",), "same"),
    **_each("first_year", "time", ("truth",), "integer"),
    **_each("since years_since", "year", NUMBER, "integer"),
    **_each("year_of month_of", "year", ("any",), "integer"),
    **_each("starts ends contains", "text", ("text", "chars"), "truth"),
    **_each("left right", "text", ("text", "whole"), "text"),
    **_each("pad", "text", ("text", "whole"), "text"),
    **_each("joined", "text", ("text", "text*"), "text"),
    **_each("number", "text", ("any",), "number"),
    **_each("text", "text", ("any",), "text"),
    **_each("header", "text", ("chars",), "same"),
    **_each("levels", "table", ("any",), "same"),
    **_each("event", "table", ("number", "number", "number"), "same"),
}
# Over rows where by= is given or there is one argument alone.
EITHER = {"min": Function("over", NUMBER, by="needed"), "max": Function("over", NUMBER, by="needed")}
# lag and lead carry texts and truths too.
CARRIES = ("lag", "lead")
