"""One block for many studies, on the real DAG: a file more or less is its own affair."""

import re

TABLE = "x,y\n1,1.1\n2,1.9\n3,3.2\n4,3.8\n5,5.3\n6,5.9\n"
CONFIG = {
    "sampler": {"chains": 2, "draws": 50, "tune": 50, "attempts": 1},
    "strict": False,
    "studies": {"line": {"data": "data/*.csv", "formula": "y ~ x"}},
}
END = {"index", "verdict"}


def of(jobs):
    """The studies that jobs are of."""
    return {found[1] for job in jobs if (found := re.search(r" (\w+)", job))}


def test_a_file_more_or_less_leaves_the_other_studies_alone(own_folder):
    own_folder.configure(CONFIG)
    own_folder.tables({f"data/{name}.csv": TABLE for name in "abc"})
    first = own_folder.planned()
    assert of(first) == {"line_a", "line_b", "line_c"}
    own_folder.run()
    assert own_folder.planned() == set()

    own_folder.tables({"data/d.csv": TABLE})
    more = own_folder.planned()
    assert of(more) == {"line_d"}
    assert more == END | {job.replace("line_a", "line_d") for job in first if "line_a" in job}

    for name in "bd":
        (own_folder.folder / f"data/{name}.csv").unlink()
    assert own_folder.planned() == END
