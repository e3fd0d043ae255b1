-- Functions that formulas of indicators.csv may use. Columns of objects hold JSON text, code: number.
CREATE OR REPLACE MACRO codes_of(list) AS
  list_filter(string_split_regex(list, '[^0-9A-Za-z]+'), x -> x <> '');
CREATE OR REPLACE MACRO entries_of(object) AS
  map_entries(cast(cast(object AS json) AS map(varchar, double)));
CREATE OR REPLACE MACRO amounts_of(object) AS
  list_transform(entries_of(object), x -> coalesce(x.value, 0));
-- Whether a breakdown adds up to its total: within 0.1 (rounding of forms in thousands) or one per cent.
CREATE OR REPLACE MACRO adds_up(object, total) AS
  abs(coalesce(list_sum(amounts_of(object)), 0) - total) <= greatest(0.1, 0.01 * total);
CREATE OR REPLACE MACRO entropy_of(object) AS
  list_sum(list_transform(amounts_of(object),
    x -> CASE WHEN x > 0 THEN x / list_sum(amounts_of(object)) * ln(list_sum(amounts_of(object)) / x) ELSE 0 END));
CREATE OR REPLACE MACRO sum_of_squares(object) AS
  list_sum(list_transform(amounts_of(object), x -> x * x));
-- Chance that two different ones of n differ: n / (n − 1) (1 − Σp²), which a small n does not pull down. None below two.
CREATE OR REPLACE MACRO unbiased(diversity, n) AS diversity * n / nullif(n - 1, 0);
