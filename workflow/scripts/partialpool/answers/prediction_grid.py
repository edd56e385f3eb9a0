"""Rows to predict where the config gives none: each group over a range of one predictor."""

import numpy as np
import pandas as pd

from partialpool.design.design import Design
from partialpool.study.outcome import Outcome
from partialpool.table.table_summary import TYPICAL
from partialpool.table.typical import TypicalValues

POINTS, ROWS = 20, 20_000
FEW = 5  # a number with at most so many distinct values is predicted at each of them


def grid(rows: pd.DataFrame, design: Design, outcome: Outcome, groups: pd.DataFrame):
    """Make rows for each group, over its own range of one predictor.

    The predictor is the first one, varying by group if any does; the other predictors are held
    at what is typical of the group, see :class:`partialpool.table.typical.TypicalValues`, and the
    outcome's columns at the group's mean. With several factors a group is a combination of labels
    that occurs in the rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        The fitted table, or a random subset of it.
    design : Design
        Design of the fitted table.
    outcome : Outcome
    groups : pandas.DataFrame
        See `table_summary.TableSummary.groups`: the groups of the whole table, and their ranges.

    Returns
    -------
    pandas.DataFrame
        With the columns of groups, the predictors and the outcome's columns.
    """
    rows = rows.reset_index(drop=True)
    found, members, groups = _groups(rows, design, groups)
    points = max(2, min(POINTS, ROWS // len(found)))
    first, at = design.along, len(design.formula.group_columns)
    for name, values in _held(rows, design, members, groups).items():
        found.insert(at, name, values)
        at += 1
    for role, name in outcome.columns.items():
        if role != "weights" and name not in design.formula.predictors:
            values = rows[name].to_numpy(dtype=float)
            means = np.array(
                [values[of_group if len(of_group) else slice(None)].mean() for of_group in members]
            )
            found[name] = np.maximum(np.round(means), 1) if role == "trials" else means
    if first is None:
        return found
    number = pd.api.types.is_numeric_dtype(rows[first]) and first not in design.label_predictors
    if groups is None:
        along = [_range(rows[first].iloc[of_group], number, points) for of_group in members]
    else:
        typical = _of_type(groups[f"{TYPICAL}{first}"], rows[first])
        along = _ranges(rows[first], number, members, groups, typical, points)
    found = found.loc[np.repeat(found.index, [len(values) for values in along])]
    found = found.reset_index(drop=True)
    found.insert(len(design.formula.group_columns), first, np.concatenate(along))
    return found


def held(rows: pd.DataFrame, design: Design) -> dict[str, str]:
    """At which value of each group the other predictors are held, in words, by predictor."""
    labels, found = design.label_predictors, {}
    for name in design.held:
        number = pd.api.types.is_numeric_dtype(rows[name])
        mean = name not in labels and rows[name].nunique() != 2
        found[name] = "mean" if mean else f"most frequent {'value' if number else 'label'}"
    return found


def _groups(rows: pd.DataFrame, design: Design, groups: pd.DataFrame):
    """Labels of the groups, positions of each one's rows, and their table, if it has more rows."""
    columns = list(design.formula.group_columns)
    if not columns:
        return pd.DataFrame(index=[0]), [np.arange(len(rows))], None
    labels = rows[columns].astype(str)
    number = labels.groupby(columns, sort=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(number))[:-1])
    if len(columns) == 1 and groups["rows"].sum() > len(rows):
        by_label = {labels[columns[0]].iloc[at[0]]: at for at in members}
        found = pd.DataFrame({columns[0]: groups["group"]})
        return (
            found,
            [by_label.get(one, np.array([], dtype=int)) for one in groups["group"]],
            groups,
        )
    if len(columns) > 1 and len(members) > ROWS // 2:
        members = [members[at] for at in np.linspace(0, len(members) - 1, ROWS // 2).astype(int)]
    return labels.iloc[[at[0] for at in members]].reset_index(drop=True), members, None


def _held(rows: pd.DataFrame, design: Design, members: list, groups) -> pd.DataFrame:
    """Typical values, in each group, of the predictors that are held fixed."""
    labels = design.label_predictors
    if groups is None:
        index = np.repeat(np.arange(len(members)), [len(of_group) for of_group in members])
        typical = TypicalValues(design.held, labels, len(members))
        typical.add(rows.iloc[np.concatenate(members)], index)
        return typical.values()
    found = {}
    for name in design.held:
        typical = groups[f"{TYPICAL}{name}"]
        found[name] = _of_type(typical, rows[name] if name in labels else rows[name].astype(float))
    return pd.DataFrame(found, index=range(len(groups)))


def _of_type(typical: pd.Series, values: pd.Series) -> pd.Series:
    """Typical values, read as text, in the type of the predictor's values."""
    return typical.astype(values.dtype if pd.api.types.is_numeric_dtype(values) else str)


def _range(values: pd.Series, number: bool, points: int):
    """The distinct values where they are labels or few; else evenly spaced over the range."""
    distinct = np.sort(values.unique())
    if not number or len(distinct) <= min(points, FEW):
        return distinct
    return np.linspace(distinct[0], distinct[-1], points)


def _ranges(
    values: pd.Series, number: bool, members, groups, typical, points: int
) -> list[np.ndarray]:
    """Values of the predictor in each group, where the table has more rows than these.

    Numbers are between the group's least and greatest value; labels are those in the group's
    rows and its typical one, as there may be few of its rows or none.
    """
    if not number:
        labels = (pd.unique(values.iloc[at]) for at in members)
        return [np.union1d(found, [one]) for found, one in zip(labels, typical, strict=True)]
    ends = groups["least"].to_numpy(), groups["greatest"].to_numpy()
    if values.nunique() > min(points, FEW):
        return [np.unique(of_group) for of_group in np.linspace(*ends, points).T]
    distinct = _range(values, number, points)
    return [
        np.union1d(distinct[(distinct >= low) & (distinct <= high)], [low, high])
        for low, high in zip(*ends, strict=True)
    ]
