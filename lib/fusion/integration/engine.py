"""Integration of firm-years in the engine: statements of DuckDB, in order.

Amounts in 万元. A firm-year's goods are its main code's class, or what revenue by class names; its services are its
lines of revenue by class, and what it tells without a class. Rows with several classes of goods or with contracts are
marked (``special``); `special` solves them.
"""

from __future__ import annotations

import ibis

from fusion.integration import sides

# What a source is asked for, with its type; what it lacks is NULL.
COLUMNS = {
    "class_version": "VARCHAR",
    "ind4": "VARCHAR",
    "path": "VARCHAR",
    "operating_revenue": "DOUBLE",
    "service_revenue": "DOUBLE",
    "service_rev_by_class": "VARCHAR",
    "goods_rev_by_class": "VARCHAR",
    "biz_activity_codes": "VARCHAR",
    "service_revenue_tied": "DOUBLE",
    "goods_placed": "DOUBLE",
    "contract_revenue": "DOUBLE",
    "contract_goods": "DOUBLE",
}


def asked(panel: ibis.Table) -> ibis.Table:
    """A panel's columns of `COLUMNS`; those that it lacks are NULL."""
    kinds = {"VARCHAR": "string", "DOUBLE": "float64"}
    columns = {
        name: panel[name].cast(kinds[kind]) if name in panel.columns else ibis.null(kinds[kind])
        for name, kind in COLUMNS.items()
    }
    return panel.select("firm_id", "year", **columns)


MACROS = (
    """CREATE OR REPLACE TEMP MACRO amounts_told(object) AS
    map_entries(CAST(CAST(object AS json) AS map(varchar, double)))""",
    *sides.MACROS,
    """CREATE OR REPLACE TEMP MACRO names_goods(list) AS
    regexp_matches(list, '(^|[^0-9])(1[3-9]|[23][0-9]|4[0-2])[0-9]{0,2}([^0-9]|$)')""",
    """CREATE OR REPLACE TEMP MACRO named_codes(list) AS
    list_filter(string_split_regex(list, '[^0-9]+'), x -> x <> '')""",
    # Sums of forms are rounded: within 0.1 or one per cent they agree.
    "CREATE OR REPLACE TEMP MACRO slack(x) AS greatest(0.1, 0.01 * x)",
)

# What a code makes is known once for every code of the tables; texts of lines are compared for other codes alone.
CLASSES = """
CREATE OR REPLACE TEMP TABLE _classes AS
SELECT code, is_goods(code) AS makes, is_rest(code) AS aside FROM (SELECT code FROM _cells UNION SELECT code FROM _goods)
"""

GIVEN = """
CREATE OR REPLACE TEMP TABLE _given AS
SELECT row_number() OVER () AS row, * FROM {source} WHERE operating_revenue > 0
"""

# Lines of revenue by class; goods may stand among services, and services among goods.
TOLD = """
CREATE OR REPLACE TEMP TABLE _told AS
SELECT row, line.key AS code, line.value AS amount, c.makes, c.aside, asked
FROM (
  SELECT row, unnest(amounts_told(service_rev_by_class)) AS line, 'services' AS asked FROM _given
    WHERE service_rev_by_class IS NOT NULL
  UNION ALL
  SELECT row, unnest(amounts_told(goods_rev_by_class)), 'goods' FROM _given WHERE goods_rev_by_class IS NOT NULL
) LEFT JOIN _classes AS c ON c.code = line.key WHERE line.value > 0
"""
UNKNOWN = "UPDATE _told SET makes = is_goods(code), aside = is_rest(code) WHERE makes IS NULL"

