"""What a change runs again, on the real DAG: that, and nothing else."""

import ast
import os
import shutil
from functools import partial

import pytest
import yaml
from running import ROOT

# What runs when one rule does, within the studies concerned.
END = {"index", "verdict"}
PAGES = {"report"} | END
PICTURES = {"figures"} | PAGES
JUDGED = {"diagnose", "predict", "compare", "recover"} | PICTURES
FITTED = {"fit", "check"} | JUDGED
READ = {"ingest", "new_data", "compress"} | FITTED
EVERYTHING = {"simulate"} | READ

ALL = {"simulated", "measured", "hasty"}
PACKAGE = "workflow/scripts/partialpool"


def jobs(workflow, rules, studies):
    """The jobs of these rules and studies that the config as it now is asks for."""
    config = yaml.safe_load((workflow.folder / "config/config.yaml").read_text(encoding="utf-8"))
    found = {"index", "verdict"}
    for name in studies:
        block = config["studies"][name]
        of_study = ["ingest", "compress", "compare", "figures", "report"]
        of_study += ["simulate", "recover"] if "simulate" in block else []
        of_study += ["new_data"] if "new_data" in block else []
        found |= {f"{rule} {name}" for rule in of_study}
        for variant in block.get("variants", ["pooled"]):
            found |= {
                f"{rule} {name}/{variant}" for rule in ("fit", "diagnose", "predict", "check")
            }
    return {job for job in found if job.split()[0] in rules}


def setting(change):
    """Edit the config: `change` is given all of it and its studies."""

    def edit(workflow):
        path = workflow.folder / "config/config.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(config, config["studies"])
        workflow.configure(config)

    return edit


def row(name, text):
    """Add a row to a table."""
    return partial(append, lambda workflow: workflow.folder / name, text)


def logic(path):
    """Add something that could matter to a file of the repository."""
    text = "\nADDED = 1\n" if path.endswith(".py") else "<!-- added -->\n"
    return partial(append, lambda workflow: workflow.repository / path, text)


def append(path, text, workflow):
    with path(workflow).open("a", encoding="utf-8") as file:
        file.write(text)


def other_words(path, old, new):
    """Edit a message in a module of the package."""
    return lambda workflow: workflow.edit(f"{PACKAGE}/{path}", old, new)


def cosmetics(workflow):
    """Lay out all code anew, without its comments and with other docstrings."""
    for path in workflow.repository.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            if documented and ast.get_docstring(node):
                node.body[0].value.value += " In other words."
        path.write_text(f"# Why.\n{ast.unparse(tree)}\n", encoding="utf-8")
    workflow.edit("workflow/rules/model.smk", '"""Draw from the', '"""Draw, from the')


def rewording(workflow):
    """Call a check by another name."""
    workflow.edit(f"{PACKAGE}/study/checks.py", 'label="R-hat"', 'label="potential scale"')


def dates(workflow):
    """Touch every table."""
    for path in (workflow.folder / "data").iterdir():
        path.touch()


def older(workflow):
    """Put another table in the place of one, dated long ago."""
    table = workflow.folder / "data/line.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("4,3.8", "4,3.9"), encoding="utf-8")
    os.utime(table, (1e9, 1e9))


def rename(config, studies):
    """Put the studies into another order."""
    studies["simulated"] = studies.pop("simulated")


