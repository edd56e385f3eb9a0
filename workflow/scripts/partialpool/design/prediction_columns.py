"""Names of the columns that prediction adds to the rows."""


def _with_ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_lower", f"{name}_upper"


PREDICTED = (
    *("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"),
    *_with_ends("probability"),
    *_with_ends("response_median"),
    *_with_ends("response_mean"),
    *("response_outcome_lower", "response_outcome_upper"),
    *("group_status", "predicted_for", "fit_passed", "note"),
)
