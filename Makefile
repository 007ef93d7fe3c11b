# Floecat Storage. `make` alone lists the targets.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
N := tools/with-node

include tools/localstack/localstack.mk
include tools/run/run.mk

MANIFESTS := package.json package-lock.json $(wildcard proto/package.json storage/*/package.json service/*/package.json cli/package.json)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-26s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Not `npm ci`: it insists on lock entries for the binaries of every platform, and a registry mirror may lack some.
node_modules/.installed: $(MANIFESTS) tools/with-node
	@$(N) npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

proto/gen/.generated: node_modules/.installed $(wildcard proto/floecat/v1/*.proto) proto/buf.gen.yaml
	@cd proto && ../$(N) ../node_modules/.bin/buf generate
	@touch $@

.PHONY: build
build: proto/gen/.generated ## Install what is missing, generate code, compile
	@$(N) node_modules/.bin/tsc -b

.PHONY: run
run: build ## Serve the catalog on http://127.0.0.1:8181, on the embedded store in ./.floecat
	@exec ./floecat serve

.PHONY: test
test: build lint ## Run all tests
	@$(N) node tools/run-tests.ts

.PHONY: soak
soak: build ## Run the tests that take long, and the others with more rounds
	@FLOECAT_SOAK=1 $(N) node tools/run-tests.ts

.PHONY: lint
lint: proto/gen/.generated ## Check style, types of promises, dependencies, messages and generated files
	@$(N) node_modules/.bin/oxlint --type-aware --quiet
	@$(N) node_modules/.bin/oxfmt --check . >/dev/null || { echo "not formatted; run: make format"; exit 1; }
	@$(N) node tools/check-dependencies.ts
	@cd proto && ../$(N) ../node_modules/.bin/buf lint
	@cd proto && ../$(N) ../node_modules/.bin/buf breaking --against baseline.binpb
	@$(N) node --conditions=floecat-source tools/generate-properties.ts --check

.PHONY: format
format: node_modules/.installed ## Format the sources and write the generated documents anew
	@$(N) node --conditions=floecat-source tools/generate-properties.ts
	@$(N) node_modules/.bin/oxfmt .

.PHONY: bench
bench: build ## Measure, each figure beside its baseline
	@$(N) node bench/run.ts

.PHONY: bench-gc
bench-gc: build ## Measure a mark and a sweep of 1,000,000 pointers and 1,100,000 blobs (needs 20 GB of disk)
	@$(N) node bench/gc-mark-sweep.ts

.PHONY: bench-restore
bench-restore: build ## Measure a restore of 1,000,000 pointers and 500,000 blobs (needs 10 GB of disk)
	@$(N) node bench/restore.ts

.PHONY: clean
clean: ## Remove everything that make made, but not the data in ./.floecat
	@rm -rf node_modules .toolchain .cache proto/gen */*/dist cli/dist */*/*.tsbuildinfo cli/*.tsbuildinfo
