# Everything a newcomer types. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check cluster golden generate lint

# What is downloaded or takes long to build is kept here, one folder per hash of its inputs; a second clone is quick.
export ELBOW_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/elbow
export CARGO_TARGET_DIR ?= $(CURDIR)/target
BIN := $(CARGO_TARGET_DIR)/debug
export ELBOW_BIN := $(BIN)/elbow
export ELBOW_EMULATOR_BIN := $(BIN)/elbow-emulator
export ELBOW_E2E_BIN := $(BIN)/elbow-e2e
# Tests with real parts mostly wait: more of them than cores run at a time.
AT_ONCE := 5
# One set of features for everything that is built here, so that the AWS SDK is compiled once.
BUILD := cargo build --locked --workspace --all-targets
STEP = @printf '\n== %s\n' "$(1)"; date +%s > $(CARGO_TARGET_DIR)/.step
# What a step may take on two cores; `make test` keeps to 12 minutes in all when everything is built.
DONE = @printf '== %s: %d s (budget $(2) min)\n' "$(1)" $$(( $$(date +%s) - $$(cat $(CARGO_TARGET_DIR)/.step) ))

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

demo: build control-plane ## Watch Services and Ingresses become load balancers and go again; ONCE=1 ends by itself
	@ONCE=$(ONCE) $(BIN)/elbow-e2e demo

test: build control-plane python ## Every test, with its name and result
	$(call STEP,tests (budget 10 minutes))
	@cargo test --locked --workspace --lib --bins --examples --test '[!e]*' -- --test-threads=2 --show-output
	@cargo test --locked --workspace --doc
	@cargo test --locked --workspace --test e2e -- --test-threads=$(AT_ONCE) --show-output
	$(call DONE,tests,10)

check: ## The fast loop: formatting, and tests of the pure packages
	@cargo fmt --all -- --check
	@cargo test --locked -p elbow-crds -p elbow-core -p elbow-webhooks

cluster: build control-plane ## A Kubernetes control plane alone, until Ctrl-C
	@$(BIN)/elbow-e2e cluster

golden: ## Accept the golden files the tests would write now
	@INSTA_UPDATE=always cargo test --locked -p elbow-crds -p elbow-core -p elbow-webhooks

generate: ## Write generated files (crds/yaml)
	@cargo run --locked -q -p elbow-crds --example generate

lint: ## Clippy, formatting, and cargo deny where it is installed
	@cargo fmt --all -- --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: skipped"; fi

.PHONY: build control-plane python
build:
	@mkdir -p $(CARGO_TARGET_DIR)
	$(call STEP,Rust: build everything (cold budget 12 minutes on two cores; the AWS SDK needs 7.5 GiB))
	@scripts/rust-cache.sh restore $(CARGO_TARGET_DIR) $(ELBOW_CACHE)
	@$(BUILD)
	@scripts/rust-cache.sh save $(CARGO_TARGET_DIR) $(ELBOW_CACHE)
	$(call DONE,Rust,12)

control-plane: build
	$(call STEP,Kubernetes control plane (cold budget 15 minutes with Go))
	@$(BIN)/elbow-e2e setup control-plane
	$(call DONE,Kubernetes control plane,15)

python: build
	$(call STEP,Python: boto3 and moto (cold budget 1 minute))
	@$(BIN)/elbow-e2e setup python
	$(call DONE,Python,1)
