# `make reproduce` goes from nothing to the report; `make help` lists the rest.
# Needs Rust (stable), a C compiler and make.

PROFILE ?= quick
DEVICE  ?= cpu
MIRROR  ?=
ONLY    ?=
JOBS    ?=
CARGO   ?= cargo

PIPELINE := target/release/pipeline
FEATURES := $(if $(filter cuda%,$(DEVICE)),--features cuda)
ARGS := --profile $(PROFILE) --device $(DEVICE) $(if $(MIRROR),--mirror "$(MIRROR)") $(if $(ONLY),--only "$(ONLY)") \
	$(if $(JOBS),--jobs $(JOBS))

.DEFAULT_GOAL := help
.PHONY: help build reproduce resume report test crash-test lint deny schema tables-doc operating bench clean

help: ## list the targets
	@echo "make TARGET [PROFILE=smoke|quick|full] [DEVICE=cpu|cuda] [MIRROR=DIR_OR_URL] [ONLY=ID,...] [JOBS=N]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile everything that `reproduce` and `test` share
	$(CARGO) build --release --locked -p flooding-pipeline $(FEATURES)

# Exit code 3 means that the report is there and names what is missing: that is a success with a warning, which
# the program has just printed last.
reproduce: build ## run the pipeline (PROFILE=quick) and say where the report is; again = resume
	@$(PIPELINE) run $(ARGS) || { code=$$?; [ $$code -eq 3 ] || exit $$code; }

report: build ## draw the report again from stored records, without training
	@$(PIPELINE) stage aggregate $(ARGS) || { code=$$?; [ $$code -eq 3 ] || exit $$code; }
	@$(PIPELINE) stage render $(ARGS) || { code=$$?; [ $$code -eq 3 ] || exit $$code; }

test: ## run all tests; real data are found at PIPELINE_TEST_DATA
	$(CARGO) test --release --locked --workspace --no-fail-fast --lib --bins --tests
	$(CARGO) test --release --locked --workspace --no-fail-fast --doc

crash-test: ## kill the pipeline at every operation of its store, then KILLS=1000 times at random (SEED=)
	$(CARGO) test --release --locked -p flooding-pipeline --test crash -- --ignored --nocapture --test-threads=1

lint: ## check formatting, lints and the documentation's links
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps

deny: ## check licences, bans, sources and advisories of the dependencies
	scripts/deny.sh

schema: build ## rebuild docs/pipeline.schema.json
	$(PIPELINE) schema > docs/pipeline.schema.json

tables-doc: ## rebuild docs/tables.md
	$(CARGO) build --release --locked --workspace --example tables_md
	target/release/examples/tables_md > docs/tables.md

operating: ## simulate how often each rule of claims.toml says what, into docs/operating-characteristics.md
	WRITE_OPERATING_CHARACTERISTICS=1 $(CARGO) test --release --locked --workspace --test operating

bench: ## run the benchmarks (quiet machine, some minutes)
	$(CARGO) bench --locked --workspace

clean: ## remove what the pipeline made, keep downloads and compiled code
	rm -rf data/synthetic data/runs data/theorem data/tables reports/index.html reports/figures reports/latex \
		reports/tables reports/*.json
