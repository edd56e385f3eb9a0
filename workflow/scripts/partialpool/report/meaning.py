"""Sentences that explain a study's model: the response, the variants, the groups."""

import math

from partialpool.base.text import a, join_words, number, truncate
from partialpool.model import parameter_names
from partialpool.report.report_data import FactorSummary, ReportData, value


def response(results: ReportData) -> list[str]:
    """The distribution of the response, and the effect of its columns such as weights."""
    outcome, y = results.outcome, results.model["response"]
    words = results.family.words
    sentences = [words.response.format(y=y, trials=outcome.trials)]
    if results.family.has_sigma:
        sentences.append(_sigma(results))
    if words.scale:
        rate = f"the rate per unit of {outcome.exposure}"
        sentences.append(words.scale.format(expected=rate if outcome.exposure else words.symbol))
    if outcome.exposure:
        sentences.append(f"Twice the {outcome.exposure}, twice the expected {y}.")
    if outcome.offset:
        sentences.append(f"{outcome.offset} is added as it is, its coefficient being one.")
    if outcome.weights:
        sentences.append(f"A row counts as often as its {outcome.weights} says.")
    if outcome.precision_weights:
        sentences.append(
            f"The {words.sigma_squared} of a row is σ² / {outcome.precision_weights}, as of a mean "
            f"of that many values, of which σ is the {words.sigma}."
        )
    if results.study["group_effects"] == "student_t" and results.factors:
        sentences.append(
            "Deviations of groups are Student-t, which allows a few groups far from the others; "
            "the smaller ν, the further."
        )
    return sentences


def _sigma(results: ReportData) -> str:
    """How the residual standard deviation is modelled."""
    outcome, y = results.outcome, results.model["response"]
    what = results.family.words.sigma
    if outcome.precision_weights:
        y = f"a {y} of weight one"
    if outcome.sigma == "estimated":
        return f"σ, the {what} of {y} around its expected value, is estimated."
    if outcome.sigma_by_group:
        own = f"Each {results.factors[0].unit} has its own {what} σ around its expected value"
        if not outcome.has_hierarchical_sigma:
            return f"{own}."
        return (
            f"{own}. σ (median) is their median and τ (log σ) the standard deviation of their "
            "logs: zero in a pooled fit, fixed and wide in an unpooled one, learned in a "
            "hierarchical one."
        )
    if outcome.errors:
        return f"The standard error of each row is known: column {outcome.errors}."
    return f"The {what} around the expected value is known: {number(outcome.sigma)}."


def linked(results: ReportData) -> str:
    """Name of the inverse link of the linear predictor: "mean", "probability", "rate"."""
    words = results.family.words
    return (
        words.expected_per_exposure if results.outcome.exposure else words.linked or words.expected
    )


def quantity(results: ReportData, column: str) -> str:
    """What is shown of each group of a varying column: the expected response, or a coefficient."""
    outcome, y = results.outcome, truncate(results.model["response"], 32)
    if column != "Intercept":
        return f"coefficient of {truncate(column, 40)}{results.link.coefficient_scale}"
    if results.family.binary:
        return f"probability of {y} = 1"
    if outcome.trials:
        return f"probability ({y} of {truncate(outcome.trials, 32)})"
    per = f" per unit of {truncate(outcome.exposure, 32)}" if outcome.exposure else ""
    return f"expected {y}{per}"


def has_predictors(results: ReportData) -> bool:
    """Whether the model has population-level or varying coefficients besides intercepts."""
    every = [results.model["coefficients"], *(factor.varying for factor in results.factors)]
    return any({*names} != {"Intercept"} for names in every)


def pulled_apart(results: ReportData, factor: FactorSummary, column: str) -> bool:
    """Whether groups are pulled towards different values, by their predictors."""
    if (fit := results.fit("hierarchical") or results.fit("pooled")) is None:
        return False
    towards = [value(row, "population") for row in fit.groups[factor.name, column].values()]
    return max(towards) - min(towards) > 1e-9 * max(map(abs, towards))


def of_groups(results: ReportData, factor: FactorSummary, column: str) -> str:
    """The quantity in which groups of a factor are compared, and the fits that do not have it."""
    sentences, unit, several = [], factor.unit, len(results.factors) > 1
    if column == "Intercept" and has_predictors(results):
        sentences.append(
            f"The {quantity(results, column)} of each {unit} at its own average predictors. Its "
            "intercept, in summary.csv, is its value where all predictors are zero or at their "
            "reference."
        )
    if column == "Intercept" and results.outcome.offset:
        sentences.append(f"{results.outcome.offset} is at its mean over all rows.")
    if column != "Intercept" and pulled_apart(results, factor, column):
        sentences.append(
            f"It is at each {unit}'s own value of the predictors that interact with it."
        )
    if several:
        sentences.append("The other grouping factors are at their average.")
    unpooled = results.fit("unpooled")
    if unpooled is None:
        return " ".join(sentences)
    empty = sum(not row["mean"] for row in unpooled.groups[factor.name, column].values())
    if several:
        sentences.append(
            f"The unpooled fit is left out: with several factors, the rows of {a(unit)} do not say "
            "which of them a difference is due to."
        )
    elif empty:
        sentences.append(
            f"In {empty:,} of {len(factor.sizes):,} groups the {unit}'s own rows do not determine "
            "it, so the unpooled fit cannot estimate it."
        )
    return " ".join(sentences)


