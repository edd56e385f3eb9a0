"""Names of figures: those that are written are those that the report asks for."""

import figure_study
from reports import factor_of, results

from partialpool.figures import registry
from partialpool.report.sections import estimates
from partialpool.study.figure_names import numbered


def test_figures_of_coefficients_have_the_names_that_their_section_asks_for():
    study = figure_study.study()
    factors = [
        factor_of(factor.name, (factor.name,), (factor.varying,), dict.fromkeys(factor.levels, 3))
        for factor in study.factors
    ]
    asked = [group["figure"] for group in estimates.groups(results(factors=factors))]
    drawn = [f"shrinkage{one.suffix}" for one in registry.each_coefficient(study)]
    assert asked == drawn == [numbered("shrinkage", number) for number in (1, 2, 3, 4)]
