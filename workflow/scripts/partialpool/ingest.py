"""The gate between a file and the model: one table, checked, or one sentence why not.

Real, simulated and new rows all pass here. Values are never changed, and rows are left out
only where the config says so: what is wrong is said with its column, row and value, rows
counted from 1 after the header. `table` reads the file, `data_report` says what was in it.
"""

import re

import numpy as np
import pandas as pd

from partialpool import data_report, families, names
from partialpool.errors import UserError
from partialpool.formula import HUGE, Design, Formula
from partialpool.grammar import listed, shown
from partialpool.study import Outcome
from partialpool.table import File

# Columns of the predictions, beside which those of the table stand.
PREDICTED = (
    *("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"),
    *("probability", "probability_lower", "probability_upper"),
    *("group_status", "predicted_for", "fit_passed", "note"),
)
LARGEST_COUNT = 1e15  # above, not every whole number is a float
LARGEST_OFFSET = 100  # on the scale of a logarithm
# Looks like a number to people: 1,5 or 1.234,5 or 12 % and so on.
_NEARLY_NUMBER = re.compile(r"\s*[-+]?\d[\d.,' ]*\s*%?\s*")


def ingest(
    path, formula: Formula, outcome: Outcome, *, missing: str = "error", key=(), source: str
) -> tuple[pd.DataFrame, dict]:
    """Read and check the columns a study uses.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8), Parquet, or a folder of Parquet parts.
    formula : Formula
    outcome : Outcome
        Its columns are read and checked too.
    missing : {"error", "drop"}
        What is done with rows that have gaps.
    key : sequence of str
        Columns whose values together are those of one row only.
    source : str
        What to call the file in messages and in the report.

    Returns
    -------
    table : pandas.DataFrame
        The columns of the formula and of the outcome. Grouping columns are text, as
        written; other columns are numbers or text.
    report : dict
        See `data_report.report`.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    names.check(formula, outcome)
    file = File(path, source)
    used = list(dict.fromkeys([*formula.variables, *outcome.columns.values()]))
    wanted = list(dict.fromkeys([*used, *key]))
    response = names.of_response(formula)
    text = {*formula.group_columns, *wanted[len(used) :]}
    found = file.read(wanted, text)
    if found.empty:
        raise file.fault("has no rows")
    for name in used:
        if name in PREDICTED and name not in response:
            raise file.fault(f"column {name!r} has the name of a result; rename it")
    numbers = {*formula.numbers, *outcome.columns.values()}
    whole = pd.DataFrame(
        {
            name: _column(
                file,
                found[name],
                number=name in numbers,
                label=name in text or name in formula.labels,
                response=name in response,
            )
            for name in wanted
        }
    )
    table, dropped = _without_gaps(file, whole, missing)
    _check_key(file, table, list(key))
    table = table[used]
    for name in formula.predictors:
        first = table[name].iloc[0]
        if (table[name] == first).all():
            raise file.fault(f"predictor {name!r} is {shown(first)} in every row; leave it out")
    _check_outcome(file, table, outcome)
    design = _evaluated(file, lambda: formula.design(table))
    for factor in design.factors:
        if len(factor.levels) < 2:
            raise file.fault(
                f"column {factor.name!r} has one group only, {shown(factor.levels[0])}; "
                "two are needed"
            )
    _check_response(file, table, design, outcome)
    described = data_report.report(table, whole, design, outcome, dropped, source)
    return table.reset_index(drop=True), described


def ingest_new(
    path, formula: Formula, outcome: Outcome, fitted: pd.DataFrame, *, source: str
) -> pd.DataFrame:
    """Read and check rows to predict.

    Parameters
    ----------
    path, formula, outcome, source
        As for `ingest`.
    fitted : pandas.DataFrame
        The table that is fitted: columns must have its types, predictors its labels.

    Returns
    -------
    pandas.DataFrame
        All columns of the file. Those that no prediction needs only label the rows, and
        are as written. Standard errors may be left out; weights are not needed.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    file = File(path, source)
    roles = {role: name for role, name in outcome.columns.items() if role != "weights"}
    needed = [*formula.predictors, *formula.group_columns]
    needed += [name for role, name in roles.items() if role != "standard errors"]
    needed = list(dict.fromkeys(needed))
    text = {name for name in needed if not pd.api.types.is_numeric_dtype(fitted[name])}
    rows = file.read(needed, text, others=True)
    if rows.empty:
        raise file.fault("has no rows")
    checked = {*needed, *roles.values()}
    for name in rows.columns:
        if name in PREDICTED:
            raise file.fault(f"column {name!r} has the name of a result; rename it")
        if name in checked:
            rows[name] = _column(file, rows[name], number=name not in text, label=name in text)
            _refuse_gaps(file, rows[name], "fill it in, or leave out the row")
    rows = rows.astype({name: _plain_type(rows[name]) for name in rows.columns if name in checked})
    _check_outcome(file, rows, outcome)
    _evaluated(file, lambda: formula.design(fitted).at(rows))
    return rows


