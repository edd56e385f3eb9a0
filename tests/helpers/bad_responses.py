"""Wrong responses, and columns that say how they come about, with the beginning of each message."""

from bad_inputs import BINARY, BINOMIAL, COUNTS, POSITIVE, SHARES, bad

BAD_RESPONSES = [
    # The response, and the columns that say how it comes about
    bad(
        BINARY,
        "t.csv: the response 'b' is 2 in row 4; family bernoulli takes 0 or 1; counts fit families",
        b="0|1|0|2|1|0",
    ),
    bad(
        BINARY,
        "t.csv: the response 'b' is 2 in row 2; family bernoulli takes 0 or 1; make 1 and 2 0 and",
        b="1|2|1|2|2|1",
    ),
    bad(
        BINARY,
        "t.csv: column 'b' must be numbers; row 1 is 'no'; it is 'no', 'yes': make it 0 and 1",
        b="no|yes|no|yes|yes|no",
    ),
    bad(
        BINARY | {"formula": "y ~ x"},
        "t.csv: the response 'y' is 1.5 in row 1; family bernoulli takes 0 or 1; other numbers fit",
    ),
    bad(
        COUNTS,
        "t.csv: the response 'c' is -5 in row 4; family poisson takes whole numbers, 0 or more; "
        "other numbers fit families gaussian and student_t",
        c="0|2|1|-5|3|0",
    ),
    bad(COUNTS, "t.csv: the response 'c' is 5.5 in row 4; family poisson", c="0|2|1|5.5|3|0"),
    bad(
        COUNTS | {"family": "negative_binomial"},
        "t.csv: the response 'c' is 1e+20 in row 4; family negative_binomial",
        c="0|2|1|1e20|3|0",
    ),
    bad(
        BINOMIAL,
        "t.csv: the response 'c' is 5, of 3 trials, in row 4; family binomial takes whole numbers",
        n="3|3|4|3|3|2",
    ),
    bad(
        BINOMIAL | {"formula": "se ~ 1"},
        "t.csv: the response 'se' is 0.5, of 3 trials, in row 1; family binomial takes whole "
        "numbers from 0 to the row's trials; give the number of successes, not their share",
    ),
    bad(
        BINOMIAL | {"family": "beta_binomial"},
        "t.csv: the response 'c' is 5, of 3 trials, in row 4; family beta_binomial takes whole n",
        n="3|3|4|3|3|2",
    ),
    *(
        bad(
            POSITIVE | {"family": family},
            f"t.csv: the response 'y' is {value} in row 2; family {family} takes numbers over 0; "
            "other numbers fit families gaussian",
            y=f"1.5|{value}|3.1|0.2|4.4|2.9",
        )
        for family, value in (("lognormal", "0"), ("gamma", "-1.5"), ("weibull", "0"))
    ),
    *(
        bad(
            POSITIVE | {"family": family},
            f"t.csv: the response 'y' is -0.2 in row 4; family {family} takes numbers, 0 or more",
            y="1.5|0|3.1|-0.2|4.4|2.9",
        )
        for family in ("hurdle_lognormal", "hurdle_gamma")
    ),
    *(
        bad(
            COUNTS | {"family": family},
            f"t.csv: the response 'c' is 5.5 in row 4; family {family} takes whole numbers, 0 or m",
            c="0|2|1|5.5|3|0",
        )
        for family in ("zero_inflated_poisson", "hurdle_poisson", "hurdle_negative_binomial")
    ),
    bad(
        POSITIVE | {"family": "exponential"},
        "t.csv: the response 'y' is -3 in row 2; family exponential takes numbers over 0",
        y="1|-3|3|2|4|2",
    ),
    bad(POSITIVE, "t.csv: column 'y' is infinite in row 2", y="1.5|inf|3.1|0.2|4.4|2.9"),
    bad(
        SHARES,
        "t.csv: the response 'se' is 0 in row 2; family beta takes numbers between 0 and 1, which "
        "are excluded; with counts behind the shares, give these as the response, their totals",
        se="0.5|0|0.6|0.5|0.7|0.2",
    ),
    bad(
        SHARES,
        "t.csv: the response 'se' is 1 in row 6; family beta takes numbers between 0 and 1",
        se="0.5|0.4|0.6|0.5|0.7|1",
    ),
    bad(
        SHARES | {"formula": "y ~ x + (1 | g)"},
        "t.csv: the response 'y' is 15.5 in row 1; family beta takes numbers between 0 and 1, "
        "which are excluded; divide percentages by 100",
        y="15.5|25|31|2|44|100",
    ),
    bad(
        SHARES | {"formula": "y ~ x + (1 | g)"},
        "t.csv: the response 'y' is -2 in row 4; family beta takes numbers between 0 and 1, which "
        "are excluded; other numbers fit families gaussian and student_t",
        y="0.5|0.4|0.6|-2|0.7|0.9",
    ),
    bad(
        BINOMIAL,
        "t.csv: trials must be whole numbers, 1 or more; column 'n' is 0 in row 6",
        n="3|3|4|6|3|0",
    ),
    bad(
        BINOMIAL,
        "t.csv: trials must be whole numbers, 1 or more; column 'n' is 2.5 in row 6",
        n="3|3|4|6|3|2.5",
    ),
    bad(BINOMIAL | {"trials": "z"}, "t.csv: column 'z' must be numbers; row 1 is 'u'"),
    bad(BINOMIAL, "t.csv: column 'n' has a missing value in row 6", n="3|3|4|6|3|"),
    bad(
        {"sigma": "se"},
        "t.csv: standard errors must be over 0; column 'se' is -0.4 in row 2",
        ("0.4", "-0.4"),
    ),
    bad({"weights": "b"}, "t.csv: weights must be over 0; column 'b' is 0 in row 1"),
    bad({"precision_weights": "b"}, "t.csv: precision weights must be over 0; column 'b' is 0 in"),
    bad(COUNTS | {"exposure": "b"}, "t.csv: exposure must be over 0; column 'b' is 0 in row 1"),
    bad(
        COUNTS | {"offset": "id"},
        "t.csv: an offset is added on the scale of the log and must be between -100 and 100 (what "
        "counts are proportional to is an `exposure`); column 'id' is 600 in row 6",
        id="1|2|3|4|5|600",
    ),
]
