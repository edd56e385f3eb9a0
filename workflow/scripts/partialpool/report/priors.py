"""The priors of a study, with the numbers that were used and where they came from."""

from partialpool.base.text import number, truncate
from partialpool.model import parameter_names
from partialpool.model.prior_families import FAMILIES
from partialpool.model.priors import Prior
from partialpool.report import mathematics, meaning
from partialpool.report.report_data import ReportData

NAMED = 12  # predictors whose means are listed


def priors(results: ReportData) -> list[dict]:
    """Every prior: `symbol` (markup), `name` as in the files, `prior`, `numbers`, `given`.

    The priors of the hierarchical fit, or of the only one.
    """
    stored = results.fits[-1].priors
    given = set(stored["given"])
    return [
        {
            "symbol": symbol,
            "name": name,
            "prior": text,
            "numbers": _numbers(text),
            "given": bool(keys & given),
        }
        for symbol, name, text, keys in [
            *_of_coefficients(results, stored),
            *(_of_groups(results, stored) if results.fit("hierarchical") else []),
            *_of_response(results, stored),
        ]
    ]


def _of_coefficients(results: ReportData, stored: dict):
    term_of = {c: term for term, columns in results.model["terms"].items() for c in columns}
    for column, text in stored["beta"].items():
        symbol = mathematics.of_parameter(results, "beta", column=column)
        yield symbol, parameter_names.beta(column), text, {column, term_of.get(column)}


def _of_groups(results: ReportData, stored: dict):
    for factor in results.factors:
        name = factor.name
        for column, text in stored["sd"][name].items():
            symbol = mathematics.of_parameter(results, "sd", factor, column)
            of_column = parameter_names.sd(name, column)
            yield symbol, of_column, text, {"sd", parameter_names.sd(name), of_column}
        if name in stored["cor"]:
            symbol = mathematics.of_parameter(results, "cor", factor)
            own = parameter_names.cor(name)
            yield symbol, own, stored["cor"][name], {"cor", own}
        if name in stored["nu"]:
            symbol = mathematics.of_parameter(results, "nu_of_groups", factor)
            own = parameter_names.nu(name)
            yield symbol, own, stored["nu"][name], {own}


def _of_response(results: ReportData, stored: dict):
    pools = results.outcome.has_hierarchical_sigma
    for key, text in stored["response"].items():
        name = "sigma_median" if key == "sigma" and pools else key
        if name != "sd_log_sigma" or results.fit("hierarchical"):
            yield mathematics.of_parameter(results, name), name, text, {key}


def _numbers(text: str) -> str:
    """The arguments of a prior by name, such as `mu = 0, sigma = 10`."""
    prior = Prior.parse(text)
    names = FAMILIES[prior.family].parameters
    return ", ".join(
        f"{name} = {number(x)}" for name, x in zip(names, prior.arguments, strict=True)
    )


def centred_words(results: ReportData) -> str | None:
    """Where default priors of intercepts apply, if predictors are centred for them.

    These are the prior of the Intercept, and those of groups' intercepts and their correlations.
    """
    stored, said = results.fits[-1].priors, []
    others = [name for name in results.model["coefficients"] if name != "Intercept"]
    if stored["centred"] and others:
        expected = meaning.linked(results)
        scale = results.link.intercept_scale.format(expected=expected)
        said.append(
            f"The prior of the Intercept is on the {scale} at the mean of the "
            f"predictors ({_means(results, others)}), not where they are all zero."
        )
    for factor in results.factors if results.fit("hierarchical") else ():
        if factor.name in stored["at_averages"]:
            block = next(block for block in factor.blocks if "Intercept" in block)
            slopes = [name for name in block if name != "Intercept"]
            name = truncate(factor.name, 32)
            said.append(
                f"The priors of sd_{name}[Intercept] and cor_{name} are on how groups differ at "
                f"the mean of the predictors ({_means(results, slopes)}); their estimates, as all "
                "coefficients, are where predictors are zero."
            )
    return " ".join(said) or None


def _means(results: ReportData, names: list[str]) -> str:
    """Means of some predictors, such as `x = 5.2, z = 0`."""
    means, sds = results.model["mean"], results.model["sd"]
    # A mean that is zero up to rounding.
    shown = {c: means[c] if abs(means[c]) > 1e-9 * sds[c] else 0.0 for c in names[:NAMED]}
    at = ", ".join(f"{truncate(c, 32)} = {number(mean)}" for c, mean in shown.items())
    return at + (", …" if len(names) > NAMED else "")


def warnings(results: ReportData) -> list[dict]:
    """Warnings about priors that conflict with the data: `variants` and `text`."""
    found: dict[str, list[str]] = {}
    for fit in results.fits:
        for sentence in fit.warnings:
            found.setdefault(sentence, []).append(fit.variant)
    return [{"variants": variants, "text": said} for said, variants in found.items()]
