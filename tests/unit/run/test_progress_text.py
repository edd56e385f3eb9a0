"""The text of results/progress.txt: counts, durations, long lists and the estimate."""

import pytest
from logged_run import Run

from partialpool.run import progress_text


def test_a_study_is_done_with_its_last_step():
    run = Run(("fit", "a"), ("report", "a"), ("fit", "b"), ("report", "b"), ("index", None))

    def said():
        return run.progress.text().splitlines()[1]

    assert said() == "Studies: 0 of 2 done."
    for jobid, of in enumerate([("fit", "a"), ("fit", "b"), ("report", "b")]):
        run.start(jobid, *of)
    run.finish(0, 1)
    assert said() == "Studies: 0 of 2 done, 2 under way."
    run.finish(2)
    assert said() == "Studies: 1 of 2 done, 1 under way."
    run.start(3, "report", "a")
    run.finish(3)
    assert said() == "Studies: 2 of 2 done."
    assert "Studies" not in Run(("index", None), ("verdict", None)).progress.text()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (3570, "1 h 0 min"),
        (3 * 86400, "72 h 0 min"),
    ],
)
def test_how_long_it_has_been(seconds, said):
    run = Run(("fit", "a"))
    run.now = seconds
    assert run.progress.text().splitlines()[0].endswith(f"; running for {said}.")


def test_long_lists_are_cut():
    run = Run(*[("fit", f"s{i}") for i in range(1200)])
    for i in range(205):
        run.now = float(i)
        run.start(i, "fit", f"s{i}")
    listed = run.section("Started")
    assert listed[0].startswith("fit  s0 ") and listed[-1] == "and 180 more"
    assert len(listed) == progress_text.LISTED + 1
    assert "0 of 1,200 steps done, 205 started" in run.progress.text()


def test_the_estimate():
    """Forty fits of ten seconds, two at a time, and one step of a kind that comes once."""
    run = Run(*[("fit", f"s{i}") for i in range(40)], ("index", None))
    for i in range(0, 40, 2):
        left = run.progress.run.seconds_left(run.now)
        assert left is None if run.now < 60 else left == pytest.approx(200 - run.now, abs=6)
        run.start(i, "fit", f"s{i}")
        run.start(i + 1, "fit", f"s{i + 1}")
        run.now += 10
        run.finish(i, i + 1)


def test_no_estimate_before_the_long_steps_are_known():
    run = Run(*[(rule, f"s{i}") for i in range(40) for rule in ("ingest", "fit")])
    for i in range(40):
        run.start(i, "ingest", f"s{i}")
        run.now += 2
        run.finish(i)
    assert run.progress.run.seconds_left(run.now) is None
