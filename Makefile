# Everything a newcomer types. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check cluster golden generate lint

# What is built lies outside the clone, so that a second clone is quick: one folder per toolchain and lock file.
ELBOW_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/elbow
INPUTS := $(shell cat Cargo.lock rust-toolchain.toml | sha256sum | cut -c1-16)
export CARGO_TARGET_DIR ?= $(ELBOW_CACHE)/target-$(INPUTS)
export ELBOW_CACHE
# Binaries are copied into the clone: two clones share the target folder, not what they run.
BIN := $(CURDIR)/target/bin
export ELBOW_BIN := $(BIN)/elbow
export ELBOW_EMULATOR_BIN := $(BIN)/elbow-emulator
export ELBOW_E2E_BIN := $(BIN)/elbow-e2e
# One set of features for everything that is built here, so that the AWS SDK is compiled once.
BUILD := cargo build --locked --workspace --all-targets
STEP = @printf '\n== %s\n' "$(1)"; date +%s > $(BIN)/.step
DONE = @printf '== %s: %d s\n' "$(1)" $$(( $$(date +%s) - $$(cat $(BIN)/.step) ))

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

demo: build control-plane ## Watch Services become load balancers and go again; ONCE=1 ends by itself
	@ONCE=$(ONCE) $(BIN)/elbow-e2e demo

test: build control-plane python ## Every test, with its name and result
	$(call STEP,tests)
	@cargo test --locked --workspace --all-targets -- --test-threads=2
	@cargo test --locked --workspace --doc
	$(call DONE,tests)

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
	@mkdir -p $(BIN) $(CARGO_TARGET_DIR)
	$(call STEP,Rust: build everything (cold about 10 minutes on two cores; the AWS SDK needs 7.5 GiB))
	@flock $(CARGO_TARGET_DIR)/.binaries sh -c '$(BUILD) && cp $(CARGO_TARGET_DIR)/debug/elbow \
	  $(CARGO_TARGET_DIR)/debug/elbow-emulator $(CARGO_TARGET_DIR)/debug/elbow-e2e $(BIN)/'
	$(call DONE,Rust)

control-plane: build
	$(call STEP,Kubernetes control plane (cold about 10 minutes with Go))
	@$(BIN)/elbow-e2e setup control-plane
	$(call DONE,Kubernetes control plane)

python: build
	$(call STEP,Python: boto3 and moto)
	@$(BIN)/elbow-e2e setup python
	$(call DONE,Python)
