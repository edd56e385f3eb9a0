"""What is run again, and how, on the real DAG of studies that are taken for done; none is run."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from running import ROOT, Workflow

# What runs when one rule does.
PICTURES = {"figures", "report"}
FITTED = {"fit", "diagnose", "predict", "contrasts", "check", "compare"} | PICTURES
READ = {"ingest", "new_data", "compress"} | FITTED
COMPRESSED = {"compress_part", "compress_merge"} | FITTED

EVERY = {
    "data": "data/measured.csv",
    "formula": "y ~ x + (1 | site)",
    "variants": ["pooled", "hierarchical"],
    "new_data": "data/new.csv",
    "contrasts": [[1, 2]],
    "priors": {"x": "normal(0, 1)"},
}
TRUTH = {"groups": 4, "rows": 6, "coefficients": {"Intercept": "normal(1, 1)"}, "sigma": 1}
SIMULATED = {
    "simulate": TRUTH,
    "formula": "y ~ 1 + (1 | group)",
    "new_data": "data/new.csv",
    "contrasts": [[1, 2]],
    "variants": ["hierarchical"],
}
FAMILIES = {"binomial": {"family": "binomial", "trials": "n"}, "poisson": {"family": "poisson"}}

KEYS = {
    # key of a study: besides EVERY, before and after, and the rules that run again
    "table": ({"table": "config/a.csv"}, {"table": "config/b.csv"}, set()),  # of equal rows
    "data": ({}, {"data": "data/copy.csv"}, READ),
    "simulate": (SIMULATED, {"simulate": TRUTH | {"sigma": 2}}, {"simulate", "recover"} | READ),
    "formula": ({}, {"formula": "y ~ 1 + (1 | site)"}, READ),
    "family": ({}, {"family": "student_t"}, READ),
    "trials": (FAMILIES["binomial"], {"trials": "m"}, READ),
    "offset": ({"offset": "m"}, {"offset": "n"}, READ),
    "exposure": (FAMILIES["poisson"], {"exposure": "n"}, READ),
    "weights": ({"weights": "m"}, {"weights": "n"}, READ),
    "precision_weights": ({}, {"precision_weights": "n"}, READ),
    "sigma": ({}, {"sigma": "by_group"}, READ),
    "group_effects": ({}, {"group_effects": "student_t"}, READ),
    "missing": ({}, {"missing": "drop"}, READ),
    "key": ({"key": ["n"]}, {"key": ["n", "m"]}, READ),
    "parts": ({}, {"parts": 2}, COMPRESSED),
    "priors": ({}, {"priors": {"x": "normal(0, 2)"}}, FITTED),
    "priors, of other values": ({}, {"priors": {"x": "gamma(2, 1)"}}, READ),  # checked by ingest
    "variants": ({}, {"variants": ["hierarchical"]}, {"compare"} | PICTURES),
    "new_data": (
        {},
        {"new_data": "data/copied.csv"},
        {"new_data", "predict", "contrasts"} | PICTURES,
    ),
    "predict": ({}, {"predict": ["new_group"]}, {"predict", "contrasts"} | PICTURES),
    "contrasts": ({}, {"contrasts": [[2, 1]]}, {"new_data", "predict", "contrasts"} | PICTURES),
    "sampler.chains": ({}, {"sampler": {"chains": 3}}, FITTED),
    "sampler.draws": ({}, {"sampler": {"draws": 11}}, FITTED),
    "sampler.tune": ({}, {"sampler": {"tune": 11}}, FITTED),
    "sampler.target_accept": ({}, {"sampler": {"target_accept": 0.8}}, FITTED),
    "sampler.attempts": ({}, {"sampler": {"attempts": 2}}, FITTED),
}
PREDICTED = KEYS["new_data"][2]
FOLDERS = {
    # what is done to a folder of parts: the parts it has then, by name, and what is in them
    "the first left out": {"b": "2"},
    "the last left out": {"a": "1"},
    "one more": {"a": "1", "b": "2", "c": "3"},
    "one edited": {"a": "1", "b": "3"},
}
COPIES = 22  # as many as the outputs of a study that has everything, and one variant
COPY = "copy_{}"


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """All jobs before and after each study was changed, and what was deleted of each copy."""
    workflow = Workflow(tmp_path_factory.mktemp("plans") / "analysis")
    workflow.tables()
    for name, table in (("measured", "copy"), ("new", "copied")):
        shutil.copy(workflow.folder / f"data/{name}.csv", workflow.folder / f"data/{table}.csv")
    for name in "ab":
        (workflow.folder / f"config/{name}.csv").write_text("name\none\n", encoding="utf-8")
    studies = {COPY.format(i): SIMULATED for i in range(COPIES)}
    studies |= {
        study_of(key): (before if key == "simulate" else EVERY | before)
        for key, (before, _, _) in KEYS.items()
    }
    for key in ("data", "new_data"):
        for what in FOLDERS:
            name = study_of(f"{key} {what}")
            studies[name] = EVERY | {key: f"data/{name}"}
            write_parts(workflow.folder / f"data/{name}", {"a": "1", "b": "2"})
    workflow.configure({"studies": studies})
    before = workflow.jobs("--cores", "1000", PRETEND="1")

    outputs = [path for one in of_study(before, COPY.format(0)) for path in one["outputs"]]
    deleted = {}
    for i, output in enumerate(outputs):
        deleted[COPY.format(i)] = path = output.replace(COPY.format(0), COPY.format(i))
        place = workflow.folder / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    for key in ("data", "new_data"):
        for what, parts in FOLDERS.items():
            write_parts(workflow.folder / "data" / study_of(f"{key} {what}"), parts)
    for key, (_, after, _) in KEYS.items():
        studies[study_of(key)] = studies[study_of(key)] | after
    workflow.configure({"studies": studies})
    fits = sum(one["rule"] == "fit" for one in before)
    after = workflow.jobs("--cores", str(3 * fits))
    return before, after, deleted


def write_parts(folder, parts) -> None:
    """Write a folder of parts, none of which will be read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in parts.items():
        (folder / f"{name}.parquet").write_text(text, encoding="utf-8")


