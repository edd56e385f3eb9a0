"""What each step does, held against what its rule says of it."""

import os
import re
import runpy
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from running import CONFIG, ROOT, Workflow

from partialpool.run import job

# All steps of `measured` but its fits, which take longest, and these.
OTHERS = {
    *(("simulate", "simulated"), ("recover", "simulated"), ("fit", "hasty")),
    *(("compress_part", "hasty"), ("compress_merge", "hasty")),
    ("predict", "simulated"),  # on a grid, for want of new rows
}
NOT_READ = {("verdict", "page")}  # said to be where to look

RULES = {
    *("simulate", "ingest", "new_data", "compress", "compress_part", "compress_merge", "fit"),
    *("diagnose", "predict", "contrasts", "check", "compare", "recover", "figures", "report"),
    *("index", "verdict"),
}


class Recorded(dict):
    """A dict that knows which of its keys were looked at."""

    def __init__(self, values):
        super().__init__(values)
        self.seen = set()

    def __getitem__(self, key):
        self.seen.add(key)
        return super().__getitem__(key)

    def __iter__(self):
        self.seen |= self.keys()
        return super().__iter__()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files are opened")
def test_each_step_uses_what_its_rule_gives_it_and_nothing_else(first_run, tmp_path, monkeypatch):
    """Or an edit of what it uses would not run it again, and an edit of the rest would.

    What it writes has another name until it is whole.
    """
    from file_watch import OPENED, RENAMED, WRITTEN, Watch

    workflow = Workflow(tmp_path / "analysis", first_run.repository)
    shutil.copytree(first_run.folder, workflow.folder, dirs_exist_ok=True)
    (workflow.folder / "results/hasty/parts").mkdir()
    studies = {name: CONFIG["studies"][name] for name in CONFIG["studies"]}
    studies["measured"] |= {"contrasts": [[1, 2]]}
    studies["hasty"] |= {"parts": 2}
    workflow.configure(CONFIG | {"studies": studies})
    jobs = [
        one
        for one in workflow.jobs()
        if (of := (one["rule"], one["of"].get("study"))) in OTHERS
        or (of[1] in ("measured", None) and of[0] != "fit")
    ]
    assert {one["rule"] for one in jobs} == RULES

    monkeypatch.chdir(workflow.folder)
    monkeypatch.setattr(job, "logged", lambda snakemake: nullcontext())
    folders = [workflow.repository / "workflow/report"]
    folders += [Path(place) for place, *_ in os.walk(".") if ".snakemake" not in place]
    wrong, given, used = set(), set(), set()
    with Watch(folders) as watch:
        for one in jobs:
            rule, snakemake = one["rule"], as_given(one)
            inputs, outputs = set(flat(one["inputs"])), set(flat(one["outputs"]))
            watch.seen()
            runpy.run_path(str(ROOT / f"workflow/scripts/{rule}.py"), {"snakemake": snakemake})
            seen = watch.seen()
            read = {path for path in seen[OPENED] if not path.name.endswith(".tmp")}
            read -= {path for path in read if within(path, outputs)}
            wrong |= {(rule, "reads", path) for path in read if not within(path, inputs)}
            files = {path for path in outputs if not path.is_dir()}
            wrong |= {(rule, "does not write", path) for path in files - seen[RENAMED]}
            wrong |= {(rule, "writes", path) for path in seen[RENAMED] if not within(path, outputs)}
            wrong |= {(rule, "writes in place", path) for path in seen[WRITTEN] & files}

            read |= {target for page in files for target in linked(page)}
            for name, paths in one["input"].items():
                given.add((rule, name))
                if any(within(path, flat(paths)) for path in read):
                    used.add((rule, name))
            for name, block in vars(snakemake.params).items():
                if isinstance(block, Recorded):
                    wrong |= {(rule, name, key) for key in block.keys() - block.seen}
    assert wrong == {("report", "study", "parts")}  # it is given the whole block
    assert given - used == NOT_READ


def as_given(one: dict) -> SimpleNamespace:
    """What Snakemake gives a script."""
    from snakemake.iocontainers import InputFiles, OutputFiles

    params = one["params"].items()
    return SimpleNamespace(
        input=InputFiles(fromdict=one["input"]),
        output=OutputFiles(fromdict=one["output"]),
        params=SimpleNamespace(**{k: Recorded(v) if isinstance(v, dict) else v for k, v in params}),
        wildcards=SimpleNamespace(**one["of"]),
        threads=one["threads"],
    )


def flat(paths) -> list[Path]:
    """Of an input: a path, or a list of paths."""
    return [Path(path) for path in ([paths] if isinstance(paths, str) else paths)]


def within(path: Path, places) -> bool:
    """Whether it is one of them, or in one that is a folder."""
    return not {path, *path.parents}.isdisjoint(places)


def linked(page: Path) -> set[Path]:
    """Files that a page links."""
    if page.suffix != ".html":
        return set()
    targets = re.findall(r'href="([^"#:]+)"', page.read_text(encoding="utf-8"))
    return {Path(os.path.normpath(page.parent / unquote(target))) for target in targets}
