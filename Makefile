# Semua perintah menyiapkan sendiri yang dibutuhkannya. / Every target brings what it needs, into this checkout.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) -I deploy/sinergi_ops/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test bench check chaos doctor

help: ## Daftar perintah / this list
	@echo 'Sinergi: peringatan dugaan perdagangan orang ke instansi yang tepat / alerts to the right agencies'
	@echo
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'
	@echo
	@echo 'Lebih lanjut / more: .venv/bin/sinergi --help'

setup: ## Ambil uv, paket Python, Kafka / fetch uv, Python packages, Kafka (first time only)
	@$(SETUP)

demo: setup ## Satu hari di perbatasan, dari awal sampai selesai / one day at the border, start to finish
	@$(BIN)/sinergi demo

up: setup ## Nyalakan semuanya di latar / start everything in the background
	@$(BIN)/sinergi up --detach

down: setup ## Matikan / stop it
	@$(BIN)/sinergi down

status: setup ## Apa yang berjalan / what runs
	@$(BIN)/sinergi status

test: setup ## Semua uji, dengan Kafka sungguhan / all tests, on a real Kafka
	@$(BIN)/pytest

# B: ukuran mana, dan setelan lain / which suites, and other settings: make bench B="cpu --pairs 2"
bench: setup ## Ukur router dan ingest / measure router and ingest against their yardsticks (an hour)
	@.local/uv/bin/uv run --quiet --frozen --group bench python -m tests.bench $(B)

check: setup ## Gaya, tipe, arah impor, skema / style, types, import directions, schemas
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy shared services deploy tests
	$(BIN)/lint-imports
	$(BIN)/python -m sinergi_ops.schemas --check
	$(BIN)/python -m sinergi_ops.dashboards --check
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

chaos: setup ## Rusak dengan sengaja / break things on purpose: S=<scenario> QUICK=1 BREAK=<fault> SEED=<n>
	@QUICK='$(QUICK)' BREAK='$(BREAK)' SEED='$(SEED)' $(BIN)/python -m tests.chaos $(S)

doctor: setup ## Periksa mesin ini dan cara memperbaikinya / what is wrong with this machine, and the cure
	@$(BIN)/sinergi doctor
