"""``python -m sinergi_router``."""

from sinergi_router.app import main

main()
