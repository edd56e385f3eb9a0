"""One step run by hand with tools/step: in one process, with its real files and records."""

import os
import pstats
import subprocess
import sys

STEP = "results/hasty/comparison.csv"
MODULE = "workflow/scripts/partialpool/answers/loo.py"


def step(workflow, *command, typed="", fails=False) -> str:
    """Run tools/step with a Python command line before it; what was on the terminal."""
    tool = workflow.repository / "tools/step"
    place = ("--directory", workflow.folder)
    done = subprocess.run(
        [sys.executable, *command, tool, STEP, *place],
        input=typed,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if "SNAKEMAKE" not in name},
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def test_what_a_step_wrote_is_taken_as_done(finished, tmp_path):
    """And where it spent its time can be measured."""
    made = finished.folder / STEP
    before = made.read_bytes()
    made.unlink()
    assert "compare hasty" in finished.planned()
    assert f"wrote {STEP}" in step(finished, "-m", "cProfile", "-o", tmp_path / "profile")
    assert made.read_bytes() == before
    assert finished.planned() == set()
    measured = pstats.Stats(str(tmp_path / "profile")).stats
    assert any(file == str(finished.repository / MODULE) for file, _, _ in measured)


def test_a_breakpoint_stops_in_the_module(finished):
    finished.edit(MODULE, "\ndef compare(", "\nbreakpoint()\n\n\ndef compare(")
    said = step(finished, typed="p 'in', __name__\ncontinue\n")
    assert "('in', 'partialpool.answers.loo')" in said and f"wrote {STEP}" in said


def test_an_exception_is_raised_as_it_is(finished):
    finished.edit("workflow/scripts/compare.py", "    block = ", "    1 / 0\n    block = ")
    said = step(finished, fails=True)
    assert said.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "compare.py" in said
    assert "compare hasty" in finished.planned()


def test_a_step_without_its_inputs_says_what_comes_first(finished):
    (finished.folder / "results/hasty/pooled/posterior.nc").unlink()
    assert "its inputs come first: snakemake results/hasty/pooled/posterior.nc" in step(
        finished, fails=True
    )
    assert (finished.folder / STEP).exists()
