"""Names of a model's parameters in `posterior.nc`, and of their scalars in `summary.csv`.

Parameters of the response have names of their own, such as `sigma`: see
:mod:`partialpool.model.families`. Imported while the workflow is parsed, so nothing scientific is
imported here.
"""

OF_FACTOR = ("sd", "cor", "u", "coef", "nu")  # kinds of parameters that each factor has


def beta(column: str) -> str:
    """A population-level coefficient."""
    return f"beta[{column}]"


def sd(factor: str, column: str | None = None) -> str:
    """The between-group standard deviations of a factor, or the one of a varying column."""
    return f"sd_{factor}" if column is None else f"sd_{factor}[{column}]"


def cor(factor: str, first: str | None = None, second: str | None = None) -> str:
    """The correlations of a factor's varying columns, or the one of two of them."""
    return f"cor_{factor}" if first is None else f"cor_{factor}[{first}, {second}]"


def nu(factor: str) -> str:
    """The degrees of freedom of a factor's group effects."""
    return f"nu_{factor}"


def u(factor: str) -> str:
    """The group effects of a factor."""
    return f"u_{factor}"


def coef(factor: str, group: str, column: str) -> str:
    """A group's own coefficient of a varying column."""
    return f"coef_{factor}[{group}, {column}]"


def is_of(name: str, kind: str, factor: str) -> bool:
    """Whether a name is that of a factor's parameter of a kind, or of one of its scalars."""
    return name == f"{kind}_{factor}" or name.startswith(f"{kind}_{factor}[")
