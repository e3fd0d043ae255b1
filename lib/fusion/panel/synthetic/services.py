"""Service revenue and its parts, service staff and establishments, business activities."""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.firms import Floats, Ints
from fusion.panel.synthetic.rows import Rows, money
from fusion.panel.synthetic.tables import EDITION_2017

Columns = dict[str, np.ndarray]
PARTS = np.array([0.6, 0.3, 0.1])  # of a firm's first, second and third service class


def services(rows: Rows) -> Columns:
    """Service revenue reported (the unreported part is gone from it and from all its parts) and what goes with it."""
    told = 1 - rows.s.settings.underreporting
    revenue = money(rows.share * rows.revenue * told)
    outside = np.clip(0.65 + 0.2 * rows.firm_normal("third parties"), 0, 1)
    away = np.clip(0.40 + 0.2 * rows.firm_normal("other places"), 0, 1)
    abroad = np.where(rows.firm_uniform("services abroad") < 0.3, 0.15 * rows.firm_uniform("abroad"), 0)
    staff = np.minimum(1.1 * rows.share * np.exp(0.25 * rows.firm_normal("service staff")), 0.95)
    number = 1 + np.floor(np.exp(0.45 * (np.log(rows.employees) - 4.5)) * 1.5 * rows.firm_uniform("units"))
    serving = np.rint(number * np.minimum(1.5 * rows.share + 0.15 * rows.firm_uniform("service units"), 1))
    serving = np.where(
        rows.share > 0, np.minimum(serving, np.where(rows.manufacturer, number - 1, number)), 0
    )
    technical = 0.5 * rows.firm_uniform("technical") * rows.share
    platform = (rows.firm_uniform("platform") < 0.08) & (rows.share > 0.08)
    users = np.round(np.exp(7 + 1.5 * rows.firm_normal("users") + 0.1 * (rows.calendar - 2017)))
    return {
        "service_revenue": revenue,
        "service_revenue_external": money(outside * revenue),
        "service_revenue_nonlocal": money(away * revenue),
        "service_exports": money(abroad * revenue),
        "service_staff": np.round(staff * rows.employees),
        "n_establishments": number.astype(np.int64),
        "n_serv_establishments": serving.astype(np.int64),
        "tech_revenue": money(technical * rows.revenue * told),
        "platform_users": np.where(platform, users, 0.0),
    }


def classes(rows: Rows) -> Ints:
    """The firm's three service classes as row numbers of ``service_classes.csv``, shape (N, 3), all different."""
    s = rows.s
    weight = s.tables.service_classes[s.tables.paths["path"].tolist()].to_numpy(dtype=float)
    # Largest of log weight + Gumbel: draws without replacement with these weights (Gumbel-max).
    with np.errstate(divide="ignore"):
        score = np.log(weight).T[s.firms.path]
    score = score + s.streams("service classes").gumbel(size=score.shape)
    return np.argsort(-score, axis=1, kind="stable")[:, :3]


def class_counts(rows: Rows) -> Ints:
    """Number of service classes with revenue, 0 to 3: more with a larger share."""
    share = rows.share
    return (share > 0).astype(np.int64) + (share > 0.06) + (share > 0.15)


def edition_codes(rows: Rows) -> np.ndarray:
    """Codes of ``service_classes.csv`` in both editions, shape (2, classes): row 0 = 2011, row 1 = 2017."""
    known = rows.s.tables
    return np.array([known.service_2011, known.service_classes["code_2017"].tolist()])


def by_class(rows: Rows, revenue: Floats, wanted: np.ndarray) -> list[str | None]:
    """JSON text code → 万元 where `wanted`; its sum is the service revenue, codes in the edition of the year."""
    at = np.flatnonzero(wanted)
    code = edition_codes(rows)[
        (rows.calendar[at] >= EDITION_2017).astype(int)[:, None], classes(rows)[rows.firm[at]]
    ]
    count = class_counts(rows)[at]
    share = PARTS[None, :] * (np.arange(3)[None, :] < count[:, None])
    part = money(share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9) * revenue[at, None])
    part[:, 0] = np.where(count > 0, money(revenue[at] - part[:, 1:].sum(axis=1)), 0)
    out: list[str | None] = [None] * len(rows)
    lines = zip(at.tolist(), code.tolist(), part.tolist(), count.tolist(), strict=True)
    for row, codes, amounts, n in lines:
        out[row] = "{" + ", ".join(f'"{codes[k]}": {amounts[k]}' for k in range(n)) + "}"
    return out


def activities(rows: Rows, main: np.ndarray) -> np.ndarray:
    """Codes of up to three business activities, joined by ``|``: the main code, goods of service firms, service classes."""
    late = (rows.calendar >= EDITION_2017).astype(int)
    names = edition_codes(rows).astype(object)
    mine = classes(rows)[rows.firm]
    count = class_counts(rows)
    out, goods = main.astype(object), goods_made(rows)[rows.firm]
    makes = goods != ""
    out[makes] = out[makes] + "|" + goods[makes]
    for k in range(2):
        extra = names[late, mine[:, k]]
        more = (count > k) & (extra != main) & ~(makes & (k > 0))
        out[more] = out[more] + "|" + extra[more]
    return out


def goods_made(rows: Rows) -> np.ndarray:
    """Class of goods that each service firm makes besides; empty for those that make none, and for makers of goods."""
    s = rows.s
    known = s.tables.service_goods.set_index("code_2017")["code_goods"]
    served = s.tables.paths["path"].to_numpy()[s.firms.path] == "service"
    does = s.streams("goods of service firms").random(s.settings.firms) < s.tables.value["service_makers"]
    main = s.tables.codes["code_2017"].iloc[s.firms.code]
    return np.where(served & does, main.map(known).fillna("").to_numpy(dtype=object), "").astype(object)


def goods_by_class(rows: Rows, revenue: Floats, wanted: np.ndarray) -> list[str | None]:
    """JSON text code → 万元 of service firms that make goods, where `wanted`; others are not asked for classes of goods."""
    code, amount = goods_made(rows)[rows.firm], money(np.maximum(revenue, 0))
    told = wanted & (code != "")
    return [f'{{"{c}": {a}}}' if t else None for c, a, t in zip(code, amount.tolist(), told, strict=True)]
