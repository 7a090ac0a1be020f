# `make help` lists the targets. Go and npm are all that has to be installed, for
# test-kafka, chaos and test-bi also Java 17 and Maven, and for test-bi Python 3: every
# other tool is built from source at a pinned version into .cache.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The modules of go.work, as the go command sees them. A pattern such as ./...
# never spans modules, and there is no module at the top on purpose.
MODULES = $(shell go list -m -f '{{.Dir}}')
# The programs; each ends up in bin under its own name.
COMMANDS := ./services/collector/cmd/collector ./services/enricher/cmd/enricher \
	./services/scorer/cmd/scorer ./services/standalone/cmd/touchline

VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -X touchline.dev/services/internal/version.release=$(VERSION)

# Tests start brokers and ClickHouse servers: as many packages at a time as there
# are cores, and no more than two. A package that takes longer than the timeout
# prints its goroutines and fails.
TEST_PARALLEL ?= 2
TEST_TIMEOUT  ?= 40m
# Tests on Apache Kafka start brokers, of which two cores take one package's at a
# time. They are built with this tag, and every package that has such files runs: whole
# where the tag changes what the tests run on, and only its TestApache... where it adds
# these to tests that `make test` has run.
KAFKA_TAG          := realkafka
KAFKA_PACKAGES      = $(sort $(dir $(shell grep -rl --include '*_test.go' '^//go:build $(KAFKA_TAG)$$' ./services)))
KAFKA_ADDED        := ./services/collector/ ./services/internal/kafka/ ./services/internal/kafkatest/conformance/
KAFKA_TEST_TIMEOUT ?= 40m
# How long `make fuzz` takes for each target.
FUZZ_TIME     ?= 2m
# The tests that run SDKs of npm, which is not to be had everywhere, have this tag.
# SDKS names some SDKs, such as segment-node,posthog-web, or a kind, node or web; empty
# takes all.
SDKS_TAG      := sdks
SDKS          ?=
# The tests that connect with the drivers of BI tools, which need a JDK, Maven, Node.js
# and Python, have the first tag; those that run tools, some of them large, the other.
BI_TAG        := bi
BITOOLS_TAG   := bitools
# How often `make e2e`, `make sdks` and `make chaos` run.
COUNT         ?= 1
# How many faults `make chaos` makes, and the seed that they are drawn with; empty
# takes one from the clock. A run prints its seed.
FAULTS        ?= 100
SEED          ?=
# How many random streams `make oracle` asks about.
STREAMS       ?= 2000
# Events of the data set of `make bench-queries`: 1000000, 10000000 or 100000000.
EVENTS        ?= 10000000
# Arguments of `make run`, such as ARGS="--listen 127.0.0.1:9000".
ARGS          ?=
# Arguments of `make bench`, such as ARGS="-only collector -rounds 5".

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := .cache/golangci-lint/$(GOLANGCI_LINT_VERSION)/golangci-lint

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##

.PHONY: run
run: build ## Build, then run everything in one process with a demo shop (data in .data/run).
	bin/touchline up --demo --dir .data/run --telemetry.log-level warn $(ARGS)

.PHONY: build
build: ## Build the programs into bin.
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(COMMANDS)

.PHONY: test
test: ## Run every test of every module, end-to-end and kill tests included.
	go test -p $(TEST_PARALLEL) -timeout $(TEST_TIMEOUT) work
	scripts/fuzz.sh 10s

.PHONY: fuzz
fuzz: ## Fuzz every decoder for FUZZ_TIME; NAME=Posthog takes those with that in their name.
	scripts/fuzz.sh $(FUZZ_TIME) $(NAME)

.PHONY: test-kafka
test-kafka: ## Run the tests that need Apache Kafka (Java 17 and Maven; fetches its jars once).
	scripts/kafka/kafka.sh fetch
	go test -tags $(KAFKA_TAG) -count 1 -p 1 -timeout $(KAFKA_TEST_TIMEOUT) -run '^TestApache' $(KAFKA_ADDED)
	go test -tags $(KAFKA_TAG) -count 1 -p 1 -timeout $(KAFKA_TEST_TIMEOUT) $(filter-out $(KAFKA_ADDED),$(KAFKA_PACKAGES))

.PHONY: test-bi
test-bi: ## Connect with the drivers of BI tools as their user (JDK 17, Maven, Node.js, Python 3; fetches them once).
	scripts/bi/test.sh $(BI_TAG) TestDrivers

