"""Read and check a table: the rows that a study uses, and a description of them.

Tables of users, simulated tables and rows to predict are all checked here. Values are never
changed, and rows are left out only if the config says so. Errors name column, row and value; rows
are counted from 1 after the header. The file is read in batches, and never held in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from partialpool.base import moments
from partialpool.base.errors import UserError, quoted, quoted_list
from partialpool.base.streams import Stream
from partialpool.design import reserved_names
from partialpool.design.design import HUGE, Design
from partialpool.design.formula import Formula
from partialpool.design.rank import check_rank
from partialpool.design.transforms import FittedTransforms
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.study.prediction_columns import PREDICTED
from partialpool.table import complete_rows, data_report, exact_fit, response
from partialpool.table.column_types import ColumnTypes, Roles
from partialpool.table.complete_rows import CompleteRows, as_text
from partialpool.table.reader import TableFile, TypesChanged
from partialpool.table.table_summary import TableSummary

OPTIONAL = ("standard errors", "precision weights")  # columns that rows to predict may lack
COUNTED = 100_000  # rows at most from which the variance of counts is estimated
SUBSET = 10_000  # rows at most for figures, predictive checks and comparisons


@dataclass(frozen=True)
class Ingested:
    """A table that was read and checked.

    Attributes
    ----------
    report : dict
        See `data_report.report`.
    learned : FittedTransforms
        Transforms of the formula, fitted to the whole table.
    subset : pandas.DataFrame
        All rows that are used, or a random `SUBSET` of them; the index is the number of each
        among the rows that are used, from 0.
    groups : pandas.DataFrame
        See `TableSummary.groups`.
    """

    report: dict
    learned: FittedTransforms
    subset: pd.DataFrame
    groups: pd.DataFrame


def ingest(
    path,
    formula: Formula,
    outcome: Outcome,
    *,
    to,
    missing: str = "error",
    key=(),
    source: str,
) -> Ingested:
    """Read and check the columns that a study uses, and write its complete rows.

    The file is read once, or again if the type of a column differs from that of its first rows;
    then the complete rows are read, twice or more.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8), Parquet, or a folder of Parquet parts.
    formula : Formula
    outcome : Outcome
        Its columns are read and checked, too.
    to : path-like
        Parquet file to be written, with the columns of the formula and of the outcome.
        Grouping columns are text, as written; other columns are numbers or text.
    missing : {"error", "drop"}
        Whether rows with missing values are an error or left out.
    key : sequence of str
        Columns whose values together identify a row.
    source : str
        Name of the file in messages and in the report.

    Returns
    -------
    Ingested

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    reserved_names.check(formula, outcome, families.parameter_names())
    file = TableFile(path, source)
    used = list(dict.fromkeys([*formula.variables, *outcome.columns.values()]))
    wanted = list(dict.fromkeys([*used, *key]))
    of_response = formula.response_columns
    text = {*formula.group_columns, *wanted[len(used) :]}
    roles = Roles(
        wanted,
        numbers={*formula.numbers, *outcome.columns.values()},
        labels={*text, *formula.labels} - ({*formula.grouping_predictors} - {*formula.labels}),
        response=of_response,
        text=text,
    )
    remedy = "fill them in, leave out such rows, or set `missing: drop`"
    columns = ColumnTypes(file, roles, remedy if missing == "error" else "")
    for name in used:
        if name in PREDICTED and name not in of_response:
            raise file.error(f"column {name!r} has the name of a result; rename it")
    while True:
        try:
            rows = _write_complete_rows(file, columns, formula, used, list(key), to)
            break
        except TypesChanged:
            columns.forget()
    learned = _evaluated(file, lambda: FittedTransforms.of(formula, rows.batches))
    design = _evaluated(file, lambda: learned.design)
    summary = _summarised(file, rows, design, outcome)

    def sample(most: int, purpose: Stream) -> pd.DataFrame:
        if rows.rows <= most:
            return complete_rows.chosen(to, np.arange(rows.rows))
        # Not from the config's seed, or a new seed would have the table read again.
        rng = np.random.default_rng([rows.rows, purpose])
        return complete_rows.chosen(to, np.sort(rng.choice(rows.rows, most, replace=False)))

    subset = sample(SUBSET, Stream.SUBSET_OF_ROWS)
    if families.family_of(outcome).estimates_sigma(outcome):
        _check_residuals(file, rows, subset, design, outcome)
    counted = sample(COUNTED, Stream.ROWS_FOR_DATA_REPORT) if summary.discrete else subset
    gaps = {name: count for name, count in columns.gaps.items() if count}
    report = data_report.report(
        summary,
        design,
        design.for_rows(counted, response=True),
        families.columns(counted, outcome),
        gaps,
        columns.rows,
        file.padded,
        source,
    )
    values = families.columns(subset, outcome)
    y = design.for_rows(subset, response=True).y - families.offset(values, len(subset))
    learned = replace(learned, location_scale=moments.robust(y, values.get("weights")))
    return Ingested(report, learned, subset, summary.groups(design))


