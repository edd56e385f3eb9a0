"""Write the page of `partialpool.run.partial_page`, which says on standard input what is on it."""

import json
import sys
from pathlib import Path

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.report import index

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
