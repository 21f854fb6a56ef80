"""``python -m sinergi_ops`` is the ``sinergi`` command."""

from sinergi_ops.cli import app

app()
