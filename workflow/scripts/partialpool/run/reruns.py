"""Decide which jobs have to run again, from the records of the results.

Snakemake remembers in `.snakemake` what outputs were made from, and takes them for up to date
where that is lost. Here the records beside the results answer (`base/records.py`), so that neither
a removed `.snakemake`, nor other modification times, nor a table with an older date can let
a result pass that was made from something else. No other module uses Snakemake's persistence;
`tests/unit/run/test_snakemake.py` says what of it is used here.
"""

from functools import cache

import snakemake.workflow
from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange
from snakemake.persistence.file import FilePersistence

from partialpool.base import records
from partialpool.run import plan


class Persistence(FilePersistence):
    """Snakemake's records, with the questions about reruns answered from those of the results."""

    def has_metadata(self, job) -> bool:
        """Yes, for what is missing counts as a change below."""
        return True

    def has_outdated_metadata(self, job) -> bool:
        return False

    def params_changed(self, job, file=None):
        """Whether the study's block or the code differ, or there is no record of all there is."""
        wanted = _params(job)
        for output in job.output if file is None else [file]:
            record = _record(output)
            if record is None:
                return ParamsChange(only_old={"none on record"}, files={output})
            if records.is_incomplete(output, record):
                return ParamsChange(only_old={"a file that was deleted"}, files={output})
            if record["params"] != wanted:
                # Snakemake's own account says which, if it has one.
                return super().params_changed(job, file) or ParamsChange(
                    only_old={record["params"]}, only_new={wanted}, files={output}
                )
        return NO_PARAMS_CHANGE

    def _input_changed(self, job, file=None) -> bool:
        """Whether the contents of the inputs, in the order of the rule, are other ones."""
        record = _record(file)
        return record is not None and [sum for _, sum in record["inputs"]] != self._checksums(job)

    def input_checksums(self, job, input_path) -> set:
        """What Snakemake asks where an input is newer than an output."""
        found = map(_record, job.output)
        return {dict(record["inputs"]).get(input_path) if record else None for record in found}

    def _clear_cache(self) -> None:
        super()._clear_cache()
        _record.cache_clear()

    def _checksums(self, job) -> list[str | None]:
        made = plan.made_by_jobs(job)
        return [
            (_record(path) or {}).get("checksum") if path in made else records.cached_checksum(path)
            for path in job.input
        ]


@cache
def _record(path: str) -> dict | None:
    return records.read(path)


@cache
def _params(job) -> str:
    return records.digest(dict(job.params.items()))


def by_records() -> None:
    """Let the run that is being parsed answer from the records."""
    snakemake.workflow.FilePersistence = Persistence
    records.remember_at_exit()
