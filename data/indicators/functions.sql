-- Functions that formulas of indicators.csv may use, over columns that hold JSON objects of code: number.
CREATE OR REPLACE MACRO amounts_of(object) AS
  list_transform(map_values(cast(cast(object AS json) AS map(varchar, double))), x -> coalesce(x, 0));
CREATE OR REPLACE MACRO revenue_in(object, pattern) AS
  CASE WHEN object IS NULL THEN NULL ELSE coalesce(list_sum(list_transform(
    map_entries(cast(cast(object AS json) AS map(varchar, double))),
    e -> CASE WHEN regexp_matches(e.key, pattern) THEN coalesce(e.value, 0) ELSE 0 END)), 0) END;
CREATE OR REPLACE MACRO entropy_of(object) AS
  list_sum(list_transform(amounts_of(object),
    x -> CASE WHEN x > 0 THEN x / list_sum(amounts_of(object)) * ln(list_sum(amounts_of(object)) / x) ELSE 0 END));
CREATE OR REPLACE MACRO sum_of_squares(object) AS
  list_sum(list_transform(amounts_of(object), x -> x * x));