def study_of(key: str) -> str:
    return "of_" + "_".join(re.findall(r"\w+", key))


def of_study(jobs, name) -> list[dict]:
    """Jobs of one study."""
    return [one for one in jobs if one["of"].get("study", "").removesuffix("_one") == name]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_study_reruns_what_depends_on_it(plans, key):
    _, after, _ = plans
    planned = {one["rule"] for one in of_study(after, study_of(key)) if one["planned"]}
    assert planned == KEYS[key][2]


@pytest.mark.parametrize("what", FOLDERS)
@pytest.mark.parametrize(("key", "rules"), [("data", READ), ("new_data", PREDICTED)])
def test_parts_of_a_folder_are_told_by_what_is_in_them(plans, key, rules, what):
    _, after, _ = plans
    jobs = of_study(after, study_of(f"{key} {what}"))
    planned = {one["rule"] for one in jobs if one["planned"]}
    assert planned == rules


def test_all_parts_that_share_a_table_are_merged(plans):
    jobs = of_study(plans[1], study_of("parts"))
    made = {one["of"]["part"]: one["outputs"] for one in jobs if one["rule"] == "compress_part"}
    [merge] = [one for one in jobs if one["rule"] == "compress_merge"]
    assert sorted(made) == ["1", "2"]
    assert merge["input"]["parts"] == [*made["1"], *made["2"]]


def test_every_key_of_a_study_has_its_row():
    text = (ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
    known = yaml.safe_load(text)["properties"]["studies"]["additionalProperties"]["properties"]
    keys = (known.keys() - {"sampler"}) | {
        f"sampler.{key}" for key in known["sampler"]["properties"]
    }
    assert {key.partition(",")[0] for key in KEYS} == keys


def test_a_run_asks_for_every_file(plans):
    """Or it would not miss one until something upstream of it has changed."""
    for one in plans[0]:
        assert set(one["asked"]) == set(one["outputs"])
    parts = {one["rule"]: one["asked"] for one in of_study(plans[1], study_of("parts"))}
    assert not parts["compress_part"] and parts["compress_merge"]


def test_whatever_is_deleted_is_missed(plans):
    """By the step that makes it, and by all that comes after."""
    _, after, deleted = plans
    assert len(deleted) == COPIES
    for name, path in deleted.items():
        again = {path}
        expected = set()
        for one in of_study(after, name):  # each comes after those it needs
            if not again.isdisjoint([*one["inputs"], *one["outputs"]]):
                again |= set(one["outputs"])
                expected.add(one["rule"])
        planned = {one["rule"] for one in of_study(after, name) if one["planned"]}
        assert planned == expected, path


def test_every_job_has_a_log_of_its_own(plans):
    """Named after it, in the folder of its study."""
    jobs = [*plans[0], *of_study(plans[1], study_of("parts"))]
    logs = {}
    for one in jobs:
        of = one["of"]
        name = "_".join(filter(None, (of.get("variant"), one["rule"], of.get("part"))))
        [log] = one["logs"]
        assert Path(log) == Path("results", of.get("study", ""), "logs", f"{name}.log")
        assert logs.setdefault(log, one["outputs"]) == one["outputs"]


def test_what_a_job_may_take(plans):
    """Twice as much the second time; and chains run at once where cores would idle."""
    before, after, _ = plans
    for one in [*before, *after]:
        once, twice = one["resources"]
        assert once["mem_mb"] >= 500 and once["runtime"] >= 5
        assert twice == {name: 2 * amount for name, amount in once.items()}
    for jobs, chains in ((before, 4), (after, 3)):
        assert {one["threads"] for one in jobs if one["rule"] == "fit"} == {chains}
        assert {one["threads"] for one in jobs if one["rule"] != "fit"} == {1}


def test_all_gates_come_before_any_fit(plans):
    """Tables of all studies, in order of their steps; what comes after a fit is in no hurry."""
    for jobs in plans[:2]:
        priorities = {one["rule"]: one["priority"] for one in jobs}
        checking = ["simulate", "ingest", "new_data", "compress"]
        found = [priorities.pop(rule) for rule in checking]
        assert found == sorted(set(found), reverse=True)
        for rule in ("compress_part", "compress_merge"):
            assert priorities.pop(rule, found[-1]) == found[-1]
        assert set(priorities.values()) == {0}


def test_files_of_fits_are_in_the_order_of_their_names(plans):
    """Scripts tell them apart by their order."""
    for one in plans[0]:
        study = one["of"].get("study")
        if one["rule"] == "index":
            fits, studies = one["params"]["fits"], list(one["params"]["studies"])
            places = [f"results/{study}/{variant}" for study, variant in fits]
            assert one["input"]["diagnostics"] == [f"{at}/diagnostics.json" for at in places]
            reports = [f"results/{study}/data_report.json" for study in studies]
            assert one["input"]["data_reports"] == reports
            assert [study for study in dict.fromkeys(name for name, _ in fits)] == studies
        elif "variants" in (block := one["params"].get("study", {})):
            folders = [f"results/{study}/{variant}" for variant in block["variants"]]
            for name, files in one["input"].items():
                if isinstance(files, list) and name != "templates":
                    assert [str(Path(file).parent) for file in files] == folders
