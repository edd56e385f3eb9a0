"""The model's equations as MathML.

An expression is a list of elements. A finished piece is text that ElementTree has written, with
names from the data escaped, so the template inserts it as it is.
"""

from xml.etree.ElementTree import Element, tostring

from partialpool.base.text import number, truncate
from partialpool.report.report_data import FactorSummary, ReportData

ADDENDS = 12  # terms of the linear predictor before an ellipsis
LETTERS = "jklm"  # indices of the groups of the first factors


def _element(tag: str, text: str | None = None, children=(), **attributes) -> list[Element]:
    made = Element(tag, attributes)
    made.text = text
    made.extend(children)
    return [made]


def _row(expression) -> list[Element]:
    return expression if len(expression) == 1 else _element("mrow", children=expression)


def _mi(name: str) -> list[Element]:
    return _element("mi", name)


def _word(text: str) -> list[Element]:
    return _element("mtext", truncate(text, 32))


def _mo(sign: str) -> list[Element]:
    # Infix even at the start of a piece, which keeps the spaces around it.
    return _element("mo", sign, **({"form": "infix"} if sign in "∼=+" else {}))


def _joined(sign: str, expressions) -> list[Element]:
    """Expressions with a sign between them."""
    return [e for part in expressions for e in (*_mo(sign), *part)][1:]


def _sub(base, *scripts) -> list[Element]:
    return _element("msub", children=[*base, *_row(_joined(",", scripts))])


def _call(name, *arguments) -> list[Element]:
    return [*name, *_mo("("), *_joined(",", arguments), *_mo(")")]


def _distributed(distribution: str, *arguments) -> list[Element]:
    return [*_mo("∼"), *_call(_word(distribution), *arguments)]


def _zero() -> list[Element]:
    return _element("mn", "0")


def mathml(*expressions) -> str:
    """Expressions as one `math` element, in text."""
    children = [element for expression in expressions for element in expression]
    return tostring(_element("math", children=children)[0], encoding="unicode")


def index(results: ReportData, factor: FactorSummary) -> list[Element]:
    """The index of a factor's groups."""
    position = results.factors.index(factor)
    if position < len(LETTERS):
        return _mi(LETTERS[position])
    return _sub(_mi("j"), _element("mn", str(position + 1)))


def _group_of_row(results: ReportData, factor: FactorSummary) -> list[Element]:
    """j[i], the group of row i."""
    return [*index(results, factor), *_mo("["), *_mi("i"), *_mo("]")]


def symbol(results: ReportData, letter: str, factor: FactorSummary, *scripts) -> list[Element]:
    """A quantity of a factor, with the factor's name as superscript where there are several."""
    if len(results.factors) == 1:
        return _sub(_mi(letter), *scripts) if scripts else _mi(letter)
    above = _word(factor.name)
    if not scripts:
        return _element("msup", children=[*_mi(letter), *above])
    return _element("msubsup", children=[*_mi(letter), *_row(_joined(",", scripts)), *above])


def indices(results: ReportData) -> list[dict]:
    """For each factor, the `index` of a row's group (markup) and the `unit`: what a group is."""
    return [
        {"index": mathml(_group_of_row(results, factor)), "unit": factor.unit}
        for factor in results.factors
    ]


def lines(results: ReportData) -> list[list[str]]:
    """The equations of the model, each a list of pieces between which a line may break."""
    words = results.family.words
    expected = _sub(_mi(words.symbol), _mi("i"))
    arguments = [_argument(results, name, expected) for name in words.arguments]
    response = _sub(_word(results.model["response"]), _mi("i"))
    out = [
        [mathml(response), mathml(_distributed(words.distribution, *arguments))],
        _predictor(results, expected),
    ]
    for factor in results.factors:
        out += _deviations(results, factor)
    if results.family.has_hierarchical_sigma(results.outcome):
        log_sigma = _call(_word("log"), _sub(_mi("σ"), _mi("j")))
        log_median = _call(_word("log"), _sub(_mi("σ"), _word("median")))
        spread = _sub(_mi("τ"), _word("log σ"))
        out.append([mathml(log_sigma), mathml(_distributed("Normal", log_median, spread))])
    return out


def _argument(results: ReportData, name: str, expected) -> list[Element]:
    """An argument of the response's distribution: see `Words.arguments`."""
    if name == "expected":
        return expected
    if name == "trials":
        return _sub(_word(results.outcome.trials), _mi("i"))
    return _sigma(results) if name == "sigma" else _mi(_symbols(results)[name])