def check_contrasts(contrasts, rows: int, source: str) -> None:
    """Check that contrasts are of rows that there are, before anything is sampled.

    Parameters
    ----------
    contrasts : sequence of (int, int)
        Row numbers, from 1.
    rows : int
        How many there are.
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


def _evaluated(file: File, design) -> Design:
    """Let the formula judge the table; its complaint names the file."""
    try:
        return design()
    except UserError as error:
        raise file.fault(str(error)) from None


def _column(
    file: File, values: pd.Series, *, number: bool, label: bool, response: bool = False
) -> pd.Series:
    """One column as numbers, or as labels, or as whichever it is; gaps stay gaps."""
    name = values.name
    if not pd.api.types.is_numeric_dtype(values):
        codes, labels = pd.factorize(values)  # there are fewer of them than rows

        def rows(flags: pd.Series) -> pd.Series:
            return flags.reindex(codes, fill_value=False).set_axis(values.index)

        labels = pd.Series(labels, dtype=str)
        blank = labels.str.strip().eq("")
        values = values.mask(rows(blank))
        null = labels.str.contains("\0", regex=False)
        if null.any():
            raise file.fault(f"column {name!r} has a NUL byte in row {_row(rows(null))}")
        if label or values.isna().all():
            return values
        known = labels[~blank]
        converted = pd.to_numeric(known, errors="coerce")
        odd = known[converted.isna()]
        wrong = rows(converted.isna())
        meant = number or (file.is_csv and wrong.sum() < values.count() / 2)
        if wrong.any() and (meant or _nearly_numbers(odd)):
            hint = _hint(name, odd, known, number, response)
            raise file.fault(
                f"column {name!r} must be numbers; row {_row(wrong)} is {shown(odd.iloc[0])}{hint}"
            )
        if wrong.any() or not (number or file.is_csv):
            return values
        converted = converted.astype("Int64" if converted.dtype == "int64" else float)
        values = converted.reindex(codes).set_axis(values.index)
    plain = values.to_numpy(dtype=float, na_value=np.nan)
    for wrong, what in ((np.isinf(plain), "infinite"), (np.abs(plain) >= HUGE, "too large")):
        if wrong.any():
            row = _row(pd.Series(wrong, values.index))
            size = f" ({plain[wrong][0]:g})" if what == "too large" else ""
            raise file.fault(f"column {name!r} is {what}{size} in row {row}")
    return values


def _nearly_numbers(text: pd.Series) -> bool:
    """Whether most of them look like numbers to people."""
    return sum(_NEARLY_NUMBER.fullmatch(label) is not None for label in text) > len(text) / 2


def _hint(name: str, odd: pd.Series, known: pd.Series, number: bool, response: bool) -> str:
    """What to do about text where numbers are needed."""
    if _NEARLY_NUMBER.fullmatch(odd.iloc[0]):
        hint = "; write decimals with a point, and no thousands separators or units"
    elif response and known.nunique() == 2:
        hint = f"; it is {listed(sorted(known.unique()))}: make it 0 and 1, for family bernoulli"
    else:
        hint = ""
    return hint if number else f"{hint}; if it is a set of labels, write C({name}) in the formula"


def _without_gaps(file: File, table: pd.DataFrame, missing: str) -> tuple[pd.DataFrame, dict]:
    """The rows without gaps, and how many were left out."""
    gaps = table.isna()
    by_column = {name: int(count) for name, count in gaps.sum().items() if count}
    for name in by_column:
        if gaps[name].all():
            raise file.fault(f"column {name!r} is empty")
        if missing == "error":
            _refuse_gaps(
                file, table[name], "fill them in, leave out such rows, or set `missing: drop`"
            )
    dropped = gaps.any(axis=1)
    if dropped.all():
        raise file.fault(f"no row is complete; columns {listed(by_column)} have missing values")
    table = table[~dropped]
    table = table.astype({name: _plain_type(table[name]) for name in table.columns})
    return table, {"total": int(dropped.sum()), "by_column": by_column}


def _refuse_gaps(file: File, values: pd.Series, remedy: str) -> None:
    gaps = values.isna()
    if gaps.any():
        many = f"{gaps.sum()} missing values, the first" if gaps.sum() > 1 else "a missing value"
        raise file.fault(f"column {values.name!r} has {many} in row {_row(gaps)}; {remedy}")


def _plain_type(values: pd.Series):
    """The type of a column once it has no gaps."""
    return np.dtype("int64") if values.dtype == pd.Int64Dtype() else values.dtype


def _check_key(file: File, table: pd.DataFrame, key: list[str]) -> None:
    again = table.duplicated(subset=key) if key else np.zeros(len(table), dtype=bool)
    if again.any():
        second = table[again].iloc[0]
        first = table[(table[key] == second[key]).all(axis=1)].iloc[0]
        named = ", ".join(f"{name} {shown(second[name])}" for name in key)
        raise file.fault(
            f"rows {first.name + 1} and {second.name + 1} have the same key: {named}; "
            "leave out one of them, or add to `key` what tells them apart"
        )


def _check_outcome(file: File, table: pd.DataFrame, outcome: Outcome) -> None:
    """Columns that say how the response comes about, where the table has them."""
    for role, name in outcome.columns.items():
        if name not in table:
            continue
        values = table[name]
        if role == "trials":
            wrong = (values < 1) | (values != np.floor(values)) | (values > LARGEST_COUNT)
            needs = "trials must be whole numbers, 1 or more"
        elif role == "offset":
            link = families.FAMILIES[outcome.family].link
            wrong = (values.abs() > LARGEST_OFFSET) & (link != "identity")
            needs = (
                f"an offset is added on the scale of the {link} and must be between "
                f"-{LARGEST_OFFSET} and {LARGEST_OFFSET} (what counts are proportional to is "
                "an `exposure`)"
            )
        else:
            wrong = values < 1 / HUGE
            needs = f"{role} must be over 0"
        if wrong.any():
            raise file.fault(
                f"{needs}; column {name!r} is {values[wrong].iloc[0]:g} in row {_row(wrong)}"
            )


def _check_response(file: File, table: pd.DataFrame, design: Design, outcome: Outcome) -> None:
    """Responses must be what the family can give."""
    y, family = design.y, outcome.family
    trials = table[outcome.trials].to_numpy(dtype=float) if outcome.trials else None
    wrong = families.outside(family, y, trials)
    if families.FAMILIES[family].discrete:
        wrong |= y > LARGEST_COUNT
    if wrong.any():
        at = np.flatnonzero(wrong)[0]
        of = f", of {trials[at]:g} trials," if trials is not None else ""
        raise file.fault(
            f"the response {design.formula.response!r} is {y[at]:.15g}{of} in row "
            f"{table.index[at] + 1}; family {family} takes {families.FAMILIES[family].support}"
            f"{_fitting(family, y)}"
        )
    # Of different numbers of trials, the same number of successes says something.
    if np.ptp(y) < 1 / HUGE and (trials is None or np.ptp(trials) == 0):
        raise file.fault(f"the response {design.formula.response!r} is {y[0]:g} in every row")


def _fitting(family: str, y: np.ndarray) -> str:
    """What would fit a response that the family cannot give."""
    values = np.unique(y)
    if family == "bernoulli" and len(values) == 2:
        return f"; make {values[0]:g} and {values[1]:g} 0 and 1"
    if not families.outside("poisson", y).any():
        return "; counts fit families poisson and negative_binomial"
    if family == "binomial" and (values >= 0).all() and (values <= 1).all():
        return "; give the number of successes, not their share"
    return "; other numbers fit families gaussian and student_t"


def _row(mask: pd.Series) -> int:
    """Number of the first row that is true, from 1, in the file."""
    return int(mask.index[np.flatnonzero(mask)[0]]) + 1
