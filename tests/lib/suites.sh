# shellcheck shell=bash
# Sourced by tests/run: the suites and how one is run. The working directory is the repository root.
#
# A suite is a function suite_NAME. It prints what it likes and reports its cases in one of two
# ways:
#   - Bazel tests: call `bazel_tests`, which leaves Bazel's record of events for counting;
#   - scripts: print `ok NAME` or `not ok NAME - reason` per case.
# A suite that fails without a failed case counts as one failure; so does one that tested nothing.

# name, budget in seconds (--full: eight times as long), purpose. Order: cheap verdicts first.
list_suites() {
  cat <<'TABLE'
tidy          60   what a reader would stumble over; the test tools themselves
floors        120  no module can use what lies above it
contracts     240  proto/ stays compatible and documented
unit          1200 all unit tests
asan          1320 parsers, core and journal under AddressSanitizer and UBSan
integration   600  real processes: killed, starved, flooded, and nothing lost
simulation    300  a simulated cluster: seeded faults, and nothing is lost
chaos         300  three nodes, Redis with Sentinels, twenty agents, everything goes wrong
conformance   120  every journal and every directory behaves as its contract says
demo-smoke    120  the demo comes to a true summary
bench-smoke   240  the benchmarks run and show their bars
TABLE
}

suite_tidy() {
  local status=0
  tests/tidy/run || status=1
  tests/lib/house_test.py || status=1
  return $status
}

suite_floors() { tests/floors/run; }

suite_contracts() { bazel_tests //proto/... //tests/contracts/...; }

# Every implementation of journal and directory runs the same cases.
CONFORMANCE=(//services/journal:sqlite_journal_test //services/journal:redis_journal_test
  //services/journal:redis_keystore_test //services/journal:sqlite_keystore_test
  //services/placement:local_directory_test
  //services/placement:redis_directory_test //services/placement:redis_sentinel_test)

suite_unit() {
  local status=0
  # All that no other suite takes, so that a new test cannot be left out.
  bazel_tests //services/... //edge/... //tests/... -//tests/integration/... -//tests/faults/... \
    -//tests/contracts/... -//tests/chaos/... \
    -//tests/simulation/... "${CONFORMANCE[@]/#/-}" || status=1
  if [[ $ATTUNE_FULL -eq 1 ]]; then
    bazel_tests --config=tsan --build_tests_only //services/... //edge/... || status=1
  fi
  return $status
}

suite_asan() {
  if [[ $ATTUNE_FULL -eq 1 ]]; then
    bazel_tests --config=asan --build_tests_only //services/... //edge/...
  else
    # The false-positive rates are statistics: minutes of the same few lines under a sanitizer.
    bazel_tests --config=asan --build_tests_only //services/session/... //services/journal/... \
      //services/synchrony/... -//services/synchrony/chance:calibration_test \
      //services/redis/... //edge/lsl/... //edge/words/... //edge/source/... //edge/agent/... \
      //tests/faults:faults_test
  fi
}

suite_integration() { bazel_tests //tests/integration/... //tests/faults/...; }

suite_simulation() { bazel_tests //tests/simulation/...; }

suite_chaos() { bazel_tests //tests/chaos/...; }

suite_conformance() { bazel_tests "${CONFORMANCE[@]}"; }

suite_demo-smoke() {
  local summary="$suite_dir/demo.json"
  deploy/demo --headless --seconds=40 --summary="$summary" || return
  python3 tests/lib/check_demo_summary.py "$summary"
}

suite_bench-smoke() { tests/bench/run --json --short | python3 tests/lib/check_bench.py; }

# Runs Bazel tests: flags, then target patterns (-//x leaves x out). Keeps going over failures.
bazel_tests() {
  local events flags=()
  while [[ "${1:-}" == --* ]]; do
    flags+=("$1")
    shift
  done
  events=$(mktemp "$suite_dir/events.XXXXXX")
  "${BAZEL:-bazel}" test --keep_going --build_event_json_file="$events" \
    --test_tag_filters="$(tag_filters)" \
    ${ATTUNE_JOBS:+--jobs="$ATTUNE_JOBS" --local_test_jobs="$ATTUNE_JOBS"} \
    --test_env=ATTUNE_FULL="$ATTUNE_FULL" --test_summary=terse "${flags[@]}" -- "$@"
}

# Tests tagged `only-full` belong to --full. (`long` would not do: Bazel takes it for the timeout of
# a large test and leaves all of those out.)
tag_filters() { [[ $ATTUNE_FULL -eq 1 ]] && echo "-manual" || echo "-manual,-only-full"; }

# run_suite NAME BUDGET_S LOGS: prints the suite's line; sets suite_passed and suite_failed.
run_suite() {
  local name=$1 budget_s=$2 status=0 counts start_s=$SECONDS
  local log="$3/$name.log"
  export suite_dir="$3/$name"
  mkdir -p "$suite_dir"
  if [[ $ATTUNE_FULL -eq 1 ]]; then budget_s=$((budget_s * 8)); fi

  printf '%-12s ' "$name"
  timeout --kill-after=20 "$budget_s" \
    bash -c 'set -o pipefail; . tests/lib/suites.sh && "suite_$1"' suite "$name" \
    </dev/null >"$log" 2>&1 &
  # In the background, so that an interrupt reaches us; `timeout` passes it on to what it runs.
  suite_pid=$!
  wait $suite_pid || status=$?
  suite_pid=""
  local spent_s=$((SECONDS - start_s))

  counts=$(python3 tests/lib/count_cases.py "$log" "$suite_dir" "$status") || counts="0 1"
  suite_passed=${counts% *}
  suite_failed=${counts#* }
  if [[ $status -eq 124 || $status -eq 137 ]]; then
    echo "tests/run: $name was stopped at its budget of $budget_s s" >>"$log"
  fi
  printf '%5d s  %5d passed  %3d failed\n' "$spent_s" "$suite_passed" "$suite_failed"
  if [[ $suite_failed -gt 0 ]]; then
    echo "---- $name: the end of $log"
    grep -v '^ok ' "$log" | tail -n 80 | sed 's/^/    /'
    echo "----"
  fi
}
