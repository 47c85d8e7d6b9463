# make demo, make test, make quick, make lab and make build each set up .venv first when they must.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.complete
# pybullet has wheels for Linux with Python 3.11 only: make EXTRAS=grade,dev,mujoco,box2d,pybullet test
EXTRAS ?= grade,dev,mujoco,box2d

.PHONY: demo test quick lab build lint clean

demo: $(SETUP)
	$(BIN)/grader demo

test: $(SETUP) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: $(SETUP) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

lab: $(SETUP)
	$(BIN)/jupyter lab --notebook-dir=notebooks --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate

build: $(SETUP)
	$(BIN)/grader build

lint: $(SETUP)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/pyright

# The stamp is made last: an interrupted set-up is done again, a complete one never.
$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rlcore needs Python 3.11 or newer; say which: make PYTHON=python3.12 demo"; exit 2; }
	@$(PYTHON) -m venv .venv || \
	  { echo "No virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf build .pytest_cache .ruff_cache .hypothesis
