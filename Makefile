# make lab        open the course in JupyterLab
# make test       everything that CI runs
# make notebooks  build, execute and store the notebooks
# make site       the course as web pages, into site/
# make check      test the exercises alone
# make matrix     chosen tests under the numerics of other processors, in random order, as another user (tests/numerics.sh)
# make pins       write constraints.txt anew after a change of pyproject.toml; with UPGRADE=--upgrade in the newest versions
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: lab test notebooks site check lint browser matrix pins clean

lab: $(VENV)/lab.done
	@$(BIN)/python -m course_lib lab

test: $(VENV)/test.done browser lint
	$(BIN)/python -m course_lib fetch
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports
	$(BIN)/mypy

notebooks: $(VENV)/test.done
	$(BIN)/python -m course_lib fetch
	OMP_NUM_THREADS=1 $(BIN)/python notebooks/build.py --run --jobs 2

site: $(VENV)/site.done
	@$(BIN)/python -m course_lib site

check: $(VENV)/test.done
	$(BIN)/python -m course_lib check

browser:
	@sh tests/browser.sh

matrix: $(VENV)/test.done
	PYTHON=$(CURDIR)/$(BIN)/python sh tests/numerics.sh

# For every Python from the oldest that is promised. What comes with a GPU is torch's own affair.
pins: $(VENV)/test.done
	$(BIN)/python -m pip install -qq uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra test --extra peers --no-header --no-annotate $(UPGRADE) -o constraints.txt pyproject.toml
	sed -i.old -E '/^(nvidia-|cuda-|triton=)/d' constraints.txt && rm constraints.txt.old

$(VENV)/%.done: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 $*")'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "Python comes without venv here. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "正在安装所需的软件包（装好后占约 1.6 GB 磁盘，首次需要几分钟） / Installing what the course needs (about 1.6 GB on disk, minutes the first time) ..."
	@$(BIN)/python -m pip install -qq -c constraints.txt -e ".[$*]"
	@touch $@

clean:
	rm -rf $(VENV) screenshots site
