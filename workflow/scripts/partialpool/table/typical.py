"""Typical values of predictors in each group: the mean, or the most frequent label."""

import numpy as np
import pandas as pd


class TypicalValues:
    """Typical value of predictors in each group, from batches of rows.

    For labels, and for numbers with two values in the whole table such as 0 and 1, it is the most
    frequent value, and of several the first in sorted order. For other numbers it is the mean.

    Parameters
    ----------
    names : iterable of str
        Columns of the table.
    labels : set of str
        Columns that are labels.
    groups : int
        Number of groups.
    """

    def __init__(self, names, labels: set[str], groups: int):
        self.names, self.labels = tuple(names), labels
        self.rows = np.zeros(groups)
        self.totals = {name: np.zeros(groups) for name in self.names if name not in labels}
        self.distinct: dict[str, np.ndarray] = {}  # values of each number, three at most
        self.counts: dict[str, pd.Series] = {}  # of each label in each group

    def add(self, table: pd.DataFrame, index: np.ndarray) -> None:
        """Add a batch of rows; `index` has the number of each row's group."""
        groups = len(self.rows)
        self.rows += np.bincount(index, minlength=groups)
        for name in self.names:
            if name in self.labels:
                codes, found = pd.factorize(table[name])
                pairs, counts = np.unique(index * len(found) + codes, return_counts=True)
                keys = [pairs // len(found), np.asarray(found)[pairs % len(found)]]
                known = [self.counts[name]] if name in self.counts else []
                together = pd.concat([*known, pd.Series(counts, index=keys)])
                self.counts[name] = together.groupby(level=[0, 1], sort=True).sum()
            else:
                values = table[name].to_numpy(dtype=float)
                self.totals[name] += np.bincount(index, weights=values, minlength=groups)
                known = self.distinct.get(name, np.unique(values[:100]))
                if len(known) < 3:
                    known = np.union1d(known, values[~np.isin(values, known)])[:3]
                self.distinct[name] = known

    def values(self) -> pd.DataFrame:
        """Typical values, shape `(group, predictor)`."""
        found = {}
        for name in self.names:
            if name in self.labels:
                often = self.counts[name].sort_values(ascending=False, kind="stable")
                first = often[~often.index.get_level_values(0).duplicated()]
                labels = first.index.get_level_values(1)
                found[name] = pd.Series(labels, index=first.index.get_level_values(0)).sort_index()
            else:
                mean, distinct = self.totals[name] / self.rows, self.distinct[name]
                # The sum of equal values, divided by their number, may differ from them.
                mean = np.array([float(f"{one:.15g}") for one in mean])
                if len(distinct) == 2:
                    mean = distinct[(mean - distinct[0] > distinct[1] - mean).astype(int)]
                found[name] = mean
        return pd.DataFrame(found, index=range(len(self.rows)))
