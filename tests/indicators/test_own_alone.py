"""A share of the division never stands as a firm's own, and composites read what they read before."""

import numpy as np
import pandas as pd

from fusion.indicators import measure


def test_a_constant_of_the_division_is_no_firms_own() -> None:
    table = pd.DataFrame(
        {"D4": [12.0, 15.4, np.nan, 15.4], "d4_from_io": [False, True, None, True], "C1": [1.0, 2, 3, 4]}
    )
    own = measure.own_alone(table)
    assert own["D4"].tolist()[0] == 12 and own["D4"].isna().tolist() == [False, True, True, True]
    pd.testing.assert_frame_equal(measure.filled(own), table)
    assert measure.own_alone(table[["C1"]]).equals(table[["C1"]])
    assert measure.filled(table).equals(table)
