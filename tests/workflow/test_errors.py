"""What a user did wrong is said in one line, last on the screen, before anything is sampled."""

import pytest
from running import CONFIG, TABLES


def said(workflow, *arguments) -> str:
    """The one line of a run that must fail without a traceback."""
    output = workflow.run(*arguments, fails=True)
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if line.startswith("partialpool: ")]
    assert lines == output.splitlines()[-1:]
    return lines[0].removeprefix("partialpool: ")


def settings(**changes):
    """`CONFIG` with one of its studies changed."""
    studies = CONFIG["studies"]
    return CONFIG | {"studies": studies | {"measured": studies["measured"] | changes}}


@pytest.mark.parametrize(
    ("config", "telling"),
    [
        (
            settings(formla="y ~ x"),
            "config/config.yaml: studies.measured: unknown key 'formla'; nearest: 'formula'",
        ),
        (
            CONFIG | {"interval": "wide"},
            'config/config.yaml: interval: "wide"; it must be a probability between 0 and 1',
        ),
        (
            settings(data="data/mesured.csv"),
            "config/config.yaml: studies.measured.data: no file 'data/mesured.csv'; "
            "nearest: 'data/measured.csv'",
        ),
        (
            settings(new_data="data/news.csv"),
            "config/config.yaml: studies.measured.new_data: no file 'data/news.csv'; "
            "nearest: 'data/new.csv'",
        ),
        (
            settings(priors={"x": "norml(0, 1)"}),
            "config/config.yaml: studies.measured.priors.x: ",
        ),
        (
            settings(formula="y ~ x", variants=["hierarchical"]),
            "config/config.yaml: studies.measured.variants: 'hierarchical' needs groups",
        ),
    ],
)
def test_config(own_folder, config, telling):
    own_folder.tables()
    own_folder.configure(config)
    assert said(own_folder).startswith(telling)
    assert not (own_folder.folder / "results").exists()


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        (None, "config/config.yaml: no such file in "),
        ("studies:\n  a: {formula: [\n", "config/config.yaml: line 3: not valid YAML ("),
        ("studies: {a: {}}\nseed: 1\nseed: 2\n", "config/config.yaml: line 3: key 'seed' is there"),
        ("- studies\n", "config/config.yaml: holds no keys"),
        ("", "config/config.yaml: holds no keys"),
    ],
)
def test_config_that_is_no_config(own_folder, text, telling):
    if text is not None:
        (own_folder.folder / "config/config.yaml").write_text(text)
    assert said(own_folder).startswith(telling)


def test_a_second_config_is_named(own_folder):
    """Twice the same key in it, which Snakemake takes, and a mistake on the command line."""
    own_folder.configure(CONFIG)
    own_folder.tables()
    two = own_folder.folder / "config/two.yaml"
    two.write_text("seed: 1\nseed: 2\n")
    assert said(own_folder, "--configfile", two).startswith(
        "config/two.yaml: line 2: key 'seed' is"
    )
    two.write_text("studies: {hasty: {data: results/hasty/data.parquet}}\n")
    assert said(own_folder, "--configfile", two).startswith(
        "config/two.yaml: studies.hasty.data: 'results/hasty/data.parquet' is among the results"
    )
    assert said(own_folder, "--config", "interval=2").startswith("--config: interval: 2; it must")
    (own_folder.folder / "results").write_text("")
    assert said(own_folder).startswith("results: is a file, where a folder goes; move it")


def test_a_fit_needs_no_compile_directory_of_pytensor(finished):
    """Where a model has a density of ours, as all of the schema's have."""
    posterior = "results/hasty/hierarchical/posterior.nc"
    finished.run(posterior, "--forcerun", posterior, PYTENSOR_FLAGS="base_compiledir=/proc/none")


@pytest.mark.parametrize(
    ("name", "old", "new", "telling"),
    [
        ("measured", "site,x,y,", "sites,x,y,", "no column 'site'; nearest: 'sites'"),
        ("measured", "north,3,", "north,three,", "column 'x' must be numbers; row 4 is 'three'"),
        ("measured", TABLES["data/measured.csv"], "site,x,y,remark\n", "has no rows"),
        ("measured", "north,3,1.2,", "north,3,inf,", "column 'y' is infinite in row 4"),
        ("new", "nowhere,3", "nowhere,", "column 'x' has a missing value in row 4"),
        ("new", "north,2", "north,two", "column 'x' must be numbers; row 1 is 'two'"),
    ],
)
def test_table(own_folder, name, old, new, telling):
    """One core: all checks of tables come before any fit, whichever study they belong to."""
    own_folder.configure(CONFIG)
    path = f"data/{name}.csv"
    own_folder.tables(TABLES | {path: TABLES[path].replace(old, new)})
    assert said(own_folder, "--cores", "1").startswith(f"{path}: {telling}")
    assert not own_folder.results("*/*/*.nc")
    written = "measured/new_data*" if name == "new" else "measured/*"
    assert not {file for file in own_folder.results(written) if not file.endswith("/logs")}


def test_prior_of_what_the_model_has_not(own_folder):
    """Ingest knows the formula's coefficients, the config does not."""
    own_folder.configure(settings(priors={"sitee": "normal(0, 1)"}))
    own_folder.tables()
    assert said(own_folder, "--cores", "1").startswith(
        "config/config.yaml: studies.measured.priors"
    )
    assert not own_folder.results("*/*/*.nc")


def test_a_defect_points_to_its_traceback(finished):
    """An error nobody foresaw is one line too, and keeps its traceback in the log."""
    finished.edit("workflow/scripts/compare.py", "    block = ", "    1 / 0\n    block = ")
    output = finished.run("results/hasty/comparison.csv", "--forcerun", "compare", fails=True)
    assert output.splitlines()[-1] == (
        "partialpool: ZeroDivisionError: division by zero "
        "(traceback in results/hasty/logs/compare.log)"
    )
    log = (finished.folder / "results/hasty/logs/compare.log").read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in log
    assert "hasty/comparison.csv" not in finished.results("hasty/*.csv")
