"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RunDir = Annotated[
    Path, typer.Option("--run-dir", help="Folder data dan log. / Folder of data, mails and logs.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Satu objek JSON. / One JSON object, for programs to read.")
]