ROWS = """
CREATE OR REPLACE TEMP TABLE _rows AS
WITH served_by AS (
  SELECT row, sum(amount) AS by_class FROM _told WHERE NOT makes AND NOT aside GROUP BY row
), others AS (
  SELECT row, sum(amount) FILTER (makes) AS goods_told, sum(amount) FILTER (aside) AS aside,
    sum(amount) FILTER (asked = 'services') AS within, min(code) FILTER (makes) AS first, max(code) FILTER (makes) AS last
  FROM _told WHERE makes OR aside GROUP BY row
), summed AS (
  SELECT g.row, firm_id, year, class_version AS edition, ind4 AS main, path, operating_revenue AS revenue,
    service_revenue AS told, service_rev_by_class IS NOT NULL AS classes_asked,
    goods_rev_by_class IS NOT NULL AS goods_asked, biz_activity_codes AS named, service_revenue_tied AS tied,
    goods_placed AS placed, coalesce(contract_revenue, 0) AS contract, contract_goods, is_goods(ind4) AS maker,
    coalesce(by_class, 0) AS by_class, coalesce(goods_told, 0) AS goods_told, coalesce(aside, 0) AS aside, first, last,
    CASE WHEN service_revenue IS NOT NULL OR service_rev_by_class IS NOT NULL
      THEN greatest(coalesce(service_revenue - coalesce(within, 0), 0), coalesce(by_class, 0)) END AS services_all
  FROM _given AS g LEFT JOIN served_by USING (row) LEFT JOIN others USING (row)
), served AS (
  SELECT * EXCLUDE (services_all),
    CASE WHEN classes_asked AND services_all - by_class <= slack(services_all) THEN by_class
      ELSE services_all END AS services
  FROM summed
), whole AS (
  SELECT *, greatest(coalesce(services, 0) - by_class, 0) AS untold,
    greatest(revenue, coalesce(services, 0) + goods_told + aside + contract) AS volume
  FROM served
), left_over AS (
  SELECT *, volume - coalesce(services, 0) - goods_told - aside - contract AS residual FROM whole
), typed AS (
  SELECT *, residual > slack(volume) AS more,
    CASE WHEN maker AND (first IS NULL OR residual > slack(volume)) THEN main ELSE coalesce(first, '') END AS goods_code
  FROM left_over
)
SELECT t.* EXCLUDE (volume), volume + coalesce(placed, 0) AS volume,
  goods_told + coalesce(placed, 0) + CASE WHEN maker THEN residual ELSE 0 END AS goods_low,
  goods_told + coalesce(placed, 0) + CASE WHEN maker OR NOT goods_asked THEN residual ELSE 0 END AS goods_high,
  NOT maker AND more AND NOT goods_asked AND coalesce(names_goods(named), true) AS goods_open,
  maker AND placed IS NULL AND services > 0.9 * volume AS placed_open,
  contract > 0 OR coalesce(first <> last, false) OR coalesce(maker AND more AND first <> main, false) AS special,
  coalesce(g.type, unknown.type) AS type, coalesce(g.top, unknown.top) AS top
FROM typed AS t LEFT JOIN _goods AS g ON t.edition = g.edition AND t.goods_code = g.code
LEFT JOIN _goods AS unknown ON unknown.code = ''
  AND unknown.edition = CASE WHEN t.edition IN (SELECT edition FROM _goods) THEN t.edition ELSE '2017' END
"""

# Mean relatedness of what makers of a path that tell their classes sell: the point where classes are not told.
MEANS = """
CREATE OR REPLACE TEMP TABLE _means AS
SELECT path, grouping(path) = 1 AS every, sum(amount * r / volume) / sum(amount / volume) AS mean, count(DISTINCT row) AS n
FROM _rows JOIN _told USING (row) JOIN _cells USING (type, code)
WHERE classes_asked AND untold = 0 AND services <= goods_low AND kind = 'service'
GROUP BY GROUPING SETS ((path), ())
"""

# Those of an earlier panel; all paths together are called `total`.
KEPT_MEANS = """
CREATE OR REPLACE TEMP TABLE _means AS
SELECT nullif(path, 'total') AS path, coalesce(path = 'total', false) AS every, mean, CAST(n AS BIGINT) AS n FROM _kept_means
"""
MEANS_TOLD = (
    "SELECT CASE WHEN every THEN 'total' ELSE path END AS path, mean, n FROM _means ORDER BY every, path"
)

# Where classes are not told: services named among the activities, in equal parts; else the mean of the path. Who is asked for
# activities and names no service would gain by the mean if its services are less related than that: ranks take a lower
# value, and no less for who names services that are related less.
UNTOLD = """
CREATE OR REPLACE TEMP TABLE _untold AS
WITH named AS (
  SELECT row, code, untold / count(*) OVER (PARTITION BY row) AS amount, top,
    CASE WHEN avg(r) OVER (PARTITION BY row) < {withheld} THEN {withheld} ELSE r END AS r
  FROM (SELECT row, type, top, untold, unnest(list_distinct(named_codes(named))) AS code FROM _rows WHERE untold > 0)
  JOIN _cells USING (type, code) WHERE kind = 'service'
), silent AS (
  SELECT row, path, untold, top, year IN (SELECT year FROM _rows WHERE named <> '') AS asked
  FROM _rows WHERE untold > 0 AND row NOT IN (SELECT row FROM named)
)
SELECT row, code, amount, r, top FROM named
UNION ALL
SELECT row, '', untold, coalesce(CASE WHEN asked THEN {withheld} END, own.mean, every.mean, {default}), top FROM silent
LEFT JOIN (SELECT path, mean FROM _means WHERE NOT every AND n >= {least}) AS own USING (path)
LEFT JOIN (SELECT mean FROM _means WHERE every AND n >= {least}) AS every ON true
"""
# Ranks rest on what all are asked for. What only some tell could be left empty by those whom it lowers, so that it neither
# raises nor lowers a rank: tied shares; of makers, goods beside the main code's, products placed at customers (unless
# nearly all revenue is service, where goods are nothing without them), contracts that are not split.
RANKED = (
    "UPDATE _given SET service_revenue_tied = NULL",
    "UPDATE _given SET goods_rev_by_class = NULL WHERE is_goods(ind4)",
    "UPDATE _given SET contract_revenue = NULL WHERE is_goods(ind4) AND contract_goods IS NULL",
    """UPDATE _given SET goods_placed = NULL WHERE is_goods(ind4) AND row NOT IN (
    SELECT row FROM _rows WHERE services > 0.9 * (volume - coalesce(placed, 0)))""",
)
# On the common tier classes of services, too; goods that a services firm names among them stay.
RANKED_COMMON = """UPDATE _given SET service_rev_by_class = NULL WHERE service_revenue IS NOT NULL AND row NOT IN (
    SELECT row FROM _told WHERE makes AND asked = 'services' AND NOT is_goods(_given.ind4))"""
