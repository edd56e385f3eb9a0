"""Names of the streams of random numbers that follow from a study's seed.

A generator is seeded by `[seed, stream, ...]`, so that no two purposes share random numbers. The
draws of NUTS have seeds of their own, from the seed, the variant and the attempt: see
`engine.fit`.
"""

from enum import IntEnum, unique


@unique
class Stream(IntEnum):
    """What random numbers are for; a number that was once given is never given again."""

    NEW_OBSERVATIONS = 1  # noise of predicted responses
    NEW_GROUP_EFFECTS = 2  # deviations of groups that were not fitted
    PREDICTIVE_CHECKS = 3  # prior and posterior predictive replicates
    SUBSET_OF_ROWS = 4  # rows for predictive checks, cross-validation and figures
    NEW_GROUP_SIGMA = 5  # residual sd of groups that were not fitted
    DIAGNOSED_GROUPS = 6  # groups of very many whose R-hat and ESS are computed
    STARTING_POINTS = 7  # where chains start
    ROWS_FOR_DATA_REPORT = 8  # rows by which a data report judges how much counts vary
