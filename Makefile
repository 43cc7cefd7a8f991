# Every target makes what it needs; `make run` and `make test` each work in a fresh clone.

PYTHON ?= python3
BIN := .venv/bin
EXTRAS := dev,gguf,quantized,parquet,corpus,adapter,fast,web
NEWEST := .venv-newest/bin
TOOLS := .venv-tools/bin
INSTALLED := .venv/.installed

.PHONY: run test site documented check planted matrix measured torture cluster installed literature newest format bench docs clean
.DELETE_ON_ERROR:

run: $(INSTALLED)
	$(BIN)/mechamap-tui demo

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "MechaMap needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Two processes share the files; what is drawn in a real terminal comes after, alone, as time counts there.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations=40 tests/mechamap tests/mechamap_tui tests/as_found
	$(BIN)/python -m pytest --durations=15 tests/terminal

# The longer suite: what is planted in models is found, and nothing else, over many seeds.
planted: $(INSTALLED)
	$(BIN)/python -m pytest tests/planted

# Another: every architecture that transformers registers is built tiny, proved and scanned.
matrix: $(INSTALLED)
	$(BIN)/python -m pytest tests/matrix

# The longer suite: plans of memory against what real scans take.
measured: $(INSTALLED)
	$(BIN)/python -m pytest tests/measured

# Another: damaged and hostile inputs by the thousand, kills by the hundred (docs/reliability.md).
torture: $(INSTALLED)
	rm -rf .torture
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/torture
	$(BIN)/python scripts/write_reliability_docs.py

# Another: workers on Ray, which brings 80 MB.
cluster: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),ray]'
	$(BIN)/python -m pytest tests/cluster

# Another: neurons that others have published, in their own models; needs the hub (docs/literature.md).
literature: $(INSTALLED)
	$(BIN)/python -m benchmarks.literature
	$(BIN)/python -m pytest tests/literature

# Another: the wheel, installed as people do, by pipx and by uv, in empty environments.
installed:
	test -x $(TOOLS)/python || $(PYTHON) -m venv .venv-tools
	$(TOOLS)/python -m pip install --quiet --disable-pip-version-check build pexpect pipx pytest pytest-timeout uv
	rm -rf dist
	$(TOOLS)/python -m build --wheel --outdir dist . > dist.log 2>&1 || (cat dist.log; exit 1)
	rm -f dist.log
	$(TOOLS)/python -m pytest -c /dev/null --rootdir . --noconftest tests/installed

# The suite with the newest release that pyproject.toml allows of everything, in an environment of its own. torch stays
# as pinned: the newest one from PyPI brings gigabytes of CUDA packages.
newest:
	test -x $(NEWEST)/python || $(PYTHON) -m venv .venv-newest
	grep '^torch==' constraints.txt > .venv-newest/torch.txt
	$(NEWEST)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager \
	    -c .venv-newest/torch.txt -e '.[$(EXTRAS)]'
	$(NEWEST)/python -m pip freeze --exclude-editable | diff --unchanged-line-format= --old-line-format='pinned %L' \
	    --new-line-format='newest %L' constraints.txt - || true
	OMP_NUM_THREADS=1 $(NEWEST)/python -m pytest -n 2 --dist loadfile --durations=40 tests/mechamap tests/mechamap_tui tests/as_found
	$(NEWEST)/python -m pytest --durations=15 tests/terminal

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pages under docs/ as a site, in site/; a link that leads nowhere, or a page that nothing leads to, is an error.
site: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# Another: every command and block of code that the README and docs/ show is run, on tiny models.
documented: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/documented

docs: $(INSTALLED)
	$(BIN)/python scripts/write_cli_docs.py
	$(BIN)/python scripts/write_key_docs.py
	$(BIN)/python scripts/write_figure_docs.py
	$(BIN)/python scripts/write_setting_docs.py
	$(BIN)/python scripts/write_architecture_docs.py

clean:
	rm -rf .venv .venv-newest .venv-tools build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
