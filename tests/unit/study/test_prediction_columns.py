"""The columns of predictions and contrasts are those that are listed, in that order."""

import numpy as np
import pandas as pd
from predictions import FORMULA, GAUSSIAN, TABLE, contrasted, dataset, posterior, predicted

from partialpool.answers import contrasts, predict
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.study.prediction_columns import CONTRASTED, PREDICTED

ROWS = {"g": ["a", "b"], "x": [0.0, 1.0]}
OPTIONS = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 1}


def in_order(listed: tuple, tables: list[pd.DataFrame]) -> bool:
    """Whether every listed column is in a table, no other is, and their order is the same."""
    found = [[name for name in table if name not in ROWS] for table in tables]
    assert {*listed} == {name for names in found for name in names}
    return all(names == [name for name in listed if name in names] for names in found)


def test_predictions_and_contrasts_have_the_listed_columns():
    log = Formula("log(y) ~ x + (1 + x | g)").design(TABLE.assign(y=np.arange(1.0, 13)))
    line = dataset(beta=(["coefficient"], [0.1, 0.2]))
    rows, pair = pd.DataFrame(ROWS), [[1, 2]]
    bernoulli, population = Outcome("bernoulli"), Formula("y ~ x")
    assert in_order(
        PREDICTED,
        [
            predicted(posterior(), ROWS),
            predicted(line, ROWS, outcome=bernoulli, formula=population),
            predict.predict(posterior(), rows, log.for_rows(rows), GAUSSIAN, **OPTIONS),
        ],
    )
    assert in_order(
        CONTRASTED,
        [
            contrasted(posterior(), ROWS, pair, formula=FORMULA),
            contrasted(line, ROWS, pair, outcome=bernoulli, formula=population),
            contrasts.contrast(posterior(), rows, log.for_rows(rows), GAUSSIAN, pair, **OPTIONS),
        ],
    )
