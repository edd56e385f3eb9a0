"""Wrong tables and rows to predict, with the beginning of each error message."""

import gzip

from bad_inputs import (
    BINOMIAL,
    CONFIG,
    COUNTS,
    NEW,
    TABLE,
    bad,
    bad_file,
)

BAD_TABLES = [
    # Columns
    bad({"formula": "y ~ xx"}, "t.csv: no column 'xx'; nearest: 'x'"),
    bad({"formula": "y ~ weight"}, "t.csv: no column 'weight'; there are 'g', 'y', 'b', 'c', 'n'"),
    bad({}, "t.csv: no column 'g'; nearest: 'G'", ("g,y", "G,y")),
    bad({}, "t.csv: no column 'x'; nearest: ' x'", (",x,", ", x,")),
    bad({}, "t.csv: two columns are called 'x'; rename one", (",z,", ",x,")),
    bad({}, "t.csv: no column 'y'; there are 'g|y|b|c|n|se|x|z|id'", (",", "|")),
    bad({"sigma": "s"}, "t.csv: no column 's'; nearest: 'se'"),
    bad({"sigma": "by group"}, "t.csv: no column 'by group'"),
    bad({"key": ["id", "visit"]}, "t.csv: no column 'visit'"),
    bad(
        {"formula": "y ~ mean"},
        "t.csv: column 'mean' has the name of a result; rename it",
        (",x,", ",mean,"),
    ),
    # Values
    bad({}, "t.csv: column 'y' has a missing value in row 2; fill", (",2.5,", ",,")),
    bad({}, "t.csv: column 'x' has 2 missing values, the first in row 3", x="1|2|NA||7|5"),
    bad({}, "t.csv: column 'g' has a missing value in row 1", ("a,1.5", " ,1.5")),
    bad({}, "t.csv: column 'y' must be numbers; row 2 is '2.5 kg'", (",2.5,", ",2.5 kg,")),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is '-'", (",1.5,", ",-,")),
    bad({}, "t.csv: column 'x' must be numbers; row 4 is 'three'; if it is", x="1|2|4|three|7|5"),
    bad({}, "t.csv: column 'x' is infinite in row 6", x="1|2|4|3|7|inf"),
    bad({}, "t.csv: column 'x' is too large (1e+60) in row 6", x="1|2|4|3|7|1e60"),
    bad(
        {"formula": "y ~ exp(x)"},
        "t.csv: formula 'y ~ exp(x)': 'exp(x)' is 7.2",
        x="1|2|4|3|200|5",
    ),
    bad({"formula": "log(c) ~ x"}, "t.csv: formula 'log(c) ~ x': 'log(c)' is -inf in row 1"),
    bad(
        {"formula": "z ~ x"},
        "t.csv: column 'z' must be numbers; row 1 is 'u'; it is 'u', 'v': make it 0 and 1",
    ),
    bad({"formula": "y ~ log(z)"}, "t.csv: column 'z' must be numbers; row 1 is 'u'"),
    bad(
        {},
        "t.csv: column 'y' must be numbers; row 1 is '1,5'; write 1.5 (decimals with a point",
        (",", ";"),
        ("1.5", "1,5"),
    ),
    # Numbers written in another way, whole columns of them and single cells
    *(
        bad(
            {},
            f"t.csv: column 'x' must be numbers; row 1 is {cells.split('|')[0]!r}; {hint}",
            x=cells,
        )
        for cells, hint in {
            "1 %|2 %|4 %|3 %|7 %|5 %": "write 1 (decimals with a point, and no",
            "−1|2|4|3|7|5": "write -1 (",
            "$1|$2|$4|$3|$7|$5": "write 1 (",
            "€ 3|2|4|3|7|5": "write 3 (",
            "1 kg|2 kg|4 kg|3 kg|7 kg|5 kg": "write 1 (",
            "5m|2m|4m|3m|7m|5m": "write 5 (",
            "5 kg|2 lb|4|3|7|5": "write numbers of one unit in all rows: decimals",
            "1.5k|2k|4k|900|7k|5k": "write decimals with a point",
            "(2.5)|2|4|3|7|5": "write -2.5 (",
            "1_000|2_000|4|3|7|5": "write 1000 (",
            "1'000|2'000|4'000|3|7|5": "write 1000 (",
            "1.234.567|2.000.000|4|3|7|5": "write decimals with a point, and no thousands",
            "½|2|4|3|7|5": "write decimals with a point",
            "１２|３|４|３|７|５": "write 12 (",
            "٣|٤|٥|٣|٧|٥": "write 3 (",
            "\u200b5|2|4|3|7|5": "write 5 (",
            "5\u00a0|2|4|3|7|5": "write 5 (",
            "1\t000|2|4|3|7|5": "write 1000 (",
            "1.5×10⁻³|2|4|3|7|5": "write decimals with a point",
            "0.5 (0.1)|0.2 (0.1)|0.1 (0.1)|0.3 (0.2)|1 (0.1)|2 (0.3)": "write decimals",
            "<0.1|<0.1|<0.1|<0.1|0.7|0.5": "a bound is no number: write the one it stands for, or",
            "5+|2|4|3|7|5": "a bound is no number",
            ".|.|.|.|7|5": "write NA, without quotation marks, for a missing value; if it is",
            "#DIV/0!|2|4|3|7|5": "write NA, without quotation marks",
            "x14|2|4|3|7|5": "if it is a set of labels, write C(x) in the formula",
        }.items()
    ),
    bad({}, "t.csv: column 'x' must be numbers; row 3 is '4l'; if it", x="1|2|4l|3|7|5"),
    bad(
        {}, "t.csv: column 'x' must be numbers; row 6 is 'x', the name of the col", x="1|2|4|3|7|x"
    ),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is '−1'; write -1 (", ("1.5", "−1")),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is 'NA'; write NA, wi", ("1.5", '"NA"')),
    *(
        bad({}, f"t.csv: column 'x' holds {what}; make them numbers, such as {unit} since", x=cells)
        for cells, what, unit in (
            ("25/01/2024|26/01/2024|27/01/2024|01/02/2024|02/02/2024|03/02/2024", "dates", "days"),
            ("1/25/24|1/26/24|1/27/24|2/1/24|2/2/24|2/3/24", "dates", "days"),
            ("2024/01/25|2024/01/26|2024/01/27|2024/2/1|2024/2/2|2024/2/3", "dates", "days"),
            ("25-Jan-24|26-Jan-24|27-Jan-24|1-Feb-24|2-Feb-24|unknown", "dates", "days"),
            ("Jan 2024|Feb 2024|Mär 2024|avril 2024|Sept. 2024|Dec 2024", "dates", "days"),
            ("2024-01|2024-02|2024-03|2024-04|2024-05|2024-06", "dates", "days"),
            ("25.1.2024|26.1.2024|27.1.2024|1.2.2024|2.2.2024|3.2.2024", "dates", "days"),
            (
                "2024-01-05T10:00Z|2024-01-06|2024-01-07|2024-01-08|2024-01-09|2024-01-10",
                "dates",
                "days",
            ),
            ("20240105|20240106|20240107|20240201|20240202|20240203", "dates", "days"),
            ("202401|202402|202403|202404|202405|202406", "dates", "days"),
            ("12:30|12:45|13:05|9:05 AM|9:10|10:20", "times", "minutes"),
        )
    ),
    bad(
        {"formula": "y ~ `the day`"},
        "t.csv: column 'the day' holds dates; make them numbers, such as days since the first "
        "(row 1 is 'January 5, 2024'); if it is a set of labels, write C(`the day`) in the formula",
        (",x,", ",the day,"),
        (",1,u,", ',"January 5, 2024",u,'),
        (",2,v,", ',"January 6, 2024",v,'),
        (",4,u,", ',"January 7, 2024",u,'),
        (",3,v,", ',"January 8, 2024",v,'),
        (",7,v,", ',"January 9, 2024",v,'),
        (",5,u,", ',"January 10, 2024",u,'),
    ),
    bad({}, "t.csv: column 'g' has a NUL byte in row 3", ("b,3.1", "b\0,3.1")),
    bad({}, "t.csv: column 'y' has a NUL byte in row 3", (",3.1", ",3.1\0")),
    bad({}, "t.csv: predictor 'x' is '1' in every row; leave it out", x="1|1|1|1|1|1"),
    bad({}, "t.csv: column 'g' has one group only, 'a'; two are needed", g="a|a|a|a|a|a"),
    bad(
        {"formula": "y ~ C(id) + x"},
        "t.csv: formula 'y ~ C(id) + x': 7 coefficients cannot be estimated from 6 rows",
    ),
    bad(
        {"formula": "y ~ x + I(x * 2)"},
        "t.csv: formula 'y ~ x + I(x * 2)': columns 'x', 'I(x * 2)' are collinear",
    ),
    bad(
        {"formula": "y ~ x + I(x - x)"},
        "t.csv: formula 'y ~ x + I(x - x)': column 'I(x - x)' is zero in every row",
    ),
    bad({}, "t.csv: the response 'y' is 3 in every row", y="3|3|3|3|3|3"),
    bad(
        {},
        "t.csv: the response 'y' is given exactly by 'x', so its residual standard deviation "
        "(sigma) is zero and cannot be estimated; leave 'x' out of the formula, or give `sigma` a",
        y="1|2|4|3|7|5",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g)"},
        "t.csv: the response 'y' is given exactly by the groups of 'g'",
        y="1|1|2|2|5|5",
    ),
    bad(
        {"sigma": "by_group", "formula": "y ~ 1 + (1 | g)"},
        "t.csv: the predictors give the response 'y' exactly in all rows of group 'b' of 'g', so "
        "the group's sigma is zero and cannot be estimated; set `sigma` to estimated or",
        y="1|1.1|2|2|4|5",
    ),
    bad(
        {"missing": "drop"},
        "t.csv: no row is complete; columns 'y', 'x' have missing values",
        y="1|2|3|||",
        x="|||1|2|3",
    ),
    bad({"missing": "drop"}, "t.csv: column 'y' is empty", y="|||NA|nan|"),
    bad(
        {"missing": "drop"},
        "t.csv: predictor 'x' is '1' in every row",
        y="1||3|2|5|",
        x="1|2|1|1|1|3",
    ),
    bad({"key": ["g"]}, "t.csv: rows 1 and 2 have the same key: g 'a'; leave out one of them"),
    bad({"key": ["id", "z"]}, "t.csv: rows 2 and 4 have the same key: id '2', z 'v'", (",4", ",2")),
    # Rows to predict
    bad({"new_data": "nev.csv"}, f"{CONFIG}.new_data: no file 'nev.csv'"),
    bad({"contrasts": [[1, 3]]}, "new.csv: `contrasts` has [1, 3], and there is no row 3", new=NEW),
    bad({}, "new.csv: is empty", new=""),
    bad({}, "new.csv: has no rows", new="g,x\n"),
    bad({}, "new.csv: no column 'x'; nearest: 'X'", new="g,X\na,1\n"),
    bad({}, "new.csv: no column 'g'", new="x\n1\n"),
    bad(
        {"missing": "drop"},
        "new.csv: column 'x' has a missing value in row 2; fill it in",
        new="g,x\na,1\nb,\n",
    ),
    bad(
        {}, "new.csv: column 'x' must be numbers; row 2 is '−1'; write -1 (", new="g,x\na,1\nb,−1\n"
    ),
    bad({}, "new.csv: column 'x' holds dates; make them numbers", new="g,x\na,25/01/2024\n"),
    bad({}, "new.csv: column 'x' must be numbers; row 1 is 'high'", new="g,x\na,high\n"),
    bad({}, "new.csv: column 'mean' has the name of a result; rename it", new="g,x,mean\na,1,1\n"),
    bad({}, "new.csv: column 'note' has the name of a result; rename it", new="g,x,note\na,1,1\n"),
    bad(
        {"formula": "y ~ z"},
        "new.csv: formula 'y ~ z': 'w' in row 2 of 'z' was not in the fitted table; known: 'u', 'v",
        new="z\nu\nw\n",
    ),
    bad(
        {"formula": "y ~ log(x)"},
        "new.csv: formula 'y ~ log(x)': 'log(x)' is -inf in row 1",
        new="x\n0\n",
    ),
    bad(BINOMIAL, "new.csv: no column 'n'", new="g\na\n"),
    bad(
        BINOMIAL,
        "new.csv: trials must be whole numbers, 1 or more; column 'n' is 0 in row 1",
        new="g,n\na,0\n",
    ),
    bad(COUNTS | {"exposure": "n"}, "new.csv: no column 'n'", new="g,x\na,1\n"),
    bad(
        COUNTS | {"exposure": "n"},
        "new.csv: exposure must be over 0; column 'n' is -1 in row 1",
        new="g,x,n\na,1,-1\n",
    ),
    bad(
        {"sigma": "se"},
        "new.csv: standard errors must be over 0; column 'se' is 0 in row 1",
        new="g,x,se\na,1,0\n",
    ),
    bad({}, "new.csv: row 2 has 1 cells, the header has 2", new="g,x\na,1\nb\n"),
    # Files
    bad_file("", "t.csv: is empty"),
    bad_file("\n\n", "t.csv: is empty"),
    bad_file(TABLE.splitlines()[0], "t.csv: has no rows"),
    bad_file(TABLE + "a,1\n", "t.csv: row 7 has 2 cells, the header has 9 (separated by commas)"),
    bad_file(TABLE.replace(",u,1", ",u,1,"), "t.csv: row 1 has 10 cells, the header has 9"),
    bad_file(TABLE.replace("b,3.1", '"b,3.1'), "t.csv: row 3 has"),
    bad_file(
        TABLE.replace("a,2.5", "å,2.5").encode("latin-1"),
        "t.csv: is not UTF-8: column 'g' in row 2 may be 'å'; save it as UTF-8",
    ),
    bad_file(TABLE.replace("id", "né").encode("latin-1"), "t.csv: is not UTF-8: its header"),
    bad_file(TABLE.encode("utf-16"), "t.csv: has NUL bytes, so it is not a CSV file in UTF-8"),
    bad_file(TABLE.encode("utf-16-le"), "t.csv: has NUL bytes, so it is not a CSV file in UTF-8"),
    bad_file(bytes(range(256)) * 9, "t.csv: "),
    bad_file(b"\0" * 99, "t.csv: has NUL bytes"),
    bad_file(gzip.compress(TABLE.encode()), "t.csv: has NUL bytes"),
    bad_file(TABLE, "t.csv.gz: cannot be read (", "t.csv.gz"),
    bad_file(gzip.compress(TABLE.encode())[:60], "t.csv.gz: cannot be read (", "t.csv.gz"),
    bad_file(TABLE, "t.xlsx: is neither .csv nor .parquet", "t.xlsx"),
    bad_file(TABLE, "t.parquet: is not a Parquet file, or a damaged one (", "t.parquet"),
    bad_file("", "t.parquet: is not a Parquet file, or a damaged one (", "t.parquet"),
    bad_file(TABLE, "parts: is not a Parquet file, or a damaged one ('in a.pa", "parts/a.parquet"),
    bad_file(TABLE, f"{CONFIG}.data: folder 'parts' has no .parquet files", "parts/a.csv"),
]
