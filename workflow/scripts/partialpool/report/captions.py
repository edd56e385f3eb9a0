"""Captions: what a picture shows, and how to read it."""

from partialpool.report.results import Factor, Results
from partialpool.report.tables import role
from partialpool.report.text import a
from partialpool.report.words import MOVED

MANY = 40  # groups; of more, each is a point
CHECKED = 16  # groups whose mean is checked
VALUES = 40  # of a count, beyond which a curve is drawn in place of bars


def observed(results: Results) -> str:
    """What is seen of a group: the mean, the share or the rate of its responses."""
    outcome, y = results.outcome, results.model["response"]
    if outcome.family == "bernoulli":
        return f"share with {y} = 1"
    if outcome.trials:
        return f"{y} as a share of {outcome.trials}"
    if outcome.exposure:
        return f"{y} per unit of {outcome.exposure}"
    return f"mean {y}"


def data(results: Results, factor: Factor | None) -> str:
    """The response, by the groups of a factor."""
    if factor is None:
        numbers = [
            name
            for name, column in results.data["columns"].items()
            if column["type"] == "number" and role(results, name) == "predictor"
        ]
        if results.outcome.family != "bernoulli" or not numbers:
            return "The rows as they were read."
        return f"Ticks: the rows. Points: the {observed(results)} in each tenth of them."
    rate, unit = observed(results), factor.unit
    if len(factor.sizes) > MANY:
        count = "trials" if results.outcome.trials else "rows"
        return (
            f"Each {unit}: its {rate}, against its number of {count}. Small groups scatter most, "
            "whatever they are really like; the dashed line is that of all rows."
        )
    if results.outcome.errors and max(factor.sizes.values()) == 1:
        marks = "Lines: ± one standard error. "
    else:
        rows = "" if results.outcome.family == "bernoulli" else "Circles: rows. "
        marks = f"{rows}Orange bars: each group's own {rate}. "
    return f"By {unit}, the highest first. {marks}Dashed line: that of all rows."


def prior(results: Results) -> str:
    """Intervals of the prior predictive distribution."""
    if results.outcome.family == "bernoulli":
        said = (
            f"Bars hold 50, 80 and 95% of the {observed(results)} in tables drawn from the priors; "
            "the tick above them is the data's."
        )
    else:
        said = (
            "Bars hold 50, 80 and 95% of single observations drawn from the priors; each tick "
            "above them is a row of the data."
        )
    if results.fit("unpooled"):
        said += " The unpooled prior is wide on purpose, so that groups do not inform each other."
    return said


def shrinkage(results: Results, factor: Factor, percent: str) -> str:
    """How partial pooling moves the groups of a factor."""
    unit, many = factor.unit, len(factor.sizes) > MANY
    if not all(results.fit(variant) for variant in MOVED):
        some = f" {MANY} of {len(factor.sizes):,} groups." if many else ""
        pooled = " Dashed line and band: the pooled estimate." if results.fit("pooled") else ""
        middle = " Thin line: the mean that the hierarchical fit pulls towards."
        middle *= results.fit("hierarchical") is not None
        return f"Each {unit}, with {percent} intervals.{pooled}{middle}{some}"
    if many:
        return (
            f"Each point is {a(unit)}. Points on the dotted line are left where their own rows put "
            "them; points on a horizontal line are pulled all the way to the common estimate. "
            "Large groups stay near the dotted line. Small groups are pulled towards the middle, "
            "because their extremes are mostly chance; triangles at the edges are groups still "
            "further out. That is partial pooling."
        )
    pooled = "Dashed line and band: the pooled estimate, the same for all. "
    pooled *= results.fit("pooled") is not None
    return (
        f"Each arrow goes from what {a(unit)}'s own rows say (unpooled, circle) to what the "
        f"hierarchical fit says (diamond), with {percent} intervals. {pooled}Thin line: the mean "
        f"that the hierarchical fit pulls towards. The less {a(unit)}'s own rows say and the "
        "further out it lies, the more it is moved, and the shorter its interval becomes: it "
        "borrows from the others. That is partial pooling. Arrowheads at the edges: the interval "
        "goes on."
    )


def density(results: Results, percent: str) -> str:
    """Replicated data sets beside the data."""
    if results.outcome.family == "bernoulli":
        said = f"Colour: the {observed(results)} in replicated data sets; black line: in the data."
    elif _bars(results):
        said = (
            "Grey bars: how many rows of the data have each value; lines on them: how many "
            f"replicated data sets have, in {percent} of them, and dashes their mean."
        )
    else:
        said = "Thin lines: 40 replicated data sets; thick black line: the data."
    rows = results.data["rows_used"]
    if results.replicated < rows:
        said += f" Both are {results.replicated:,} of the {rows:,} rows, drawn at random."
    return said


def _bars(results: Results) -> bool:
    """Whether each value of a count has a bar."""
    outcome, columns = results.outcome, results.data["columns"]
    of_response = columns.get(results.model["response"])
    if results.link == "identity" or of_response is None:
        return False
    per = [columns[name] for name in (outcome.trials, outcome.exposure) if name]
    alike = all(column["min"] == column["max"] for column in per)
    return alike and of_response["max"] - of_response["min"] < VALUES


def groups(results: Results, factor: Factor, percent: str) -> str:
    """What each group is like, and what each variant replicates of it."""
    said = (
        f"Black bars: each {factor.unit}'s observed {observed(results)}. Intervals: where it lies "
        f"in {percent} of the data sets that each variant replicates. A bar outside an interval "
        f"is {a(factor.unit)} that the variant does not describe."
    )
    if len(factor.sizes) > CHECKED:
        said += (
            f" {CHECKED} of the {len(factor.sizes):,} groups: the largest, the smallest, and some "
            "between."
        )
    return said
