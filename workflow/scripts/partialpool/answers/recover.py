"""Recovery of the true values of a simulated study: are they inside the intervals?"""

import pandas as pd


def recover(truth: dict[str, float], summaries: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare the estimates of every variant with the values the data were simulated from.

    Parameters
    ----------
    truth : dict of str to float
        True values by the names of the scalars, as in the summary.
    summaries : dict of str to pandas.DataFrame
        By variant: `name, mean, lower, upper`.

    Returns
    -------
    pandas.DataFrame
        One row per variant and scalar with a true value: `variant, name, truth,
        mean, lower, upper, covered`.
    """
    parts = []
    for variant, summary in summaries.items():
        part = summary.loc[summary["name"].isin(truth), ["name", "mean", "lower", "upper"]]
        part.insert(0, "variant", variant)
        part.insert(2, "truth", part["name"].map(truth))
        parts.append(part.assign(covered=part["truth"].between(part["lower"], part["upper"])))
    return pd.concat(parts, ignore_index=True)