def _write_complete_rows(
    file: TableFile, columns: ColumnTypes, formula: Formula, used: list, key: list, to
) -> CompleteRows:
    """Write the complete rows, and check each column by itself."""
    hashes, first, same = [], {}, set(formula.predictors)
    with CompleteRows(to) as rows:
        for batch in file.batches(columns.roles.wanted, columns.roles.text):
            checked = columns.check(batch)
            whole = checked.notna().all(axis=1).to_numpy()
            table = checked[whole]
            table = table.astype({name: _plain_type(table[name]) for name in table.columns})
            rows.add(table[used], checked.index[~whole].to_numpy())
            if key:
                hashes.append(pd.util.hash_pandas_object(table[key], index=False))
            for name in [*same] if len(table) else []:
                value = first.setdefault(name, table[name].iloc[0])
                if (table[name] != value).any():
                    same.remove(name)
    columns.finish()
    if not rows.rows:
        gaps = [name for name, count in columns.gaps.items() if count]
        raise file.error(f"no row is complete; columns {quoted_list(gaps)} have missing values")
    if key:
        _check_key(file, pd.concat(hashes), key)
    for name in formula.predictors:
        if name in same:
            value = quoted(first[name])
            raise file.error(f"predictor {name!r} is {value} in every row; leave it out")
    return rows


def _summarised(
    file: TableFile, rows: CompleteRows, design: Design, outcome: Outcome
) -> TableSummary:
    """Evaluate the design of all rows, and check it, the response and the outcome's columns."""
    summary, wrong = None, None
    for batch in rows.batches():
        response.check_columns(file, batch, outcome)
        here = _evaluated(file, lambda batch=batch: design.for_rows(batch, response=True))
        summary = summary or TableSummary(design, outcome, batch)
        summary.add(batch, here, families.columns(batch, outcome))
        wrong = wrong or response.first_wrong(file, batch, here, outcome)
    for (columns, _), triangle in zip(design.rank_blocks(), summary.triangles, strict=True):
        _evaluated(
            file, lambda c=columns, t=triangle: check_rank(design.formula, c, t, summary.rows)
        )
    for factor in design.factors:
        if len(factor.levels) < 2:
            raise file.error(
                f"column {factor.name!r} has one group only, {quoted(factor.levels[0])}; "
                "two are needed, so leave out the group term"
            )
    if wrong:
        raise wrong
    # With different numbers of trials, a constant number of successes is informative.
    if summary.greatest - summary.least < 1 / HUGE and len(summary.trials) < 2:
        name = design.formula.response
        raise file.error(f"the response {name!r} is {summary.least:g} in every row")
    return summary


