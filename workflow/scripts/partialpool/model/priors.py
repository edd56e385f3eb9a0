"""Prior distributions: a closed vocabulary, and weakly informative defaults scaled to the data.

A prior is written `family(number, ...)`; nothing is evaluated. The families and
the meaning of their arguments are those of PyMC.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import math
from dataclasses import dataclass, field

from partialpool.base.errors import UserError, error_text, nearest
from partialpool.model import families
from partialpool.model.prior_families import FAMILIES
from partialpool.study.calls import call

SD_LOG_SIGMA = "half_normal(1)"  # default prior of the sd of log sigma between groups
NU = "gamma(2, 0.1)"  # default prior of the degrees of freedom of Student-t group effects
WIDE_LOG_SIGMA = 2.0  # fixed sd of log sigma between groups in the unpooled variant

NEEDS = error_text(
    {
        "real": "a coefficient can be any number",
        "positive": "this parameter is over 0",
        "probability": "this parameter is between 0 and 1",
        "correlation": "a correlation matrix takes lkj",
    }
)


@dataclass(frozen=True)
class Prior:
    """A prior distribution: a family of the vocabulary and its numbers."""

    family: str
    arguments: tuple[float, ...]

    @classmethod
    def parse(cls, text: str, where: str = "priors", support: str | None = None) -> "Prior":
        """Read `family(number, ...)`.

        Parameters
        ----------
        text : str
            For example `"half_normal(2.5)"`.
        where : str
            File and key, for the message.
        support : {"real", "positive", "probability", "correlation"}, optional
            Support of the parameter.

        Raises
        ------
        UserError
            If the family is unknown, its arguments are not in its range, or
            its support is not the parameter's.
        """
        written = call(str(text))
        if written is None:
            raise UserError(f"{where}: {text!r} is not of the form family(number, ...)")
        family, arguments = written
        if family not in FAMILIES:
            known = [name for name, f in FAMILIES.items() if support in (None, f.support)]
            raise UserError(
                f"{where}: {family!r} is not a known family{nearest(family, FAMILIES)}; "
                f"known: {', '.join(known)}"
            )
        prior = cls(family, arguments)
        prior._check(where, support)
        return prior

    def _check(self, where: str, support: str | None) -> None:
        family = FAMILIES[self.family]
        form = f"{self.family}({', '.join(family.parameters)})"
        if len(self.arguments) != len(family.parameters):
            raise UserError(
                f"{where}: {self} has {len(self.arguments)} arguments, it takes "
                f"{len(family.parameters)}: {form}"
            )
        for name, value in self.parameters.items():
            if name != family.location and not value > 0:
                raise UserError(f"{where}: {self} has {name} = {value:g}; {name} is over 0: {form}")
        if support is not None:
            check_support(family.support, support, f"{where}: {self}")

    def __str__(self) -> str:
        return f"{self.family}({', '.join(f'{a:.15g}' for a in self.arguments)})"

    @property
    def parameters(self) -> dict[str, float]:
        """Arguments by their PyMC names."""
        return dict(zip(FAMILIES[self.family].parameters, self.arguments, strict=True))


@dataclass(frozen=True)
class Priors:
    """The priors of all parameters of a study.

    Attributes
    ----------
    beta : dict of str to Prior
        Population-level coefficients.
    sd : dict of str to dict of str to Prior
        Between-group standard deviations, by factor and varying coefficient.
    cor : dict of str to Prior
        Correlations of varying coefficients, by factor, where there are two or more.
    nu : dict of str to Prior
        Degrees of freedom of group effects, by factor, where these are Student-t.
    response : dict of str to Prior
        Parameters of the response's distribution: `sigma`, `nu`, `alpha`; and `sd_log_sigma`
        where sigma varies between groups around the median `sigma`.
    centred : bool
        Whether the prior of the Intercept is on the linear predictor at the
        average of the predictors (the default, as in Bambi and rstanarm)
        instead of where they are all zero (when the config gives one).
    at_averages : tuple of str
        Factors whose sds and correlations have priors on the deviations at the average of the
        predictors (the default) instead of where they are all zero (where the config gives one
        of the Intercept's sd, or of the correlations).
    wide : dict of str to dict of str to float
        Fixed between-group sds of the unpooled variant, by factor and varying coefficient.
    given : tuple of str
        Keys that are in the config; all other priors are defaults.
    """

    beta: dict[str, Prior]
    sd: dict[str, dict[str, Prior]] = field(default_factory=dict)
    cor: dict[str, Prior] = field(default_factory=dict)
    nu: dict[str, Prior] = field(default_factory=dict)
    response: dict[str, Prior] = field(default_factory=dict)
    centred: bool = False
    at_averages: tuple[str, ...] = ()
    wide: dict[str, dict[str, float]] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """A plain dict, for the provenance of a fit."""

        def texts(priors):
            return {name: str(prior) for name, prior in priors.items()}

        return {
            "beta": texts(self.beta),
            "sd": {factor: texts(priors) for factor, priors in self.sd.items()},
            "cor": texts(self.cor),
            "nu": texts(self.nu),
            "response": texts(self.response),
            "centred": self.centred,
            "at_averages": list(self.at_averages),
            "wide": self.wide,
            "given": list(self.given),
        }

    @classmethod
    def from_dict(cls, stored: dict) -> "Priors":
        """The inverse of :meth:`to_dict`."""

        def read(texts):
            return {name: Prior.parse(text) for name, text in texts.items()}

        return cls(
            beta=read(stored["beta"]),
            sd={factor: read(texts) for factor, texts in stored["sd"].items()},
            cor=read(stored["cor"]),
            nu=read(stored["nu"]),
            response=read(stored["response"]),
            centred=stored["centred"],
            at_averages=tuple(stored["at_averages"]),
            wide=stored["wide"],
            given=tuple(stored["given"]),
        )


def check_support(found: str, needed: str, where: str) -> None:
    """Check that a family of one support fits a parameter that needs another.

    Raises
    ------
    UserError
        With the families that fit.
    """
    if found != needed:
        fitting = [name for name, family in FAMILIES.items() if family.support == needed]
        raise UserError(f"{where} does not fit, {NEEDS[needed]}; use one of {', '.join(fitting)}")


def of_response(outcome) -> dict[str, str]:
    """Supports of the parameters of the response's distribution that have priors, by name."""
    own = {one.name: one.support for one in families.family_of(outcome).parameters}
    return {name: own.get(name, "positive") for name in _defaults(outcome)}


def _defaults(outcome) -> dict[str, str]:
    """Default priors of these parameters; `{scale}` stands for the sd of the response."""
    family, found = families.family_of(outcome), {}
    for parameter in family.parameters:
        if parameter.name != "sigma" or family.estimates_sigma(outcome):
            found[parameter.name] = parameter.prior
        if parameter.name == "sigma" and outcome.has_hierarchical_sigma:
            found["sd_log_sigma"] = SD_LOG_SIGMA
    return found


def complete(given: dict[str, str], data, group_effects: str = "normal") -> Priors:
    """Fill in the defaults: weakly informative, scaled to the data.

    As in Bambi and rstanarm: a coefficient is normal(0, 2.5 s / sd(x)), the linear predictor
    at the average predictors normal(m, 2.5 s), a between-group sd half-normal with the scale
    of its coefficient, correlations lkj(2). Sds and correlations are of the deviations at the
    average predictors, too, unless the config has a prior of that factor's correlations or of its
    Intercept's sd: what is written holds where predictors are zero. With an identity link m and s
    are the mean and sd of the response, else m is the link of its mean and s is one. Parameters of
    the response's distribution have the defaults of the family's record, in which the scale is s
    times the root of the mean precision weight where there are such; the sd of log sigma is
    half-normal(1), degrees of freedom of group effects are gamma(2, 0.1).
    Numbers are rounded to four digits, so that the report prints what was used.

    Parameters
    ----------
    given : dict of str to str
        The `priors` block of the config.
    data : partialpool.model.description.ModelDescription
        Names and scales of the design's columns.
    group_effects : {"normal", "student_t"}

    References
    ----------
    Gelman, Jakulin, Pittau & Su (2008), https://doi.org/10.1214/08-AOAS191;
    rstanarm, "Prior distributions for rstanarm models"; for the degrees of freedom
    Juárez & Steel (2010), https://doi.org/10.1198/jbes.2009.07145.
    """
    spread = data.response_sd
    at_averages = tuple(
        factor.name
        for factor in data.factors
        if any("Intercept" in block and len(block) > 1 for block in factor.blocks)
        and not holds_as_written(given, factor.name)
    )

    def slope_scale(column):
        return _round(2.5 * spread / data.sd[column])

    def deviation_scale(column, factor):
        if column != "Intercept":
            return slope_scale(column)
        # A group's intercept is its line where the columns are zero that vary apart from it, as
        # far from the data as their means are from zero, in units of their sds.
        away = sum((data.mean[c] / data.sd[c]) ** 2 for c in apart(factor))
        return _round(2.5 * spread * (1 + away) ** 0.5)

    def apart(factor):
        block = next(block for block in factor.blocks if "Intercept" in block)
        kept = block if factor.name in at_averages else ("Intercept",)
        return [column for column in factor.varying if column not in kept]

    def lookup(*keys):
        return next((Prior.parse(given[k]) for k in keys if k in given), None)

    def coefficient(name):
        if name == "Intercept":
            scale = _round(2.5 * spread)
            return Prior("normal", (_round(data.response_mean, to=scale), scale))
        return Prior("normal", (0.0, slope_scale(name)))

    def between(factor, column):
        name = f"sd_{factor.name}"
        prior = lookup(f"{name}[{column}]", name, "sd")
        return prior or Prior("half_normal", (deviation_scale(column, factor),))

    term = {column: name for name, columns in data.terms.items() for column in columns}
    beta = {c: lookup(c, term[c]) or coefficient(c) for c in data.coefficients}
    response = {
        name: text.format(scale=_round(data.sd_of_weight_one))
        for name, text in _defaults(data.outcome).items()
    }
    many = [f for f in data.factors if any(len(block) > 1 for block in f.blocks)]
    heavy = data.factors if group_effects == "student_t" else ()
    # Ten default scales are flat against any data; on a link's scale four are, and more
    # would only say that probabilities are 0 or 1.
    times = 10 if data.family.link == "identity" else 4
    return Priors(
        beta=beta,
        sd={f.name: {c: between(f, c) for c in f.varying} for f in data.factors},
        cor={f.name: lookup(f"cor_{f.name}", "cor") or Prior("lkj", (2.0,)) for f in many},
        nu={f.name: lookup(f"nu_{f.name}") or Prior.parse(NU) for f in heavy},
        response={name: lookup(name) or Prior.parse(text) for name, text in response.items()},
        centred="Intercept" in beta and "Intercept" not in given,
        at_averages=at_averages,
        wide={f.name: {c: times * deviation_scale(c, f) for c in f.varying} for f in data.factors},
        given=tuple(given),
    )


def holds_as_written(given, factor: str) -> list[str]:
    """Keys of the config by which a factor's priors hold where predictors are zero."""
    keys = ("sd", f"sd_{factor}", f"sd_{factor}[Intercept]", "cor", f"cor_{factor}")
    return [key for key in keys if key in given]


def _round(value: float, to: float | None = None) -> float:
    """Round to four digits; to the fourth digit of `to` where the value has an uncertainty."""
    if to is None:
        return float(f"{value:.4g}")
    return round(value, 3 - math.floor(math.log10(to)))
