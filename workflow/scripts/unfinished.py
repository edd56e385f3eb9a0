"""Writes the page of `partialpool.unfinished`, which tells it on standard input what to write."""

import json
import sys
from pathlib import Path

from partialpool import files, index
from partialpool.errors import UserError

told = json.load(sys.stdin)
studies, missing = told["studies"], told["missing"]
diagnostics = zip(map(tuple, told["fits"]), told["diagnostics"], strict=True)
data_reports = zip(studies, told["data_reports"], strict=True)
try:
    page = index.index(
        studies,
        {fit: files.read_json(path) for fit, path in diagnostics if fit[0] not in missing},
        {name: files.read_json(path) for name, path in data_reports if name not in missing},
        Path(told["templates"]),
        missing,
    )
    files.write_text(told["page"], page)
except UserError as error:
    sys.exit(str(error))
