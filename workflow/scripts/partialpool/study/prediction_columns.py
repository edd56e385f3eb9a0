"""Names of the columns of `predictions.csv` and `contrasts.csv`.

Those that predictions add to the rows are names that columns of a table cannot have.
"""

from partialpool.base.wording import wording

# Values of the column `predicted_for`, the groups that a row is predicted for, in words.
TARGETS = wording(
    {
        "group": "its own group",
        "new_group": "a new group",
        "average_group": "the average group",
    }
)


def _with_ends(name: str) -> tuple[str, str, str]:
    """A number, and the two ends of its interval."""
    return name, f"{name}_lower", f"{name}_upper"


PREDICTED_FOR, GROUP_STATUS, FIT_PASSED, MISSING_REASON, NOTE = (
    "predicted_for",
    "group_status",
    "fit_passed",
    "missing_reason",  # why numbers of a row are missing; empty where they are not
    "note",
)
MEAN, SD = "mean", "sd"  # of the expected response
MEAN_INTERVAL = (MEAN, "lower", "upper")
EXPECTED = (MEAN, SD, *MEAN_INTERVAL[1:])
PROBABILITY = _with_ends("probability")  # probability of a success in one trial
OUTCOME = ("outcome_lower", "outcome_upper")  # interval of a new observation
# Where the response is a function of a column that can be undone, on the column's own scale:
RESPONSE_MEDIAN = _with_ends("response_median")
RESPONSE_MEAN = _with_ends("response_mean")
RESPONSE_OUTCOME = ("response_outcome_lower", "response_outcome_upper")

# In the order of the file; not all are in all files.
PREDICTED = (
    PREDICTED_FOR,
    *(*EXPECTED, *PROBABILITY, *OUTCOME),
    *(*RESPONSE_MEDIAN, *RESPONSE_MEAN, *RESPONSE_OUTCOME),
    *(GROUP_STATUS, FIT_PASSED, MISSING_REASON, NOTE),
)

ROWS = ("first", "second")  # numbers of the two rows of a contrast
OVER_ZERO = "probability_over_zero"
RATIO = ("ratio_mean", "ratio_lower", "ratio_upper")
RATIO_OF = "ratio_of"  # the quantity of which it is the ratio, if that is a column
CONTRASTED = (*ROWS, PREDICTED_FOR, *EXPECTED, OVER_ZERO, *RATIO, RATIO_OF, MISSING_REASON, NOTE)
