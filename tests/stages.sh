# shellcheck shell=bash
# For tests/run and tests/analyse: stages, shown with what they take, and counted.

jobs="$(nproc)"
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
passed=0
failed=0
seconds=

# stage NAME COMMAND…: what it says is shown, and stored for count_tests.
stage() {
  local name="$1" start="$SECONDS"
  shift
  printf '\n== %s\n' "$name"
  if "$@" 2>&1 | tee "$logs/log"; then
    count_tests
    printf '== %s: ok, %d s\n' "$name" "$((SECONDS - start))"
    seconds+="$(printf '%6d  %s' "$((SECONDS - start))" "$name")"$'\n'
  else
    count_tests
    printf '\n== %s: FAILED after %d s; what is wrong stands above. The stages after it did not run.\n' \
      "$name" "$((SECONDS - start))"
    ((failed)) || failed=1
    closing_line
    exit 1
  fi
}

closing_line() { printf '\n%d passed, %d failed\n' "$passed" "$failed"; }

# From ctest's "90% tests passed, 1 tests failed out of 10".
count_tests() {
  local line bad
  line="$(grep -E 'tests passed, [0-9]+ tests? failed out of' "$logs/log" || true)"
  if [[ "$line" =~ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
    bad="${BASH_REMATCH[1]}"
    passed=$((passed + BASH_REMATCH[2] - bad))
    failed=$((failed + bad))
  fi
}

# Inside of a stage `set -e` has no effect: what may fail comes last, or says `|| return`.
build() {
  cmake --preset "$1" > "$logs/cmake" || { cat "$logs/cmake"; return 1; }
  cmake --build --preset "$1"
}

# In halves of cores, as tests/CMakeLists.txt counts them; of two cores one half more, as tests wait now and then.
run_ctest() { ctest --preset "$1" --parallel "$((5 * jobs / 2))" "${@:2}"; }

all_stages_passed() {
  printf '\nSeconds of each stage:\n%s\nAll of it took %d s.\n' "$seconds" "$SECONDS"
  closing_line
}
