from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "deploy/samples"
SCHEMAS = ROOT / "deploy/schemas"
