"""Results of a study for tests of its page."""

from pathlib import Path

from partialpool.model.families import FAMILIES
from partialpool.report import study_page
from partialpool.report.report_data import FactorSummary, ReportData, ReportFit
from partialpool.study import config
from partialpool.study.study import KEYS

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
TEMPLATES = SCRIPTS.parent / "report"
HOSTILE = "<script>alert('x')</script>"
VARIANTS = ("pooled", "unpooled", "hierarchical")
ANSWER = dict.fromkeys(("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"), "1")

GROUP = {"population": "1", "note": ""}


def row(name, mean=1.0):
    return {"name": name, "mean": str(mean), "sd": "0.5", "lower": "0", "upper": "2"}


def fit(variant, factors, passed=True, **priors):
    checks = [
        {"name": "rhat", "value": 1.5, "threshold": 1.01, "passed": passed, "worst": HOSTILE},
        {"name": "ebfmi", "value": None, "threshold": 0.3, "passed": passed, "worst": None},
    ]
    names = ["beta[Intercept]"]
    names += [f"coef_{f.name}[{level}, Intercept]" for f in factors for level in f.sizes]
    names += [f"sd_{f.name}[Intercept]" for f in factors if variant == "hierarchical"]
    status = {"group_status": "known", "fit_passed": str(passed), "missing_reason": ""}
    status["note"] = ""
    attempt = {"draws": 100, "tune": 100, "target_accept": 0.9, "seconds": 1.0}
    effects = {f.name: {"form": "non-centred", "centring": {}} for f in factors}
    of_columns = {f.name: {"Intercept": "half_normal(2.5)"} for f in factors}
    return ReportFit(
        variant=variant,
        passed=passed,
        checks=checks,
        advice=[] if passed else ["Draw longer."],
        summary={name: row(name, i) for i, name in enumerate(names)},
        predictions=[
            {HOSTILE: level, "predicted_for": "group", **ANSWER, **status}
            for level in (factors[0].sizes if factors else "ab")
        ],
        priors={
            "beta": {"Intercept": "normal(0, 10)"},
            "sd": of_columns,
            "cor": {},
            "nu": {},
            "response": {"sigma": "half_student_t(4, 1)"},
            "centred": True,
            "at_averages": [],
            "wide": {f.name: {"Intercept": 25.0} for f in factors},
            "given": ["Intercept"],
        }
        | priors,
        sampler={"chains": 4},
        provenance={"versions": {"pymc": "6.4.0"}, "platform": HOSTILE, "commit": None},
        attempts=[
            attempt
            | {
                "passed": passed,
                "failed": [] if passed else checks,
                "parameterisation": effects if variant != "pooled" else {},
            }
        ],
        warnings=[f"{HOSTILE} is far from the data."],
        groups={
            (f.name, column): {level: row(level, at) | GROUP for at, level in enumerate(f.sizes)}
            for f in factors
            for column in f.varying
        },
    )


def compared(variant, rank, note="", too_close=False):
    numbers = (
        "elpd_loo",
        "se",
        "subsampling_se",
        "elpd_diff",
        "dse",
        "subsampling_dse",
        "weight",
        "p",
        "pareto_k_threshold",
    )
    return {
        "variant": variant,
        "rank": str(rank),
        **dict.fromkeys(numbers, "0.7"),
        "pareto_k_over": "0",
        "units": "8",
        "units_total": "8",
        "fit_passed": "True",
        "too_close": str(too_close),
        "missing_reason": "",
        "note": note,
    }


def factor_of(name, columns, blocks, sizes) -> FactorSummary:
    """A factor with groups of some sizes, by their labels."""
    return FactorSummary(name, blocks, tuple(sizes), columns, sizes)


def results(levels=(HOSTILE, "b"), failed=(), ranking=VARIANTS[::-1], factors=None, **keys):
    """A study of one factor, or of those given; other arguments are keys of its config."""
    if factors is None:
        factors = [factor_of(HOSTILE, (HOSTILE,), (("Intercept",),), dict.fromkeys(levels, 3))]
    described = {"type": "number", "missing": 0, "min": 0, "max": 1, "mean": 0.5, "sd": 0.2}
    text = {"type": "text", "missing": 0, "levels": dict.fromkeys(levels, 3), "role": "groups"}
    keys = {n: value if isinstance(value, float) else str(value) for n, value in keys.items()}
    written = {"data": HOSTILE, "formula": f"y ~ 1 + (1 | `{HOSTILE}`)", "variants": [*VARIANTS]}
    study = config.read({"interval": 0.9, "studies": {"radon": written | keys}})["radon"]
    roles = {"y": "response", "n": "predictor", "weeks": "predictor"}
    roles |= {column: role for role, column in study.outcome.columns.items()}
    parameters = FAMILIES[study.outcome.family].parameter_names
    response = dict.fromkeys(parameters, "half_student_t(4, 1)")
    return ReportData(
        study=study.params(*KEYS),
        data={
            "source": HOSTILE,
            "rows_read": 3 * len(levels) + 2,
            "rows_used": 3 * len(levels),
            "dropped": {"total": 2, "by_column": {"y": 2}},
            "columns": {
                **dict.fromkeys([HOSTILE, *(c for f in factors for c in f.columns)], text),
                **{name: described | {"role": role} for name, role in roles.items()},
            },
            "factors": [
                {
                    "factor": factor.name,
                    "count": len(factor.sizes),
                    "smallest": 3,
                    "largest": 3,
                    "single_row": 0,
                }
                for factor in factors
            ],
            "warnings": [HOSTILE],
        },
        model={
            "coefficients": ["Intercept"],
            "terms": {"Intercept": ["Intercept"]},
            "outcome": vars(study.outcome),
            "response": "y",
            "mean": {"Intercept": 1.0},
            "sd": {"Intercept": 0.0},
        },
        factors=factors,
        pairs={},
        fits=[
            fit(variant, factors, variant not in failed, response=response) for variant in VARIANTS
        ],
        comparison=[compared(variant, rank) for rank, variant in enumerate(ranking)],
        comparison_groups=[],
        recovery=[],
        merged=5,
        new_warnings=[HOSTILE],
    )


def nested():
    """Rooms within schools."""
    school = factor_of("school", ("school",), (("Intercept",),), {"A": 3, "B": 3})
    room = factor_of(
        "school:room", ("school", "room"), (("Intercept",),), {"A:1": 3, "B:1": 2, "B:2": 1}
    )
    return [school, room]


def page(found, figures):
    (figures / "figures.json").write_text("{}")
    return study_page.page(found, figures, {"pooled/summary.csv": "all"}, TEMPLATES)
