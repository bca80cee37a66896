#!/bin/sh
# The tests under the numerics, the order and the console of other machines; stored outputs and results must hold on each.
#   sh tests/numerics.sh                             chapters 01 and 03 and the tests that compute most
#   sh tests/numerics.sh notebooks tests             everything
#   CONDITIONS="avx2 random" sh tests/numerics.sh    some of: default aten avx2 mkl onednn two random user
# PYTHON names another interpreter, PYTEST_ADDOPTS goes to pytest ("-n 2").
cd "$(dirname "$0")/.." || exit 2
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
[ $# -gt 0 ] || set -- notebooks/en/01_language_models.ipynb notebooks/en/03_attention.ipynb \
    tests/test_nn.py tests/test_port.py tests/test_generation.py tests/test_viewer.py

# A user who is not root and whose name, home and checkout are not ASCII, with a console that writes GBK. Only root can make one.
stranger() {
    if [ "$(id -u)" != 0 ]; then echo "skipped: only root can make another user"; return 0; fi
    name=小明
    useradd --badname --create-home "$name" || return 1
    trap 'userdel --remove "$name" 2>/dev/null' EXIT
    home=/home/$name
    as_stranger() {
        runuser -u "$name" -- env -i HOME="$home" USER="$name" LOGNAME="$name" PATH="$PATH" LANG=C PYTHONUTF8=0 PYTHONIOENCODING=gbk \
            PYTHONPATH="$home/course" COURSE_CACHE="${COURSE_CACHE:-$home/.cache/course_lib}" PYTEST_ADDOPTS="$PYTEST_ADDOPTS" "$@"
    }
    as_stranger test -x "$PYTHON" || { echo "$name may not run $PYTHON: name another by PYTHON, or open the folders above it (chmod o+x)"; return 1; }
    as_stranger mkdir "$home/course" && git ls-files -z | tar -c --null -T - | as_stranger tar -x -C "$home/course" && cd "$home/course" || return 1
    as_stranger "$PYTHON" -m course_lib fetch && as_stranger "$PYTHON" -m pytest -q "$@"
}

failed=
for condition in ${CONDITIONS:-default aten avx2 mkl onednn two random user}; do
    echo "== $condition"
    case $condition in
        default) "$PYTHON" -m pytest -q "$@" ;;
        aten) ATEN_CPU_CAPABILITY=default "$PYTHON" -m pytest -q "$@" ;;
        avx2) ATEN_CPU_CAPABILITY=avx2 "$PYTHON" -m pytest -q "$@" ;;
        mkl) MKL_CBWR=COMPATIBLE "$PYTHON" -m pytest -q "$@" ;;
        onednn) ONEDNN_MAX_CPU_ISA=AVX2 "$PYTHON" -m pytest -q "$@" ;;
        two) OMP_NUM_THREADS=2 "$PYTHON" -m pytest -q "$@" ;;
        random) "$PYTHON" -m pytest -q -p randomly "$@" ;;
        user) (stranger "$@") ;;
        *) echo "no such condition"; false ;;
    esac || failed="$failed $condition"
done
[ -z "$failed" ] && echo "All conditions passed." || { echo "Failed under:$failed"; exit 1; }
