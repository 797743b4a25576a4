# Sourced by the scripts: steps with progress lines, logs under build/log, one count of results.
passed=0
failed=0
failures=()
log_dir=build/log

# Says what comes, with the time since the script began.
announce() { printf '\n== [%4ds] %s\n' "$SECONDS" "$*"; }

note_pass() { passed=$((passed + ${1:-1})); }
note_fail() {
  failed=$((failed + 1))
  failures+=("$1")
  echo "FAILED: $1"
}

# step NAME COMMAND...: output goes to build/log/NAME.log and, when it fails, its end to the screen.
step() {
  local name=$1 begin=$SECONDS log
  shift
  mkdir -p "$log_dir"
  log="$log_dir/${name//[^A-Za-z0-9_.-]/_}.log"
  printf '   %-40s ' "$name"
  if "$@" >"$log" 2>&1; then
    printf 'ok (%ds)\n' $((SECONDS - begin))
    return 0
  fi
  printf 'FAILED (%ds), log %s\n' $((SECONDS - begin)) "$log"
  tail -n 40 "$log" | sed 's/^/     | /'
  return 1
}

# counted NAME COMMAND...: a step that is one result.
counted() {
  if step "$@"; then note_pass; else note_fail "$1"; fi
}

# build PRESET [TARGET...]: configures if needed and builds; quick when nothing changed.
build() {
  local preset=$1
  shift
  if [[ ! -f build/$preset/build.ninja ]]; then
    step "configure $preset" cmake --preset "$preset" || return 1
  fi
  step "build $preset" cmake --build --preset "$preset" ${1:+--target "$@"}
}

# The closing line; its exit code is the script's.
summary() {
  ((failed == 0)) || printf 'failed: %s\n' "${failures[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

# Runs the rest of the words as root.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}
