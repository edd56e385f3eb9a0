"""The gate between a file and the model: one table, checked, or one sentence why not.

Real, simulated and new rows all pass here. Rows are never dropped or changed:
what is wrong is said with its column, row and value, rows counted from 1 after
the header.
"""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from partialpool.errors import UserError, nearest
from partialpool.formula import Design, Formula
from partialpool.grammar import listed, shown
from partialpool.study import error_column

MISSING = ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"]
FEW_GROUPS = 5  # fewer say little about how groups differ
# Names of dimensions and variables in the files of a fit, which a factor's would collide with.
RESERVED = {"beta", "chain", "coefficient", "draw", "sample", "sigma", "unit", "z"}
FAR = 10  # times its sd: a varying slope on such a predictor is tied to the varying intercept
PREDICTED = ("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper", "group_status")


def ingest(path, formula: Formula, sigma, *, source: str) -> tuple[pd.DataFrame, dict]:
    """Read and check the columns a study uses.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8), Parquet, or a folder of Parquet parts.
    formula : Formula
    sigma : str or float
        As in the config; a column of standard errors is read and checked too.
    source : str
        What to call the file in messages and in the report.

    Returns
    -------
    table : pandas.DataFrame
        The formula's columns, and that of the standard errors. The grouping
        factor is text, as written; other columns are numbers or text.
    report : dict
        `source`, `rows_read`, `rows_used`, `columns` (per column `type`, `missing`, and
        `min`, `max`, `mean`, `sd` or `levels` with their rows), `groups` (`factor`, `count`,
        `smallest`, `largest`, `single_row`; None without a factor), `warnings`.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    gate = _Gate(path, source)
    errors = error_column(sigma)
    if errors in (formula.response, formula.factor) and errors is not None:
        raise gate.fault(f"column {errors!r} cannot be the standard errors and something else too")
    wanted = list(dict.fromkeys([*formula.variables, *([errors] if errors else [])]))
    numbers = {*formula.numbers, *([errors] if errors else [])}
    text = {formula.factor} - {None}
    table = gate.read(wanted, text)
    if formula.factor and (formula.factor in RESERVED or "/" in formula.factor):
        raise gate.fault(
            f"the grouping factor cannot be called {formula.factor!r}: results have variables "
            "of that name; rename the column"
        )
    if table.empty:
        raise gate.fault("has no rows")
    for name in wanted:
        table[name] = gate.column(table[name], name in numbers, name in text | set(formula.labels))
    if errors:
        gate.positive(table[errors])
    for name in formula.predictors:
        first = table[name].iloc[0]
        if (table[name] == first).all():
            raise gate.fault(f"predictor {name!r} is {shown(first)} in every row; leave it out")
    if formula.factor and table[formula.factor].nunique() < 2:
        only = shown(table[formula.factor].iloc[0])
        raise gate.fault(f"column {formula.factor!r} has one group only, {only}; two are needed")
    design = gate.evaluate(lambda: formula.design(table))
    report = _report(table, formula, sigma, source)
    report["warnings"] += _far_from_zero(design)
    return table, report


def ingest_new(path, formula: Formula, sigma, fitted: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Read and check rows to predict.

    Parameters
    ----------
    path, formula, sigma, source
        As for `ingest`.
    fitted : pandas.DataFrame
        The table that is fitted: columns must have its types, predictors its labels.

    Returns
    -------
    pandas.DataFrame
        All columns of the file. Those that are not predictors, the factor or
        standard errors only label the rows, and are as written. Standard
        errors may be left out.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    gate = _Gate(path, source)
    needed = [*formula.predictors, *([formula.factor] if formula.factor else [])]
    text = {name for name in needed if not pd.api.types.is_numeric_dtype(fitted[name])}
    errors = error_column(sigma)
    rows = gate.read(needed, text, others=True)
    if rows.empty:
        raise gate.fault("has no rows")
    for name in rows.columns:
        if name in PREDICTED:
            raise gate.fault(f"column {name!r} has the name of a result; rename it")
        if name in needed or name == errors:
            rows[name] = gate.column(rows[name], name not in text, name in text)
    if errors in rows.columns:
        gate.positive(rows[errors])
    gate.evaluate(lambda: formula.design(fitted).at(rows))
    return rows


def standard_errors(table: pd.DataFrame, sigma) -> np.ndarray | None:
    """Known standard errors of a table's rows, shape `(row,)`; None where sigma is no column.

    Not a number where the rows, being new ones, have no such column.
    """
    column = error_column(sigma)
    if column is None:
        return None
    if column not in table:
        return np.full(len(table), np.nan)
    return table[column].to_numpy(dtype=float)


class _Gate:
    """One file, and the checks of its columns."""

    def __init__(self, path, source: str):
        self.path, self.source = Path(path), source
        self.is_csv = False

    def fault(self, message: str) -> UserError:
        return UserError(f"{self.source}: {message}")

    def evaluate(self, design) -> Design:
        """Let the formula judge the table; its complaint names this file."""
        try:
            return design()
        except UserError as error:
            raise self.fault(str(error)) from None

    def read(self, wanted: list[str], text: set[str], others: bool = False) -> pd.DataFrame:
        """The wanted columns, and the others on request; those in `text` as written."""
        path = self.path
        if not path.exists():
            near = nearest(path.name, (p.name for p in path.parent.glob("*")))
            raise self.fault(f"no such file or folder{near}")
        try:
            if path.is_dir():
                table = self._read_parts(wanted, others)
            elif path.suffix.lower() in (".parquet", ".pq"):
                table = self._read_parquet(path, wanted, others)
            elif path.name.lower().endswith((".csv", ".csv.gz")):
                self.is_csv = True
                table = self._read_csv(wanted, text, others)
            else:
                raise self.fault("is neither .csv nor .parquet, nor a folder of Parquet parts")
        except UnicodeDecodeError:
            raise self.fault("is not UTF-8; save it as UTF-8") from None
        except (pa.ArrowException, OSError, csv.Error) as problem:
            raise self.fault(f"cannot be read ({shown(problem)})") from None
        plain = {
            name: self._plain(name, table[name], name in text) if name in wanted else table[name]
            for name in table.column_names
        }
        return pa.table(plain).to_pandas()

    def _read_parts(self, wanted: list[str], others: bool) -> pa.Table:
        parts = sorted(p for p in self.path.rglob("*.parquet") if not p.name.startswith((".", "_")))
        if not parts:
            raise self.fault("is a folder without .parquet files")
        tables = [self._read_parquet(part, wanted, others) for part in parts]
        return pa.concat_tables(tables, promote_options="permissive")

    def _read_parquet(self, path: Path, wanted: list[str], others: bool) -> pa.Table:
        names = pa.parquet.read_schema(path).names
        where = "" if path == self.path else f" in {path.relative_to(self.path)}"
        self._check_names(names, wanted, where)
        return pa.parquet.ParquetFile(path).read(columns=None if others else wanted)

    def _read_csv(self, wanted: list[str], text: set[str], others: bool) -> pa.Table:
        with pa.input_stream(str(self.path), compression="detect") as stream:
            lines = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
            header, first = next(lines, None), next(lines, None)
        if header is None or first is None:
            raise self.fault("has no rows" if header else "is empty")
        if len(header) == 1 and (separator := next((s for s in ";\t" if s in header[0]), None)):
            raise self.fault(f"has its columns separated by {separator!r}; save it with commas")
        self._check_names(header, wanted)
        columns = list(dict.fromkeys(header)) if others else wanted
        as_written = [name for name in columns if name in text or name not in wanted]
        try:
            return self._parse_csv(columns, as_written)
        except pa.ArrowInvalid:
            # A type was guessed from the first rows and does not hold: read text, decide later.
            return self._parse_csv(columns, columns)

    def _parse_csv(self, columns: list[str], as_written: list[str]) -> pa.Table:
        return pa.csv.read_csv(
            self.path,
            parse_options=pa.csv.ParseOptions(newlines_in_values=as_written == columns),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(as_written, pa.string()),
                null_values=MISSING,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,  # so a label "NA" can be told from a gap
            ),
        )

    def _check_names(self, names: list[str], wanted: list[str], where: str = "") -> None:
        for name in wanted:
            if name not in names:
                hint = nearest(name, names) or f"; there are {listed(names)}"
                raise self.fault(f"no column {name!r}{where}{hint}")
            if names.count(name) > 1:
                raise self.fault(f"two columns are called {name!r}{where}")

    def _plain(self, name: str, column: pa.ChunkedArray, text: bool) -> pa.ChunkedArray:
        """int64, float64 or text, whatever the file has."""
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if text:
            if pa.types.is_floating(kind):
                column = pa.compute.if_else(pa.compute.is_nan(column), None, column)
            return column.cast(pa.string())
        if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
            return column.cast(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return column.cast(pa.float64())
        if pa.types.is_null(kind):
            return column.cast(pa.float64())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return column.cast(pa.string())
        if pa.types.is_temporal(kind):
            raise self.fault(f"column {name!r} holds dates; make them numbers, such as days")
        raise self.fault(f"column {name!r} is of type {kind}; it must be numbers or text")

    def column(self, values: pd.Series, number: bool, label: bool) -> pd.Series:
        """One column without gaps: numbers, or labels, or whichever it is."""
        name = values.name
        is_text = not pd.api.types.is_numeric_dtype(values)
        gaps = values.isna()
        if is_text:
            gaps |= values.str.strip().eq("").fillna(False)
        if gaps.any():
            many = (
                f"{gaps.sum()} missing values, the first" if gaps.sum() > 1 else "a missing value"
            )
            raise self.fault(
                f"column {name!r} has {many} in row {_first(gaps)}; "
                "fill in what is missing or leave out the row"
            )
        if is_text and not label and (number or self.is_csv):
            converted = pd.to_numeric(values, errors="coerce")
            wrong = converted.isna()
            if not wrong.any():
                values, is_text = converted, False
            elif number or wrong.mean() < 0.5:
                value, hint = shown(values[wrong].iloc[0]), ""
                if not number:
                    hint = f"; if it is a set of labels, write C({name}) in the formula"
                raise self.fault(
                    f"column {name!r} must be numbers; row {_first(wrong)} is {value}{hint}"
                )
        if not is_text:
            infinite = ~np.isfinite(values)
            if infinite.any():
                raise self.fault(f"column {name!r} is infinite in row {_first(infinite)}")
        return values

    def positive(self, errors: pd.Series) -> None:
        wrong = errors <= 0
        if wrong.any():
            raise self.fault(
                f"standard errors must be over 0; column {errors.name!r} is "
                f"{errors[wrong].iloc[0]:g} in row {_first(wrong)}"
            )


def _first(mask: pd.Series) -> int:
    """Number of the first row that is true, from 1."""
    return int(np.flatnonzero(mask)[0]) + 1


def _report(table: pd.DataFrame, formula: Formula, sigma, source: str) -> dict:
    """What was read, in plain values; see `ingest`."""
    columns = {}
    for name, values in table.items():
        if pd.api.types.is_numeric_dtype(values):
            described = {
                "min": float(values.min()),
                "max": float(values.max()),
                "mean": float(values.mean()),
                "sd": float(values.std()),
            }
            columns[name] = {"type": "number", "missing": 0, **described}
        else:
            levels = values.value_counts().sort_index()
            counts = {str(level): int(count) for level, count in levels.items()}
            columns[name] = {"type": "text", "missing": 0, "levels": counts}
    groups = None
    if formula.factor:
        sizes = columns[formula.factor]["levels"].values()
        groups = {
            "factor": formula.factor,
            "count": len(sizes),
            "smallest": min(sizes),
            "largest": max(sizes),
            "single_row": sum(size == 1 for size in sizes),
        }
    return {
        "source": source,
        "rows_read": len(table),
        "rows_used": len(table),
        "columns": columns,
        "groups": groups,
        "warnings": _warnings(columns, groups, sigma, len(table)),
    }


def _warnings(columns: dict, groups: dict | None, sigma, rows: int) -> list[str]:
    """Sentences about what is allowed, but worth knowing."""
    said = []
    for name, described in columns.items():
        levels = described.get("levels", {})
        alike: dict[str, list[str]] = {}
        for level in levels:
            alike.setdefault(" ".join(level.split()).casefold(), []).append(level)
        for same in (labels for labels in alike.values() if len(labels) > 1):
            said.append(f"Column {name!r} has labels that differ only in case or spaces: {same}.")
        is_factor = groups is not None and name == groups["factor"]
        if not is_factor and len(levels) > rows / 2:
            said.append(f"Column {name!r} has {len(levels)} labels in {rows} rows.")
    if groups is None:
        return said
    count, single = groups["count"], groups["single_row"]
    if count < FEW_GROUPS:
        said.append(
            f"There are only {count} groups, so how much groups differ rests largely on its prior."
        )
    if single and sigma == "by_group":
        said.append(f"{single} of {count} groups have one row: their sigma rests on its prior.")
    elif single == count and sigma == "estimated":
        said.append(
            "Every group has one row, so differences between groups and noise within them "
            "cannot be told apart."
        )
    elif single and sigma == "estimated":
        said.append(f"{single} of {count} groups have one row.")
    return said


def _far_from_zero(design: Design) -> list[str]:
    """Warnings of slopes that vary together with an intercept far outside the data."""
    if "Intercept" not in design.varying:
        return []
    said = []
    for name, values in zip(design.varying, design.matrix.T, strict=False):
        away = abs(values.mean()) / values.std() if name != "Intercept" else 0
        if away > FAR:
            said.append(
                f"The slope of {name!r} varies by group, and its mean is {away:.0f} times its sd "
                "from zero, where intercepts are: sampling will be slow, and the intercepts say "
                f"little. Write center({name}) in the formula."
            )
    return said
