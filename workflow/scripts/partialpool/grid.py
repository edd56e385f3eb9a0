"""Grid: rows to predict where the user gives none."""

import numpy as np
import pandas as pd

from partialpool.design import Design
from partialpool.study import Outcome

POINTS, ROWS = 20, 20_000
FEW = 5  # distinct values of a number at most that are each predicted at


def grid(rows: pd.DataFrame, design: Design, outcome: Outcome, groups: pd.DataFrame):
    """Each group, over its own range of one predictor.

    The predictor is the first one, varying by group if any does; the other predictors are at
    their mean or their commonest label, and the outcome's columns at the group's mean. With
    several factors a group is a combination that is among the rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        The fitted table, or a random subset of it.
    design : Design
        Of the fitted table.
    outcome : Outcome
    groups : pandas.DataFrame
        See `tally.Tally.groups`: the groups of the whole table, and their ranges.

    Returns
    -------
    pandas.DataFrame
        With the columns of groups, the predictors and the outcome's columns.
    """
    rows = rows.reset_index(drop=True)
    found, members, ranges = _groups(rows, design, groups)
    points = max(2, min(POINTS, ROWS // len(found)))
    first = design.along
    for role, name in outcome.columns.items():
        if role != "weights" and name not in design.formula.predictors:
            values = rows[name].to_numpy(dtype=float)
            means = np.array([values[own if len(own) else slice(None)].mean() for own in members])
            found[name] = np.maximum(np.round(means), 1) if role == "trials" else means
    if first is None:
        return found
    if ranges is None:
        along = [_range(rows[first].iloc[own], points) for own in members]
    else:
        along = _ranges(rows[first], ranges, points)
    found = found.loc[np.repeat(found.index, [len(values) for values in along])]
    found = found.reset_index(drop=True)
    at = len(design.formula.group_columns)
    found.insert(at, first, np.concatenate(along))
    for name in design.formula.predictors:
        if name != first and name not in found:
            at += 1
            found.insert(at, name, _typical(rows[name]))
    return found


def _groups(rows: pd.DataFrame, design: Design, groups: pd.DataFrame):
    """Labels of the groups, the positions of each one's rows, and ranges beyond these rows."""
    columns = list(design.formula.group_columns)
    if not columns:
        return pd.DataFrame(index=[0]), [np.arange(len(rows))], None
    labels = rows[columns].astype(str)
    number = labels.groupby(columns, sort=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(number))[:-1])
    if len(columns) == 1 and groups["rows"].sum() > len(rows):
        own = {labels[columns[0]].iloc[at[0]]: at for at in members}
        found = pd.DataFrame({columns[0]: groups["group"]})
        return found, [own.get(one, np.array([], dtype=int)) for one in groups["group"]], groups
    if len(columns) > 1 and len(members) > ROWS // 2:
        members = [members[at] for at in np.linspace(0, len(members) - 1, ROWS // 2).astype(int)]
    return labels.iloc[[at[0] for at in members]].reset_index(drop=True), members, None


def _typical(values: pd.Series):
    return values.mean() if pd.api.types.is_float_dtype(values) else values.mode().iloc[0]


def _range(values: pd.Series, points: int):
    """The distinct values where they are labels or few; else evenly spaced over the range."""
    distinct = np.sort(values.unique())
    if not pd.api.types.is_numeric_dtype(values) or len(distinct) <= min(points, FEW):
        return distinct
    return np.linspace(distinct[0], distinct[-1], points)


def _ranges(values: pd.Series, groups: pd.DataFrame, points: int) -> list[np.ndarray]:
    """Of every group, by its least and greatest value; or what is distinct among all rows."""
    distinct = _range(values, points)
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() <= min(points, FEW):
        return [distinct] * len(groups)
    return list(np.linspace(groups["least"], groups["greatest"], points).T)
