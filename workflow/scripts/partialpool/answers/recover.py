"""Recover: truth against estimate, for simulated studies."""

import pandas as pd


def recover(truth: dict[str, float], summaries: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Hold the estimates of every variant against the values the data came from.

    Parameters
    ----------
    truth : dict of str to float
        By the name of the scalar, as in the summary.
    summaries : dict of str to pandas.DataFrame
        By variant: `name, mean, lower, upper`.

    Returns
    -------
    pandas.DataFrame
        One row per variant and true value it estimates: `variant, name, truth,
        mean, lower, upper, covered`.
    """
    parts = []
    for variant, summary in summaries.items():
        part = summary.loc[summary["name"].isin(truth), ["name", "mean", "lower", "upper"]]
        part.insert(0, "variant", variant)
        part.insert(2, "truth", part["name"].map(truth))
        parts.append(part.assign(covered=part["truth"].between(part["lower"], part["upper"])))
    return pd.concat(parts, ignore_index=True)
