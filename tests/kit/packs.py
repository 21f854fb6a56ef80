"""A copy of the Kalbar pack to plant faults in."""

import csv
import json
import shutil
from pathlib import Path

from sinergi_ops.pack.manifest import write_manifest
from sinergi_shared.region.pack import read_manifest
from sinergi_shared.region.tables import GEOMETRY, pack_hash, read_rows

KALBAR = Path(__file__).parents[2] / "deploy" / "regions" / "kalbar"


class PackCopy:
    """A pack in a temporary folder, to be changed cell by cell."""

    def __init__(self, directory):
        self.directory = Path(shutil.copytree(KALBAR, directory))

    def edit(self, table, key, **cells):
        """Change cells of the row whose first cell is ``key`` and return the row's number."""
        rows = read_rows(self.directory, table)
        number = self._index(rows, key)
        rows[number] |= cells
        self._write(table, rows)
        return number + 2

    def drop(self, table, key):
        """Take out the row whose first cell is ``key``."""
        rows = read_rows(self.directory, table)
        del rows[self._index(rows, key)]
        self._write(table, rows)

    def add(self, table, like, **cells):
        """Add a row like the one whose first cell is ``like`` and return its number."""
        rows = read_rows(self.directory, table)
        rows.append(rows[self._index(rows, like)] | cells)
        self._write(table, rows)
        return len(rows) + 1

    def drop_column(self, table, column):
        """Take out a whole column."""
        rows = read_rows(self.directory, table)
        self._write(table, [{name: cell for name, cell in row.items() if name != column} for row in rows])

    def reshape(self, change):
        """Let ``change`` edit the features of ``areas.geojson``, a dict by code."""
        path = self.directory / GEOMETRY
        document = json.loads(path.read_text(encoding="utf-8"))
        features = {feature["properties"]["code"]: feature for feature in document["features"]}
        change(features)
        document["features"] = list(features.values())
        path.write_text(json.dumps(document), encoding="utf-8")

    def seal_unchecked(self, **recorded):
        """Record the hash (and other values) as somebody would who does not look."""
        manifest = read_manifest(self.directory)
        changed = {"hash": pack_hash(self.directory), **recorded}
        write_manifest(self.directory, manifest.model_copy(update=changed))

    def _write(self, table, rows):
        with (self.directory / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    @staticmethod
    def _index(rows, key):
        keys = key if isinstance(key, tuple) else (key,)
        return next(i for i, row in enumerate(rows) if tuple(row.values())[: len(keys)] == keys)