def _symbols(results: ReportData) -> dict[str, str]:
    """Symbols of the parameters of the response's distribution."""
    return {parameter.name: parameter.symbol for parameter in results.family.parameters}


def _predictor(results: ReportData, expected) -> list[str]:
    """The linear predictor."""
    outcome, i = results.outcome, _mi("i")
    left = _call(_word(results.family.link), expected) if results.link.has_ratio else expected
    varying = [column for factor in results.factors for column in factor.varying]
    columns = list(dict.fromkeys([*results.model["coefficients"], *varying]))
    shown = columns[:ADDENDS]
    addends = [addend for column in shown for addend in _addends(column, results)]
    if len(columns) > len(shown):
        addends.append(_mo("⋯"))
    if outcome.offset:
        addends.append(_sub(_word(outcome.offset), i))
    if outcome.exposure:
        addends.append(_call(_word("log"), _sub(_word(outcome.exposure), i)))
    pieces = [mathml(_mo("+") if place else [], addend) for place, addend in enumerate(addends)]
    return [mathml(left, _mo("=")), *pieces]


def _addends(column: str, results: ReportData) -> list[list[Element]]:
    """A column of the linear predictor times its coefficient and the deviations of its groups."""
    parts = []
    if column in results.model["coefficients"]:
        parts.append(_sub(_mi("β"), _word(column)))
    for factor in results.factors:
        if column in factor.varying:
            group = _group_of_row(results, factor)
            parts.append(symbol(results, "u", factor, _word(column), group))
    if column == "Intercept":
        return parts
    both = _joined("+", parts)
    if len(parts) > 1:
        both = [*_mo("("), *both, *_mo(")")]
    return [[*both, *_element("mspace", width="0.17em"), *_sub(_word(column), _mi("i"))]]


def _deviations(results: ReportData, factor: FactorSummary) -> list[list[str]]:
    """The distribution of a factor's deviations, a line or two for each block of them."""
    return [line for block in factor.blocks for line in _block(results, factor, block)]


def _block(results: ReportData, factor: FactorSummary, block: tuple[str, ...]) -> list[list[str]]:
    j = index(results, factor)
    heavy = results.study["group_effects"] == "student_t"
    nu = [symbol(results, "ν", factor, _mi("u"))] if heavy else []
    name = "StudentT" if heavy else "Normal"
    if len(block) == 1:
        column = _word(block[0])
        spread = symbol(results, "τ", factor, column)
        deviation = symbol(results, "u", factor, column, j)
        return [[mathml(deviation), mathml(_distributed(name, *nu, _zero(), spread))]]
    more = [_mo("⋯")] if len(block) > ADDENDS else []
    first = [_word(column) for column in block[:ADDENDS]]
    u = [*(symbol(results, "u", factor, column, j) for column in first), *more]
    tau = [*(symbol(results, "τ", factor, column) for column in first), *more]
    d, c = symbol(results, "D", factor), symbol(results, "C", factor)
    return [
        [mathml(_call([], *u)), mathml(_distributed(name, *nu, _zero(), [*d, *c, *d]))],
        [mathml(d, _mo("="), _call(_word("diag"), *tau))],
    ]


def _sigma(results: ReportData) -> list[Element]:
    outcome = results.outcome
    if outcome.errors:
        return _sub(_word(outcome.errors), _mi("i"))
    if outcome.sigma == "estimated":
        sigma = _mi("σ")
    elif outcome.sigma_by_group:
        sigma = _sub(_mi("σ"), _group_of_row(results, results.factors[0]))
    else:
        sigma = _element("mn", number(outcome.sigma))
    if outcome.precision_weights:
        weight = _sub(_word(outcome.precision_weights), _mi("i"))
        return [*sigma, *_mo("/"), *_element("msqrt", children=weight)]
    return sigma


def of_parameter(
    results: ReportData, kind: str, factor: FactorSummary | None = None, column: str = ""
) -> str:
    """The symbol of a parameter that has a prior, as markup."""
    found = {
        "beta": lambda: _sub(_mi("β"), _word(column)),
        "sd": lambda: symbol(results, "τ", factor, _word(column)),
        "cor": lambda: symbol(results, "C", factor),
        "nu_of_groups": lambda: symbol(results, "ν", factor, _mi("u")),
        "sigma_median": lambda: _sub(_mi("σ"), _word("median")),
        "sd_log_sigma": lambda: _sub(_mi("τ"), _word("log σ")),
    }
    if kind in found:
        return mathml(found[kind]())
    own = _mi(_symbols(results)[kind])
    by_group = kind == "sigma" and results.outcome.sigma_by_group
    return mathml(_sub(own, _mi("j")) if by_group else own)