def _check_residuals(
    file: TableFile, rows: CompleteRows, subset: pd.DataFrame, design: Design, outcome: Outcome
) -> None:
    """Refuse a table that the predictors fit exactly; `subset` are all of its rows, or a sample."""

    def of(tables):
        for table in tables:
            values = families.columns(table, outcome)
            here = design.for_rows(table, response=True)
            weights = values.get("weights", np.ones(len(table)))
            yield here, here.y - families.offset(values, len(table)), weights

    every = (lambda: of(rows.batches())) if len(subset) < rows.rows else None
    reason = exact_fit.exact_fit_reason(lambda: of([subset]), every, outcome)
    if reason:
        raise file.error(reason)


def ingest_new(path, learned: FittedTransforms, outcome: Outcome, *, source: str) -> pd.DataFrame:
    """Read and check rows to predict.

    Parameters
    ----------
    path, outcome, source
        As for `ingest`.
    learned : FittedTransforms
        Of the fitted table: columns must have its types, and predictors its labels.

    Returns
    -------
    pandas.DataFrame
        All columns of the file; a column that predictions do not need is as written. Standard
        errors and precision weights may be left out; weights are not needed.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    file, formula = TableFile(path, source), learned.formula
    roles = {role: name for role, name in outcome.columns.items() if role != "weights"}
    needed = [*formula.predictors, *formula.group_columns]
    needed += [name for role, name in roles.items() if role not in OPTIONAL]
    needed = list(dict.fromkeys(needed))
    text = {name for name in needed if learned.is_text(name)}
    rows = file.read(needed, text, others=True)
    for name in rows.columns:
        if name in PREDICTED:
            raise file.error(f"column {name!r} has the name of a result; rename it")
    checked = [name for name in rows.columns if name in {*needed, *roles.values()}]
    columns = ColumnTypes(
        file,
        Roles(checked, numbers={*checked} - text, labels=text, response=set(), text=text),
        "fill it in, or leave out the row",
    )
    for name, values in columns.check(rows).items():
        rows[name] = values
    columns.finish()
    rows = rows.astype({name: _plain_type(rows[name]) for name in checked})
    response.check_columns(file, rows, outcome)
    _evaluated(file, lambda: learned.design.for_rows(rows))
    return rows


def check_contrasts(contrasts, rows: int, source: str) -> None:
    """Check that the rows of contrasts exist, before anything is sampled.

    Parameters
    ----------
    contrasts : sequence of (int, int)
        Row numbers, from 1.
    rows : int
        Number of rows to predict.
    source : str
        Their file, for the message.

    Raises
    ------
    UserError
        For the first row beyond the last.
    """
    for pair in contrasts:
        if max(pair) > rows:
            raise UserError(
                f"{source}: `contrasts` has {list(pair)}, and there is no row {max(pair)}; "
                f"rows are numbered from 1 to {rows}"
            )


def _evaluated[T](file: TableFile, function: Callable[[], T]) -> T:
    """Call a function, and name the file in its errors about the formula."""
    try:
        return function()
    except UserError as error:
        raise file.error(str(error)) from None


def _plain_type(values: pd.Series):
    """The type of a column without missing values."""
    return np.dtype("int64") if values.dtype == pd.Int64Dtype() else values.dtype


def _check_key(file: TableFile, hashed: pd.Series, key: list[str]) -> None:
    """Refuse rows with the same key; `hashed` has a hash of each row's key."""
    again = hashed[hashed.isin(hashed[hashed.duplicated()])].index
    if again.empty:
        return
    # Different keys may have the same hash.
    found = pd.concat(
        as_text(batch[batch.index.isin(again)]) for batch in file.batches(key, {*key})
    )
    if not found.duplicated().any():
        return
    second = found[found.duplicated()].iloc[0]
    first = found[(found == second).all(axis=1)].iloc[0]
    named = ", ".join(f"{name} {quoted(second[name])}" for name in key)
    raise file.error(
        f"rows {first.name + 1} and {second.name + 1} have the same key: {named}; "
        "leave out one of them, or add to `key` what tells them apart"
    )
