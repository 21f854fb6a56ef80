"""Where things are in the checkout; all that is made or fetched is under ``.local``."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCAL: Final = ROOT / ".local"
RUN: Final = LOCAL / "run"
PACKS: Final = RUN / "packs"
KAFKA_FILES: Final = ROOT / "deploy" / "kafka"
KAFKA_LIBS: Final = LOCAL / "kafka" / "libs"
PACK: Final = ROOT / "deploy" / "regions" / "kalbar"
DIRECTORY: Final = ROOT / "deploy" / "demo" / "directory.yaml"
KEYS: Final = ROOT / "deploy" / "demo" / "keys.yaml"
SAMPLES: Final = ROOT / "deploy" / "samples"
