from sinergi_ingest.app import main

main()
