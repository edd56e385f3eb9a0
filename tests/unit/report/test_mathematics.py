"""The equations of a model as MathML, and the sentences that go with them."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from reports import factor_of, page, results

from partialpool.model.families import FAMILIES
from partialpool.report import mathematics, meaning
from partialpool.report.sections import provenance


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_stated_in_mathematics_and_in_words(family, tmp_path):
    keys = {"trials": "n"} if "trials" in FAMILIES[family].needs else {}
    keys |= {"exposure": "weeks"} if family == "poisson" else {}
    found = results(family=family, **keys)
    pieces = [piece for line in mathematics.lines(found) for piece in line]
    stated = " ".join("".join(ElementTree.fromstring(piece).itertext()) for piece in pieces)
    assert stated.startswith(f"yi ∼{FAMILIES[family].words.distribution}(")
    symbol = FAMILIES[family].words.symbol
    link = {"logit": f"logit({symbol}i)=", "log": f"log({symbol}i)=", "identity": "μi="}[
        found.family.link
    ]
    assert link in stated
    assert ("log(weeksi)" in stated) == (family == "poisson")
    html = page(found, tmp_path)
    assert {"logit": "log odds", "log": "scale of the log of", "identity": "σ, the"}[
        found.family.link
    ] in html
    assert ("fitted as" in html) and ("5 rows with the same likelihood" in html)


@pytest.mark.parametrize(
    ("family", "sigma", "stated", "said"),
    [
        ("gaussian", "estimated", "Normal(μi,σ/ni)", "The variance of a row is σ² / n, as of a"),
        ("gaussian", "by_group", "Normal(μi,σj[i]/ni)", "is the standard deviation"),
        ("student_t", 2.0, "StudentT(ν,μi,2/ni)", "The squared scale of a row is σ² / n"),
    ],
)
def test_precision_weights_are_stated(family, sigma, stated, said):
    found = results(family=family, sigma=sigma, precision_weights="n")
    [_, distribution], *_ = mathematics.lines(found)
    assert "".join(ElementTree.fromstring(distribution).itertext()) == f"∼{stated}"
    assert "<msqrt>" in distribution
    assert said in " ".join(meaning.response(found))
    assert "precision_weights: n" in provenance.config(found)


def spoken(pieces) -> list[str]:
    return ["".join(ElementTree.fromstring(piece).itertext()) for piece in pieces]


def test_groups_and_their_sigmas_are_stated_in_mathematics():
    blocks = (("Intercept", "x"), ("z",))
    factor = factor_of("g", ("g",), blocks, {"a": 3, "b": 3})
    found = results(factors=[factor], sigma="~ (1 | g)", offset="n")
    found = replace(found, model=found.model | {"coefficients": ["Intercept", "x"]})
    assert [" ".join(spoken(line)) for line in mathematics.lines(found)] == [
        "yi ∼Normal(μi,σj[i])",
        "μi= βIntercept +uIntercept,j[i] +(βx+ux,j[i])xi +uz,j[i]zi +ni",
        "(uIntercept,j,ux,j) ∼Normal(0,DCD)",
        "D=diag(τIntercept,τx)",
        "uz,j ∼Normal(0,τz)",
        "log(σj) ∼Normal(log(σmedian),τlog σ)",
    ]
    parameters = {
        ("beta", "x"): "βx",
        ("sd", "z"): "τz",
        ("cor", ""): "C",
        ("sigma", ""): "σj",
        ("sigma_median", ""): "σmedian",
        ("sd_log_sigma", ""): "τlog σ",
    }
    for (kind, column), symbol in parameters.items():
        assert spoken([mathematics.of_parameter(found, kind, factor, column)]) == [symbol]