# On the best tier a rank asks for the classes of all services: without them there are bounds alone.
UNRANKED = "UPDATE _scored SET point = NULL WHERE services > 0 AND tier < 2"
# One tier for all: classes that only some tell are used for the means alone.
COMMON = (
    "DELETE FROM _told WHERE NOT makes AND NOT aside",
    "UPDATE _rows SET untold = coalesce(services, 0), classes_asked = false",
)

# Lines of services with their relatedness; what is told without a class is a line of its own.
LINES = """
CREATE OR REPLACE TEMP TABLE _lines AS
SELECT row, code, amount, coalesce(low, 0) AS low, coalesce(r, {default}) AS r, coalesce(high, top) AS high
FROM (SELECT row, type, top, code, amount FROM _told JOIN _rows USING (row) WHERE NOT makes AND NOT _told.aside)
LEFT JOIN _cells USING (type, code)
UNION ALL
SELECT row, code, amount, 0, r, top FROM _untold
"""

# Where services are less than goods allow, all are paired; else the most related first. Shares of the full mix m. What is
# known at least and at most is paired apart only where it differs.
SUMS = """
CREATE OR REPLACE TEMP TABLE _sums AS
SELECT row, sum(amount * low) AS low, sum(amount * r) AS r, sum(amount * high) AS high FROM _lines GROUP BY row
"""
SHORT = """
CREATE OR REPLACE TEMP TABLE _short AS
WITH beyond AS (
  SELECT row, l.amount, l.low, l.r, l.high, goods_low * {ratio} AS room, goods_high * {ratio} AS most
  FROM _lines AS l JOIN _rows USING (row) WHERE services > goods_low * {ratio}
), varied AS (
  SELECT row, bool_or(low <> r) AS lows, bool_or(high <> r OR most <> room) AS highs FROM beyond GROUP BY row
), versions AS (
  SELECT row, 'r' AS version, amount, r AS tied, room FROM beyond
  UNION ALL SELECT row, 'low', amount, low, room FROM beyond JOIN varied USING (row) WHERE lows
  UNION ALL SELECT row, 'high', amount, high, most FROM beyond JOIN varied USING (row) WHERE highs
), ordered AS (
  SELECT row, version, tied, amount, room - coalesce(sum(amount) OVER (
    PARTITION BY row, version ORDER BY tied DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS room
  FROM versions
), paired AS (
  SELECT row, version, sum(tied * least(amount, room)) FILTER (room > 0) AS paired FROM ordered GROUP BY row, version
)
SELECT row, CASE WHEN lows THEN l.paired ELSE r.paired END AS low, r.paired AS r,
  CASE WHEN highs THEN h.paired ELSE r.paired END AS high, true AS short
FROM varied JOIN (SELECT * FROM paired WHERE version = 'r') AS r USING (row)
LEFT JOIN (SELECT * FROM paired WHERE version = 'low') AS l USING (row)
LEFT JOIN (SELECT * FROM paired WHERE version = 'high') AS h USING (row)
"""

RESULT = """
WITH paired AS (
  SELECT row, CASE WHEN short THEN coalesce(o.low, 0) ELSE coalesce(s.low, 0) END AS low,
    CASE WHEN short THEN coalesce(o.r, 0) ELSE coalesce(s.r, 0) END AS r,
    CASE WHEN short THEN coalesce(o.high, 0) ELSE coalesce(s.high, 0) END AS high
  FROM _rows LEFT JOIN _sums AS s USING (row) LEFT JOIN _short AS o USING (row)
), scored AS (
  SELECT r.*, p.low AS p_low, p.r AS p_r, p.high AS p_high, CASE WHEN tied IS NOT NULL THEN 4 WHEN services IS NULL THEN 0
      WHEN untold = 0 AND classes_asked THEN 2 ELSE 1 END AS tier,
    CASE WHEN tied IS NOT NULL THEN least(tied, goods_low * {ratio}) END AS tied_paired
  FROM _rows AS r JOIN paired AS p USING (row)
)
SELECT row, firm_id, year, tier, volume, goods_low AS goods, services, special,
  CASE WHEN services IS NULL OR placed_open THEN 0 ELSE {scale} * coalesce(tied_paired, p_low) / volume END AS low,
  CASE WHEN services IS NULL OR placed_open OR goods_open THEN NULL
    ELSE {scale} * coalesce(tied_paired, p_r) / volume END AS point,
  CASE WHEN services IS NULL OR placed_open THEN top
    ELSE least({scale} * coalesce(tied_paired, p_high) / volume, top) END AS high
FROM scored
"""
