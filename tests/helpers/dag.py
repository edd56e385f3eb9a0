"""The jobs of a run as Snakemake plans them, in full; run as a script, with Snakemake's arguments.

With PRETEND in the environment, each job is then taken for done: its outputs are files without
meaning, on record as made from what the job would be given. So what a change runs again can be
seen on many studies at once, none of which was run.
"""

import json
import os
import sys
from pathlib import Path

MARK = "JOBS: "


def main() -> None:
    # The code of the Snakefile that is asked for, which may be a copy.
    snakefile = Path(sys.argv[sys.argv.index("--snakefile") + 1])
    sys.path.insert(0, str(snakefile.parent / "workflow/scripts"))
    from partialpool.run import plan

    jobs = plan.jobs(sys.argv[1:])
    os.chdir(plan.folder(next(iter(jobs))))
    asked = {path for job in jobs if job.is_norun for path in job.input}
    jobs = {job: planned for job, planned in jobs.items() if not job.is_norun}
    if "PRETEND" in os.environ:
        for job in jobs:
            pretend(job)
    found = [
        told(job) | {"planned": planned, "asked": sorted(asked & {*job.output})}
        for job, planned in jobs.items()
    ]
    print(f"\n{MARK}{json.dumps(found)}", flush=True)


def told(job) -> dict:
    found = {"rule": job.rule.name, "of": job.wildcards_dict}
    for name in ("input", "output", "log", "params"):
        values = getattr(job, name)
        found[name] = {key: plain(value) for key, value in values.items()}
        found[f"{name}s"] = [plain(value) for value in values]
    found |= {"threads": job.threads, "priority": job.rule.priority, "resources": []}
    for job.attempt in (1, 2):
        names = ("mem_mb", "runtime")
        found["resources"].append({name: job.resources.get(name) for name in names})
    return found


def plain(value):
    """Values as JSON knows them."""
    return json.loads(json.dumps(value if isinstance(value, str | dict | bool) else list(value)))


def pretend(job) -> None:
    from partialpool.base import records

    for output in map(Path, job.output):
        output.parent.mkdir(parents=True, exist_ok=True)
        if not output.suffix:  # a folder
            output.mkdir()
        (output if output.suffix else output / "picture.svg").write_text(str(output))
    inputs = [(str(path), records.checksum(path)) for path in job.input]
    records.write(job.output, dict(job.params.items()), inputs)


if __name__ == "__main__":
    main()
