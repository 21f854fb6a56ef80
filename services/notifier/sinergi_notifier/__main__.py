"""``python -m sinergi_notifier``."""

from sinergi_notifier.app import main

main()