def far_from_zero(results: ReportData) -> str | None:
    """Advice to center predictors that are far from zero, where intercepts hold."""
    columns, names = results.data["columns"], results.model["coefficients"]
    varying = {name for factor in results.factors for name in factor.varying}
    far = []
    for name in dict.fromkeys([*names, *varying]):
        ends = columns.get(name, {})
        if "min" in ends and max(ends["min"], -ends["max"]) > ends["max"] - ends["min"] > 0:
            far.append(name)
    intercept = ["The Intercept"] if "Intercept" in names else []
    own = (f.name for f in results.factors if "Intercept" in f.varying and {*far} & {*f.varying})
    intercept += [parameter_names.sd(name, "Intercept") for name in own]
    if not (far and intercept):
        return None
    listing, many = join_words(truncate(name, 40) for name in far), len(far) > 1
    subject = join_words(truncate(name, 60) for name in intercept)
    centred = join_words(f"center({truncate(name, 40)})" for name in far)
    return (
        f"{subject} hold{'s' * (len(intercept) == 1)} where {listing} "
        f"{'are' if many else 'is'} 0, far outside the data. Write {centred} in the formula, and "
        f"{'it holds' if len(intercept) == 1 else 'they hold'} at the average."
    )


def ratio(results: ReportData) -> str | None:
    """How to read exponentials of coefficients; None with the identity link."""
    if not results.link.has_ratio:
        return None
    what = results.family.words.multiplied or linked(results)
    group = " in the average group" if results.factors else ""
    intercept = f"The Intercept is shown as the {linked(results)}{group}"
    if results.model["coefficients"] == ["Intercept"]:
        return f"{intercept}."
    return (
        "Coefficients as ratios: what one more of a predictor, or a label in place of the "
        f"reference, multiplies the {what} by. 1 changes nothing, 2 doubles. {intercept}, where "
        "all predictors are zero or at their reference."
    )


def pooling(results: ReportData) -> dict[str, str]:
    """The assumptions of each variant about the groups, in a sentence or two."""
    factors, y = results.factors, results.model["response"]
    varying = {("Intercept",), *(factor.varying for factor in factors)}
    only = results.model["coefficients"] == ["Intercept"] and len(varying) == 1
    one = linked(results) if only else "set of coefficients"
    own = one if only else "intercept" if len(varying) == 1 else "coefficients"
    units = join_words(factor.unit for factor in factors)
    wide = "; ".join(_wide(results, factor) for factor in factors)
    if not factors:
        sentences = {"pooled": f"One model of {y} for all rows."}
    elif len(factors) == 1:
        sentences = {
            "pooled": f"One {one} of {y} for every {units}: the groups are taken to be alike. "
            "The between-group sd is zero.",
            "unpooled": f"Each {units} has its own {own}, from its own rows alone. "
            f"The between-group sd is fixed, and wide: {wide}.",
            "hierarchical": f"Each {units} has its own {own}, drawn from one distribution whose "
            "spread is learned from all of them. The between-group sd has a prior.",
        }
    else:
        each = f"E{join_words(f'each {factor.unit}' for factor in factors)[1:]} deviates"
        sentences = {
            "pooled": f"One {one} of {y} for every {units}: the groups are taken to be alike. "
            "The between-group sds are zero.",
            "unpooled": f"{each} by itself, as its own rows say. "
            f"The between-group sds are fixed, and wide: {wide}.",
            "hierarchical": f"{each} by a draw from a distribution of its factor, whose spread is "
            "learned from all of its groups. The between-group sds have priors.",
        }
    return {fit.variant: sentences[fit.variant] for fit in results.fits}


def _wide(results: ReportData, factor: FactorSummary) -> str:
    """The between-group sd of the unpooled fit."""
    wide = results.fits[0].priors["wide"][factor.name]
    of_factor = f"{factor.name} " if len(results.factors) > 1 else ""
    if len(wide) == 1:
        return of_factor + number(next(iter(wide.values())))
    each = (f"{number(sd)} for {truncate(name, 32)}" for name, sd in wide.items())
    return of_factor + join_words(each)


def relations(results: ReportData) -> list[str]:
    """Which factors are nested, and which are crossed."""
    by_name = {factor.name: factor for factor in results.factors}
    sentences = []
    for (first, second), pairs in results.pairs.items():
        few, many = sorted((by_name[first], by_name[second]), key=lambda f: len(f.sizes))
        if many.columns[: len(few.columns)] == few.columns:
            if len(many.columns) == len(few.columns) + 1:
                own, outer = (truncate(f.columns[-1], 40) for f in (many, few))
                if results.data["columns"][many.columns[-1]]["role"] != "groups":
                    sentences.append(
                        f"Nested: the combinations of {outer} and {own} are groups too."
                    )
                    continue
                sentences.append(
                    f"Nested: each {own} is in one {few.unit}. The same {own} label in another "
                    f"{outer} is another {own}."
                )
        elif pairs == len(many.sizes) > len(few.sizes):
            sentences.append(f"Nested: each {many.unit} is in one {few.unit}.")
        elif pairs > len(many.sizes):
            every = len(few.sizes) * len(many.sizes)
            them = f"pairs of {a(few.unit)} and {a(many.unit)}"
            how = f"all {pairs:,} {them}" if pairs == every else f"{pairs:,} of {every:,} {them}"
            sentences.append(f"Crossed: {how} occur.")
    return sentences