CHANGES = {
    # what is changed: how, and what of which studies has to run
    "nothing": (lambda workflow: None, set(), set()),
    "docstrings, comments and layout": (cosmetics, set(), set()),
    "run/job.py": (logic(f"{PACKAGE}/run/job.py"), set(), set()),
    "run/plan.py": (logic(f"{PACKAGE}/run/plan.py"), set(), set()),
    "design/grammar.py, an error message": (
        other_words(
            "design/grammar.py", "no predictors; an intercept", "there is no predictor; one"
        ),
        set(),
        set(),
    ),
    "table/ingest.py, an error message": (
        other_words("table/ingest.py", "no row is complete", "all rows have gaps"),
        set(),
        set(),
    ),
    "dates of tables": (dates, set(), set()),
    "words about a check": (rewording, JUDGED, ALL),
    "engine/gaussian.py": (logic(f"{PACKAGE}/engine/gaussian.py"), FITTED, ALL),
    "engine/collapse.py": (logic(f"{PACKAGE}/engine/collapse.py"), FITTED, ALL),
    "table/simulate.py": (logic(f"{PACKAGE}/table/simulate.py"), EVERYTHING, {"simulated"}),
    "answers/recover.py": (
        logic(f"{PACKAGE}/answers/recover.py"),
        {"recover"} | PICTURES,
        {"simulated"},
    ),
    "answers/predictive_check.py": (
        logic(f"{PACKAGE}/answers/predictive_check.py"),
        {"check"} | PICTURES,
        ALL,
    ),
    "the page of a study": (logic("workflow/report/study.html"), PAGES, ALL),
    "the index": (logic("workflow/report/index.html"), END, ALL),
    "seed, with one study simulated anew": (
        setting(lambda c, s: (c.update(seed=8), s.pop("measured"), s.pop("hasty"))),
        EVERYTHING,
        {"simulated"},
    ),
    "seed, with tables that stay": (
        setting(lambda c, s: (c.update(seed=8), s.pop("simulated"))),
        FITTED,
        {"measured", "hasty"},
    ),
    "sampler": (
        setting(lambda c, s: c["sampler"].update(draws=310)),
        FITTED,
        {"simulated", "measured"},  # hasty has draws of its own
    ),
    "convergence": (setting(lambda c, s: c["convergence"].update(min_ess=99)), JUDGED, ALL),
    "interval": (setting(lambda c, s: c.update(interval=0.9)), JUDGED, ALL),
    "strict": (setting(lambda c, s: c.update(strict=True)), {"verdict"}, ALL),
    "a prior": (
        setting(lambda c, s: s["simulated"]["priors"].update(sd="half_normal(3)")),
        FITTED,
        {"simulated"},
    ),
    "a formula": (
        setting(lambda c, s: s["measured"].update(formula="y ~ 1 + (1 | site)")),
        READ,
        {"measured"},
    ),
    "a table dated long ago": (older, READ, {"hasty"}),
    "a table": (row("data/measured.csv", "east,3,2.5,\n"), READ, {"measured"}),
    "new rows": (row("data/new.csv", "east,3\n"), {"new_data", "predict"} | PICTURES, {"measured"}),
    "a study more": (setting(lambda c, s: s.update(extra=s["hasty"])), READ, {"extra"}),
    "a study less": (setting(lambda c, s: s.pop("hasty")), END, set()),
    "order of studies": (setting(rename), END, set()),
}


def test_every_key_of_a_run_has_its_change():
    """Those of a study are in test_plans.py."""
    text = (ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
    known = yaml.safe_load(text)["properties"].keys() - {"studies"}
    assert known <= {what.partition(",")[0] for what in CHANGES}


@pytest.mark.parametrize("what", CHANGES)
def test_change(finished, what):
    edit, rules, studies = CHANGES[what]
    edit(finished)
    expected = jobs(finished, rules, studies) if rules else set()
    assert finished.planned() == expected


@pytest.mark.parametrize(
    "what",
    [
        "nothing",
        "interval",
        "a formula",
        "a table dated long ago",
        "answers/predictive_check.py",
        "a prior",
    ],
)
def test_change_where_snakemakes_records_are_gone(finished, what):
    """As after copying a folder without `.snakemake`, and without its dates.

    Pages may be written anew: of a folder such as `figures`, Snakemake looks at the date.
    """
    shutil.rmtree(finished.folder / ".snakemake")
    results = sorted(finished.folder.glob("results/**/*"), reverse=True)
    for seconds, path in enumerate(results):
        os.utime(path, (1.7e9 + seconds, 1.7e9 + seconds))
    edit, rules, studies = CHANGES[what]
    edit(finished)
    expected = jobs(finished, rules, studies) if rules else set()
    assert expected <= finished.planned() <= expected | jobs(finished, PAGES, ALL)


def test_a_result_without_a_record_is_made_anew(finished):
    shutil.rmtree(finished.folder / "results/hasty/pooled/records")
    assert {"fit hasty/pooled", "report hasty"} <= finished.planned()
    assert not {job for job in finished.planned() if "simulated" in job or "ingest" in job}


def test_a_deleted_figure_is_made_anew(finished):
    next(finished.folder.glob("results/hasty/figures/*.svg")).unlink()
    assert finished.planned() == {"figures hasty", "report hasty", *END}


def test_a_variant_more_fits_that_variant_only(finished):
    setting(lambda c, s: s["simulated"].update(variants=["pooled", "unpooled", "hierarchical"]))(
        finished
    )
    before_pictures = {job for job in finished.planned() if job.split()[0] not in PICTURES}
    assert before_pictures == {
        *(f"{rule} simulated/unpooled" for rule in ("fit", "diagnose", "predict", "check")),
        "compare simulated",
        "recover simulated",
    }
