"""Captions: what a picture shows, and how to read it."""

from partialpool.report import meaning
from partialpool.report.report_data import Factor, ReportData
from partialpool.report.text import a, listed, short

MANY = 40  # groups; of more, each is a point
CHECKED = 16  # groups whose mean is checked


def observed(results: ReportData) -> str:
    """What is seen of a group: the mean, the share or the rate of its responses."""
    outcome, y = results.outcome, results.model["response"]
    if results.family.binary:
        return f"share with {y} = 1"
    if outcome.trials:
        return f"{y} as a share of {outcome.trials}"
    if outcome.exposure:
        return f"{y} per unit of {outcome.exposure}"
    if outcome.precision_weights:
        return f"{outcome.precision_weights}-weighted mean {y}"
    return f"mean {y}"


def data(results: ReportData, factor: Factor | None, form: str) -> str:
    """The response, by the groups of a factor."""
    seen, count = observed(results), "trials" if results.outcome.trials else "rows"
    if factor is None:
        if form == "shares":
            return f"Ticks: the rows. Points: the {seen} in each tenth of them."
        return "The rows as they were read."
    unit = factor.unit
    match form:
        case "sizes":
            return (
                f"Each {unit}: its {seen}, against its number of {count}. Small groups scatter "
                "most, whatever they are really like; the dashed line is that of all rows."
            )
        case "histogram":
            return (
                f"How many groups have which {seen}; they are of equal size. The dashed line is "
                "that of all rows."
            )
        case "errors":
            marks = "Lines: ± one standard error. "
        case "bars":
            marks = f"Orange bars: each group's own {seen}. "
        case _:
            marks = f"Circles: rows. Orange bars: each group's own {seen}. "
    return f"By {unit}, the highest first. {marks}Dashed line: that of all rows."


def prior(results: ReportData) -> str:
    """Intervals of the prior predictive distribution."""
    if results.family.binary:
        said = (
            f"Bars hold 50, 80 and 95% of the {observed(results)} in tables drawn from the priors; "
            "the tick above them is the data's."
        )
    else:
        said = (
            "Bars hold 50, 80 and 95% of single observations drawn from the priors; each tick "
            "above them is a row of the data."
        )
        if results.replicated < results.data["rows_used"]:
            said += f" Ticks are of {results.replicated:,} rows, drawn at random."
    if results.fit("unpooled"):
        said += " The unpooled prior is wide on purpose, so that groups do not inform each other."
    return said


def shrinkage(results: ReportData, factor: Factor, column: str, form: str, percent: str) -> str:
    """How partial pooling moves the groups of a factor."""
    unit = factor.unit
    apart = meaning.pulled_apart(results, factor, column)
    if form in ("points", "distances"):
        axes, common = (
            "",
            "points on a horizontal line are pulled all the way to the common estimate",
        )
        if form == "distances":
            axes = (
                f"Both axes: how far its {meaning.quantity(results, column)} lies from what its "
                "predictors say in the hierarchical fit. "
            )
            common = "points on the horizontal line are pulled all the way to what predictors say"
        return (
            f"Each point is {a(unit)}. {axes}Points on the dotted line are left where their own "
            f"rows put them; {common}. Large groups stay near the dotted line. Small groups are "
            "pulled towards the middle, because their extremes are mostly chance; triangles at the "
            "edges are groups still further out. That is partial pooling."
        )
    lines = []
    if results.fit("pooled"):
        same = "" if apart else ", the same for all"
        lines.append(f"Dashed line and band: the pooled estimate{same}.")
    if results.fit("hierarchical"):
        lines.append("Thin line: what the hierarchical fit pulls towards.")
    if apart:
        lines.append(
            f"{'They follow' if len(lines) > 1 else 'It follows'} from each {unit}'s predictors."
        )
    lines = "".join(f"{line} " for line in lines)
    if form == "intervals":
        many = len(factor.sizes) > MANY
        some = f"{MANY} of {len(factor.sizes):,} groups." if many else ""
        return f"Each {unit}, with {percent} intervals. {lines}{some}".rstrip()
    return (
        f"Each arrow goes from what {a(unit)}'s own rows say (unpooled, circle) to what the "
        f"hierarchical fit says (diamond), with {percent} intervals. {lines}"
        f"The less {a(unit)}'s own rows say and the "
        "further out it lies, the more it is moved, and the shorter its interval becomes: it "
        "borrows from the others. That is partial pooling. Arrowheads at the edges: the interval "
        "goes on."
    )


def predictions(results: ReportData, held: dict[str, str]) -> str:
    """Which rows are predicted, and where their predictors are held fixed."""
    if results.study["new_data"]:
        return f"The rows of {results.study['new_data']}."
    own = "its"
    if results.factors:
        columns = dict.fromkeys(c for factor in results.factors for c in factor.columns)
        whole = (f.unit for f in results.factors if len(f.columns) == len(columns))
        every = f"combination of {listed(short(column, 40) for column in columns)}"
        own = f"each {next(whole, every)}'s own"
    fixed = {short(name, 40): f"{own} {what}" for name, what in held.items()}
    for role, name in results.outcome.columns.items():
        if role != "weights" and name in results.fits[0].predictions[0]:
            rounded = ", rounded" * (role == "trials")
            fixed.setdefault(short(name, 40), f"{own} mean{rounded}")
    said = "A grid over the data's own range."
    if fixed:
        said += f" Held fixed: {'; '.join(f'{name} at {what}' for name, what in fixed.items())}."
    return said


def density(results: ReportData, form: str, percent: str) -> str:
    """Replicated data sets beside the data."""
    if form == "shares":
        said = f"Colour: the {observed(results)} in replicated data sets; black line: in the data."
    elif form == "frequencies":
        said = (
            "Black points: how many rows of the data have each value. Bars: how many rows have it "
            f"in {percent} of the replicated data sets."
        )
    else:
        said = "Thin lines: 40 replicated data sets; thick black line: the data."
    rows = results.data["rows_used"]
    if results.replicated < rows:
        said += f" Both are {results.replicated:,} of the {rows:,} rows, drawn at random."
    return said


def groups(results: ReportData, factor: Factor, percent: str) -> str:
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