def spread(results: ReportData) -> list[str]:
    """How much groups differ in the hierarchical fit: shares of variance, or ratios."""
    fit = results.fit("hierarchical")
    if fit is None:
        return []
    if not results.link.has_ratio:
        return _partition(results, fit)
    sentences = []
    for factor in results.factors:
        row = fit.summary.get(parameter_names.sd(factor.name, "Intercept"))
        if row is None or factor.varying != ("Intercept",):
            continue
        middle, low, high = (number(exp(value(row, k)), 2) for k in ("mean", "lower", "upper"))
        what = results.family.words.multiplied or linked(results)
        sentences.append(
            f"A{a(factor.unit)[1:]} one between-group sd above the average has about "
            f"{middle} times its {what} ({low} to {high})."
        )
    return sentences


def _partition(results: ReportData, fit) -> list[str]:
    """The variance between the groups of each factor, and within them, as shares."""
    outcome, factors = results.outcome, results.factors
    if not results.family.normal or any(f.varying != ("Intercept",) for f in factors):
        return []
    # Each row has a precision weight of its own, and sds of Student-t effects are scales.
    if outcome.precision_weights or results.study["group_effects"] == "student_t":
        return []
    rows = [fit.summary.get(parameter_names.sd(factor.name, "Intercept")) for factor in factors]
    if isinstance(outcome.sigma, str):
        rows.append(fit.summary.get("sigma"))
    if not factors or None in rows:
        return []
    # The mean of a square is the square of the mean and the variance.
    variances = [value(row, "mean") ** 2 + value(row, "sd") ** 2 for row in rows]
    if not isinstance(outcome.sigma, str):
        variances.append(outcome.sigma**2)
    shares = [_percent(variance / sum(variances)) for variance in variances]
    parts = [f"about {shares[0]} is {_between(factors[0])}"]
    parts += [f"{share} {_between(f)}" for f, share in zip(factors[1:], shares[1:], strict=False)]
    parts.append(f"{shares[-1]} from row to row within {'it' if len(factors) == 1 else 'these'}")
    left = results.model["coefficients"] != ["Intercept"]
    return [
        f"Of the variance of {results.model['response']}{' that the predictors leave' * left}, "
        f"{join_words(parts)}."
    ]


def _between(factor: FactorSummary) -> str:
    inner, *outer = (truncate(column, 40) for column in reversed(factor.columns))
    return f"from one {inner} to another" + "".join(f" within {a(name)}" for name in outer)


def _percent(share: float) -> str:
    return "under 1%" if share < 0.005 else f"{100 * share:.0f}%"


def exp(x: float) -> float:
    """The exponential, infinite where a number cannot hold it."""
    return math.exp(x) if x < 700 else math.inf


def sampled(results: ReportData) -> str | None:
    """How the deviations of each factor were sampled, in one line."""
    found: dict[str, dict[str, list[str]]] = {}
    for fit in results.fits:
        for name, how in fit.attempts[-1].get("parameterisation", {}).items():
            found.setdefault(name, {}).setdefault(how["form"], []).append(fit.variant)
    if not found:
        return None
    forms = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{form} ({join_words(variants)})" if len(own) > 1 else form
            for form, variants in own.items()
        )
        for name, own in found.items()
    )
    return f"Deviations of groups were sampled in these coordinates, chosen by the data: {forms}."


def diagnosed(results: ReportData) -> list[str]:
    """The number of groups that were diagnosed, for each factor where not all were."""
    sentences = []
    for factor in results.factors:
        partly = [fit for fit in results.fits if factor.name in fit.diagnosed]
        if partly:
            counts = partly[0].diagnosed[factor.name]
            variants = join_words(fit.variant for fit in partly)
            where = f" in the {variants} fits" if len(partly) > 1 else ""
            sentences.append(
                f"Of the {counts['groups']:,} groups of {truncate(factor.name, 40)}, "
                f"{counts['of_them']:,} were diagnosed{where}: the smallest, the largest, and "
                "others drawn at random. All other quantities were."
            )
    return sentences


def kept(results: ReportData) -> list[str]:
    """The number of draws with stored group effects, for each factor where not all have them."""
    sentences = []
    for factor in results.factors:
        counts = [fit.kept[factor.name] for fit in results.fits if factor.name in fit.kept]
        if counts:
            sentences.append(
                f"The deviations of {truncate(factor.name, 40)} are stored in {min(counts):,} "
                "draws, evenly spaced, and predictions, checks and comparisons use these."
            )
    return sentences
