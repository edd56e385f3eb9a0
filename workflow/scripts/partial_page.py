"""Write results/partial.html from what `partialpool.run.partial_page` sends; not a step."""

import json
import sys
from pathlib import Path

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.report import index

content = json.load(sys.stdin)
studies, missing = content["studies"], content["missing"]
diagnostics = zip(map(tuple, content["fits"]), content["diagnostics"], strict=True)
data_reports = zip(studies, content["data_reports"], strict=True)
try:
    page = index.index(
        studies,
        {fit: files.read_json(path) for fit, path in diagnostics if fit[0] not in missing},
        {name: files.read_json(path) for name, path in data_reports if name not in missing},
        Path(content["templates"]),
        missing,
    )
    files.write_text(content["page"], page)
except UserError as error:
    sys.exit(str(error))