.PHONY: test-superset
test-superset: ## Run Apache Superset's REST interface against the views (Python 3; fetches 850 MB once).
	scripts/bi/test.sh $(BITOOLS_TAG) TestSuperset

.PHONY: test-bi-tools
test-bi-tools: ## Run Superset, dbt, Cube's compiler and R against the views (Python 3, Node.js, r-base-core).
	scripts/bi/test.sh $(BITOOLS_TAG) TestSuperset TestDBT TestCube TestR

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters of .golangci.yml (the first run builds golangci-lint: 3 to 5 minutes).
	$(GOLANGCI_LINT) run $(addsuffix /...,$(MODULES))

.PHONY: fmt
fmt: ## Format the Go code.
	gofmt -w schemas services scripts

.PHONY: vet
vet: ## Run go vet on every module.
	go vet work
	go vet -tags $(KAFKA_TAG),$(SDKS_TAG),$(BI_TAG),$(BITOOLS_TAG) work

.PHONY: tidy
tidy: ## Bring go.mod, go.sum and go.work.sum up to date.
	go work sync
	for m in $(MODULES) scripts/tools; do (cd $$m && GOWORK=off go mod tidy); done

.PHONY: generate
generate: ## Write the generated files: Go code of the messages, docs/configuration.md.
	scripts/generate.sh

.PHONY: verify
verify: ## Fail if a file is not formatted, not tidy, or generated from something older.
	scripts/check-format.sh
	scripts/check-tidy.sh
	scripts/generate.sh --check
	$(MAKE) --no-print-directory vet

.PHONY: imports
imports: ## Check which module may import which.
	scripts/check-imports.sh

.PHONY: isolated
isolated: ## Build and vet each module by itself, as it is outside the workspace.
	scripts/check-isolated.sh

.PHONY: e2e
e2e: ## Run the end-to-end tests only, with the SDKs of npm, COUNT times.
	go test -tags $(SDKS_TAG) -p 1 -count $(COUNT) -timeout 90m -v ./services/standalone/e2e/...

.PHONY: sdks
sdks: ## Run SDKs as npm has them, in Node.js and Chromium; installs Chromium where it may (SDKS=names, ARGS="-run ...").
	E2E_SDKS=$(SDKS) go test -tags $(SDKS_TAG) -count $(COUNT) -timeout 30m -v $(ARGS) ./services/standalone/e2e/sdk

.PHONY: oracle
oracle: ## Hold the views of the database analytics against the reference, on STREAMS random streams.
	TOUCHLINE_STREAMS=$(STREAMS) TOUCHLINE_QUESTIONS=10 TOUCHLINE_SEED=$(SEED) go test -count 1 -timeout 60m -v ./services/internal/analytics/... ./services/internal/definition/...

.PHONY: chaos
chaos: ## Kill and pause everything, on three real brokers: FAULTS faults (SEED=n repeats a run), then mutations.
	E2E_BROKERS=3 E2E_FAULTS=$(FAULTS) E2E_SEED=$(SEED) \
		go test -tags realkafka -count $(COUNT) -timeout 90m -v -run '^TestChaos$$' ./services/standalone/e2e
	$(MAKE) --no-print-directory mutations

.PHONY: mutations
mutations: ## Show that the kill test finds what is broken on purpose (about 10 minutes).
	go test -tags mutations -count 1 -timeout 60m -v -run '^TestMutations$$' ./services/standalone/e2e

.PHONY: bench
bench: ## Measure CPU and memory per event of each stage, and the time to queryable.
	go run ./services/standalone/bench $(ARGS)
	$(if $(ARGS),,$(MAKE) --no-print-directory bench-protocols)

.PHONY: bench-protocols
bench-protocols: ## Measure what an event of each protocol costs the collector, beside an empty handler.
	go test -run '^$$' -bench '^BenchmarkProtocols$$' -benchtime 20000x -timeout 60m ./services/collector

.PHONY: bench-queries
bench-queries: ## Ask the analytics their questions about EVENTS generated events (10000000), kept in .data/bench-queries.
	go run ./services/standalone/bench/queries -events $(EVENTS) $(ARGS)

.PHONY: bench-inserts
bench-inserts: ## Measure what each helper table costs when rows are inserted.
	go run ./services/standalone/bench/queries -inserts

.PHONY: clean
clean: ## Delete binaries, the data of make run, and built tools.
	rm -rf bin .data .cache

# Not `go get -tool`: the linter's dependencies would join the version selection
# of our own modules.
$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
