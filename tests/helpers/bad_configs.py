"""Wrong keys, priors, formulas and config files, with the beginning of each error message."""

from bad_inputs import CONFIG, COUNTS, bad, bad_config

BAD_CONFIGS = [
    # Keys, one by one and together
    bad({"formla": "y ~ x"}, f"{CONFIG}: unknown key 'formla'; nearest: 'formula'"),
    bad({"contrasts": [1, 2]}, f"{CONFIG}.contrasts[1]: 2; it must be two row numbers"),
    bad({"draws": 10}, f"{CONFIG}: unknown key 'draws'; it belongs under `sampler:`"),
    bad({"formula": None}, f"{CONFIG}: no `formula`; add a formula such as"),
    bad({"formula": 3}, f"{CONFIG}.formula: 3; it must be a formula such as"),
    bad({"data": None}, f"{CONFIG}: has neither `data` nor `simulate`"),
    bad({"data": "tt.csv"}, f"{CONFIG}.data: no file 'tt.csv'; nearest: 't.csv'"),
    bad({"data": "*.tsv"}, f"{CONFIG}.data: no file matches '*.tsv'"),
    bad(
        {"family": "student_t", "sigma": "by_group"},
        f"{CONFIG}.sigma: 'by_group' goes with family gaussian; student_t takes",
    ),
    bad(
        {"family": "poison"},
        f'{CONFIG}.family: "poison"; it must be',
    ),
    bad({"family": "lognormal", "sigma": 1}, f"{CONFIG}.sigma: family lognormal has none; leave"),
    bad(
        {"family": "gamma", "precision_weights": "n"},
        f"{CONFIG}.precision_weights: family gamma has no sigma",
    ),
    bad({"family": "weibull", "exposure": "n"}, f"{CONFIG}.exposure: family weibull has none, on"),
    bad({"family": "exponential", "trials": "n"}, f"{CONFIG}.trials: family exponential has none"),
    bad(
        {"family": "exponential", "priors": {"alpha": "half_normal(1)"}},
        f"{CONFIG}.priors.alpha: no such parameter in the model",
    ),
    bad(
        {"family": "weibull", "priors": {"sigma": "half_normal(1)"}},
        f"{CONFIG}.priors.sigma: no such parameter in the model",
    ),
    bad(
        {"family": "gamma", "priors": {"alpha": "normal(0, 1)"}},
        f"{CONFIG}.priors.alpha: the prior does not fit, this parameter is over 0",
    ),
    bad(
        COUNTS | {"family": "hurdle_poisson", "priors": {"hu": "half_normal(1)"}},
        f"{CONFIG}.priors.hu: the prior does not fit, this parameter is between 0 and 1; use one",
    ),
    bad(
        COUNTS | {"family": "hurdle_poisson", "priors": {"zi": "beta(1, 1)"}},
        f"{CONFIG}.priors.zi: no such parameter in the model",
    ),
    bad(
        COUNTS | {"family": "zero_inflated_poisson", "priors": {"zi": "beta(0, 1)"}},
        f"{CONFIG}.priors.zi: beta(0, 1) has alpha = 0; alpha is over 0",
    ),
    bad(
        COUNTS | {"family": "zero_inflated_poisson", "sigma": 1},
        f"{CONFIG}.sigma: family zero_inflated_poisson has none; leave it out",
    ),
    bad({"family": "beta_binomial"}, f"{CONFIG}: no `trials`; add the column with the trials"),
    bad({"family": "beta", "trials": "n"}, f"{CONFIG}.trials: family beta has none; leave it out"),
    bad({"family": "beta", "sigma": 1}, f"{CONFIG}.sigma: family beta has none; leave it out"),
    bad({"family": "beta", "exposure": "n"}, f"{CONFIG}.exposure: family beta has none, only"),
    bad(
        {"formula": "se ~ x", "family": "beta", "priors": {"phi": "normal(0, 1)"}},
        f"{CONFIG}.priors.phi: the prior does not fit, this parameter is over 0; use one of half",
    ),
    bad(
        {"formula": "se ~ x", "family": "beta", "priors": {"phi": "beta(1, 1)"}},
        f"{CONFIG}.priors.phi: the prior does not fit, this parameter is over 0; use one of half",
    ),
    bad(
        {"formula": "se ~ x", "family": "beta", "priors": {"sigma": "half_normal(1)"}},
        f"{CONFIG}.priors.sigma: no such parameter in the model",
    ),
    bad({"priors": {"phi": "half_normal(1)"}}, f"{CONFIG}.priors.phi: no such parameter in the"),
    bad({"priors": {"sd": "beta(1, 1)"}}, f"{CONFIG}.priors.sd: the prior does not fit, this"),
    bad({"family": "binomial"}, f"{CONFIG}: no `trials`; add the column with the trials"),
    bad({"trials": "n"}, f"{CONFIG}.trials: family gaussian has none; leave it out"),
    bad({"exposure": "n"}, f"{CONFIG}.exposure: family gaussian has none, only poisson, "),
    bad(COUNTS | {"sigma": 1}, f"{CONFIG}.sigma: family poisson has none; leave it out"),
    bad({"sigma": -1}, f"{CONFIG}.sigma: -1; it must be"),
    bad({"sigma": "se", "weights": "se"}, f"{CONFIG}: column 'se' cannot be both the standard err"),
    bad(
        {"sigma": "se", "precision_weights": "n"},
        f"{CONFIG}.precision_weights: the standard errors in 'se' are known; divide these by",
    ),
    bad(
        COUNTS | {"precision_weights": "n"},
        f"{CONFIG}.precision_weights: family poisson has no sigma that they could divide; leave",
    ),
    bad(
        {"weights": "n", "precision_weights": "n"},
        f"{CONFIG}: column 'n' cannot be both the weights and the precision weights",
    ),
    bad({"missing": "omit"}, f'{CONFIG}.missing: "omit"; it must be error or drop'),
    bad({"key": "id"}, f'{CONFIG}.key: "id"; it must be a list of columns'),
    bad({"key": []}, f"{CONFIG}.key: []; it must be a list of columns"),
    bad({"weights": 2}, f"{CONFIG}.weights: 2; it must be a column of the table"),
    bad({"group_effects": "t"}, f'{CONFIG}.group_effects: "t"; it must be normal or student_t'),
    bad({"formula": "y ~ x", "group_effects": "normal"}, f"{CONFIG}.group_effects: there are none"),
    bad({"formula": "y ~ x", "sigma": "by_group"}, f"{CONFIG}.sigma: 'by_group' needs groups"),
    bad({"formula": "y ~ x", "variants": ["unpooled"]}, f"{CONFIG}.variants: 'unpooled' needs gro"),
    bad({"formula": "y ~ x", "predict": ["new_group"]}, f"{CONFIG}.predict: 'new_group' needs gro"),
    bad({"contrasts": [[1, 2]]}, f"{CONFIG}.contrasts: needs the rows of `new_data`; add it"),
    bad({"contrasts": [[1, 1]]}, f"{CONFIG}.contrasts[0]: [1, 1]; it must be two row numbers"),
    bad({"sampler": {"draws": 1}}, f"{CONFIG}.sampler.draws: 1; it must be a whole number"),
    bad({"interval": 0.9}, f"{CONFIG}: unknown key 'interval'"),
    # Priors
    bad({"priors": {"x": "normal"}}, f'{CONFIG}.priors.x: "normal" is not a prior'),
    bad({"priors": {"x": "norml(0, 1)"}}, f"{CONFIG}.priors.x: 'norml' is not a known family"),
    bad({"priors": {"x": "normal(0)"}}, f"{CONFIG}.priors.x: normal(0) has 1 arguments, it takes"),
    bad({"priors": {"x": "normal(0, -1)"}}, f"{CONFIG}.priors.x: normal(0, -1) has sigma = -1"),
    bad({"priors": {"sd": "normal(0, 1)"}}, f"{CONFIG}.priors.sd: the prior does not fit, this"),
    bad({"priors": {"x": "lkj(2)"}}, f"{CONFIG}.priors.x: the prior does not fit, a coefficient"),
    bad({"priors": {"X": "normal(0, 1)"}}, f"{CONFIG}.priors.X: no such parameter in the model; n"),
    bad({"priors": {"cor": "lkj(2)"}}, f"{CONFIG}.priors.cor: no such parameter in the model"),
    bad(
        {"formula": "y ~ x + (x || g)", "priors": {"cor_g": "lkj(2)"}},
        f"{CONFIG}.priors.cor_g: no such parameter in the model (only coefficients of one group",
    ),
    bad({"priors": {"nu": "gamma(2, 1)"}}, f"{CONFIG}.priors.nu: no such parameter in the model"),
    bad(
        {"sigma": "se", "priors": {"sigma": "half_normal(1)"}},
        f"{CONFIG}.priors.sigma: no such parameter in the model (sigma is known here)",
    ),
    # Formulas
    bad({"formula": "y + x"}, "formula 'y + x': no response"),
    bad({"formula": "y ~ x +"}, "formula 'y ~ x +': cannot be read"),
    bad({"formula": "y ~ (x"}, "formula 'y ~ (x': cannot be read"),
    bad({"formula": "y ~ `x"}, "formula 'y ~ `x': a quotation mark or backtick is not closed"),
    bad({"formula": "y ~ lag(x)"}, "formula 'y ~ lag(x)': function 'lag' cannot be used; nearest:"),
    bad({"formula": "y ~ open('t.csv')"}, "formula \"y ~ open('t.csv')\": function 'open' cannot"),
    bad({"formula": "y ~ x**2"}, "formula 'y ~ x**2': a power of a column is written I(x**2)"),
    bad({"formula": "y ~ y + x"}, "formula 'y ~ y + x': 'y' is on both sides"),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "t.csv: column 'x' must be numbers; row 4 is 'four'; if it is a set of labels, write C(x)",
        x="1|2|4|four|7|5",
    ),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "new.csv: formula 'y ~ x + (1 | x)': column 'x' must be numbers; row 2 is 'six'",
        new="x\n7\nsix\n",
    ),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "t.csv: column 'x' holds dates; make them numbers, such as days since the first (numbers "
        "like 20240131); if it is a set of labels, write C(x)",
        x="20240131|20240131|20240201|20240201|20240202|20240202",
    ),
    bad({"formula": "y ~ 0 + (1 | g)"}, "formula 'y ~ 0 + (1 | g)': no population-level coef"),
    bad({"formula": "y ~ (1|g) + (x|g)"}, "formula 'y ~ (1|g) + (x|g)': 'Intercept' varies by 'g'"),
    bad(
        {"formula": "y ~ x-id"},
        "formula 'y ~ x-id': the table has a column 'x-id', whose name goes in backticks: "
        "'y ~ `x-id`'",
        ("x,z,id", "x,z,x-id"),
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g) + (1 | z)", "sigma": "by_group"},
        "formula 'y ~ 1 + (1 | g) + (1 | z)': sigma 'by_group' needs exactly one grouping factor; "
        "there are 'g', 'z'",
    ),
    bad(
        {"sigma": "~ (1 | z)"},
        "formula 'y ~ x + (1 | g)': sigma '~ (1 | z)' is by 'z', but the groups are of 'g'",
    ),
    bad({"sigma": "y"}, "formula 'y ~ x + (1 | g)': column 'y' cannot be both the response and"),
    bad({"weights": "g"}, "formula 'y ~ x + (1 | g)': column 'g' cannot be both a grouping factor"),
    bad(
        {"formula": "y ~ 1 + (1 | sigma)"}, "formula 'y ~ 1 + (1 | sigma)': the grouping factor ca"
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g) + (1 | sd_g)"},
        "formula 'y ~ 1 + (1 | g) + (1 | sd_g)': the grouping factor cannot be called 'sd_g': "
        "results of factor 'g' have 'sd_g'",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | draw)"},
        "formula 'y ~ 1 + (1 | draw)': the grouping factor cannot be called 'draw': results have",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | log_sigma)"},
        "formula 'y ~ 1 + (1 | log_sigma)': the grouping factor cannot be called 'log_sigma'",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | `a/b`)"},
        "formula 'y ~ 1 + (1 | `a/b`)': the grouping factor cannot be called 'a/b'",
    ),
    # Configs
    bad_config(None, "config/config.yaml: no such file in "),
    bad_config("", "config/config.yaml: holds no keys"),
    bad_config("- studies", "config/config.yaml: holds no keys"),
    bad_config("studies: {s: [}", "config/config.yaml: line 1: not valid YAML ("),
    bad_config("studies:\n\ts: 1", "config/config.yaml: line 2: not valid YAML ("),
    bad_config("studies: *a", "config/config.yaml: line 1: not valid YAML ("),
    bad_config("a: 1\na: 2", "config/config.yaml: line 2: key 'a' is there already, in line 1"),
    bad_config("studies: {}", "config/config.yaml: no study; add one"),
    bad_config("studies: {s: }", "config/config.yaml: studies.s: no value given; it must be"),
    bad_config("seed: one\nstudies: {s: {}}", "config/config.yaml: studies.s: no `formula`"),
    bad_config("studies: {1: {}}", "config/config.yaml: line 1: the key '1' is read as a num"),
    bad_config(
        "interval: .inf\nstudies: {s: {}}", "config/config.yaml: interval: inf is not a fin"
    ),
    bad_config(b"studies: \xe9", "config/config.yaml: is not UTF-8; save it as UTF-8"),
    bad_config("seed: 1".encode("utf-16"), "config/config.yaml: is not UTF-8; save it as UTF-8"),
    bad_config("a: 1\nb: x\0y", "config/config.yaml: line 2: has the character U+0000, which is"),
    bad_config("#" + "x" * 10**7, "config/config.yaml: has 10 MB, and a config at most 10; for"),
    bad_config(f"seed: {'9' * 5000}", "config/config.yaml: line 1: the number 9999999999999999"),
    bad_config("interval: 1e400", "config/config.yaml: line 1: the number 1e400 is too large"),
    bad_config("seed: 010", "config/config.yaml: line 1: 010 is not read in the same way by every"),
    bad_config("seed: 1:30", "config/config.yaml: line 1: 1:30 is not read in the same way by"),
    bad_config("? [a, b]\n: 1", "config/config.yaml: line 1: a key must be text, not a list"),
    bad_config("? {a: b}\n: 1", "config/config.yaml: line 1: a key must be text, not a mapping"),
    bad_config("studies: {yes: 1}", "config/config.yaml: line 1: the key 'yes' is read as true or"),
    bad_config("~: 1", "config/config.yaml: line 1: the key '~' is read as no value; a"),
    bad_config("2026-01-01: 1", "config/config.yaml: line 1: the key '2026-01-01' is read as"),
    bad_config("studies: null", "config/config.yaml: no study; add one"),
    bad_config("a: 1\n---\nb: 1", "config/config.yaml: line 2: not valid YAML ("),
    bad_config("a: {<<: 3}", "config/config.yaml: line 1: not valid YAML (expected a mapping"),
    bad_config("a: !!python/name:os.system x", "config/config.yaml: line 1: the tag 'tag:yaml.org"),
    bad_config("a: !!set {b}", "config/config.yaml: line 1: the tag 'tag:yaml.org,2002:set' means"),
    bad_config("missing: drop", "config/config.yaml: unknown key 'missing'; it belongs to a study"),
    bad_config("__use_yte__: true", "config/config.yaml: unknown key '__use_yte__'; known: seed,"),
    bad_config("s: &s\n  t: *s", "config/config.yaml: line 1: this block contains itself by an al"),
    bad_config("s: &s\n  <<: *s", "config/config.yaml: line 1: this block contains itself by an"),
    bad_config(
        "a:\n - " + "[" * 99 + "]" * 99, "config/config.yaml: line 2: has more than 30 bloc"
    ),
    bad_config("a: [" + "x," * 2_000_000, "config/config.yaml: has over 1,000,000 values; a con"),
    bad_config("a: " + "[" * 10**6, "config/config.yaml: line 1: has more than 30 blocks within"),
    bad_config(
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000)),
        "config/config.yaml: line 31: the aliases in this block stand for over 1,000,000 values",
    ),
    bad_config(
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 10}]\n" for i in range(1, 9)),
        "config/config.yaml: line 7: the aliases in this block stand for over 1,000,000 values",
    ),
    bad_config('{"seed": 1, "seed": 2}', "config/config.yaml: key 'seed' is there twice; remove"),
    bad_config('{"seed": 1e999}', "config/config.yaml: seed: inf is not a finite number"),
    bad_config('{"a": ' + "[" * 9999 + "]" * 9999 + "}", "config/config.yaml: has more than 30 bl"),
    bad_config(
        "studies: {s: {data:t.csv, formula: y ~ x}}",
        "config/config.yaml: studies.s: unknown key 'data:t.csv'; put a space after the colon",
    ),
    bad_config(
        "studies: {s: {data: t.csv, formula: y ~ x, family: 2026-01-01}}",
        'config/config.yaml: studies.s.family: "2026-01-01"; it must be gaussian',
    ),
    bad_config(
        "studies: {radon: &s {data: t.csv, formula: y ~ x}, Radon: *s}",
        "config/config.yaml: studies.radon and studies.Radon are named 'radon' and 'Radon', one",
    ),
    bad({"trials": False}, f"{CONFIG}.trials: false; it must be a column of the table; yes"),
]
