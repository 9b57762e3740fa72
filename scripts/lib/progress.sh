# Shows the steps of a host script on standard error, each with its elapsed time, and keeps what a step prints in a log.
# Needs $root. A step's own standard output and error go to its log; file descriptor 4 is the operator's.

step_log=
step_title=
ticker=

exec 4>&2

# Runs the function or command $2… as the step titled $1. Where it fails, shows the end of its log and ends the script.
# It runs in a subshell: a step hands results on through the settings file, not through variables.
step() {
  step_title=$1
  shift
  mkdir -p "$root/.cache/logs"
  step_log=$root/.cache/logs/$(printf '%s' "$step_title" | tr -cs 'A-Za-z0-9' '-' | tr '[:upper:]' '[:lower:]').log
  : >"$step_log"
  step_started=$(date +%s)
  show_ticker &
  ticker=$!
  # With 'set -e' off outside and on inside, the first failing command ends the step, and not the script.
  set +e
  (
    set -e
    "$@"
  ) >>"$step_log" 2>&1
  step_status=$?
  set -e
  stop_ticker
  elapsed=$(($(date +%s) - step_started))
  if [ "$step_status" -eq 0 ]; then
    detail=$(sed -n 's/^note: //p' "$step_log" | tail -n 1)
    status_line "✓ $step_title" "$elapsed s${detail:+  $detail}"
    return
  fi
  status_line "✗ $step_title" "$elapsed s"
  explain_failure
  exit 1
}

# One finished line of the display.
status_line() {
  [ ! -t 4 ] || printf '\r\033[K' >&4
  printf '  %-26s %s\n' "$1" "$2" >&4
}

# Keeps a long step visibly alive: each second on a terminal, every 15 s as a line of its own elsewhere.
show_ticker() {
  parent=$$
  columns=$(stty size <&4 2>/dev/null | cut -d ' ' -f 2)
  [ "${columns:-0}" -gt 60 ] || columns=80
  while sleep 1 && kill -0 "$parent" 2>/dev/null; do
    seconds=$(($(date +%s) - step_started))
    if [ -t 4 ]; then
      printf '\r\033[K  … %-24s %s s  %s' "$step_title" "$seconds" "$(latest_line $((columns - 40)))" >&4
    elif [ "$((seconds % 15))" -eq 0 ]; then
      printf '  … %-24s %s s  %s\n' "$step_title" "$seconds" "$(latest_line 100)" >&4
    fi
  done
}

# The log's last line without control characters, cut to $1 bytes: a build's output may contain anything.
latest_line() {
  tail -n 1 "$step_log" | LC_ALL=C tr -cd ' -~' | cut -c "1-$1"
}

stop_ticker() {
  [ -n "$ticker" ] || return 0
  # A signal with a trap is lost in a shell that was forked a moment ago, and this one would wait for it for ever.
  kill -KILL "$ticker" 2>/dev/null || :
  wait "$ticker" 2>/dev/null || :
  ticker=
}
trap stop_ticker EXIT
trap 'printf "\n" >&4; exit 130' INT
trap 'exit 143' TERM

# What the operator has to know while a step runs, for instance that something is being installed.
say() {
  [ ! -t 4 ] || printf '\r\033[K' >&4
  printf '    %s\n' "$*" >&4
  printf '%s\n' "$*"
}

# Becomes the remark behind the step's finished line.
note() {
  printf 'note: %s\n' "$*"
}

# Ends the step with the one thing that the operator should do next, in one line or several.
advise() {
  printf '%s\n' "$*" | sed '1s/^/advice: /; 1!s/^/advice+ /'
  exit 1
}

explain_failure() {
  advice=$(sed -n '/^advice: /h; /^advice+ /H; ${ g; p; }' "$step_log" | sed 's/^advice[:+] //')
  if [ "$(grep -vc -e '^note: ' -e '^advice[:+] ' "$step_log")" != 0 ]; then
    printf '\nThe last lines of %s:\n' "$step_log" >&4
    # Plain characters only: a log holds what others wrote, and this is the operator's terminal.
    grep -v -e '^note: ' -e '^advice[:+] ' "$step_log" | tail -n 30 | LC_ALL=C tr -cd '\011\012 -~' | sed 's/^/    /' >&4
  fi
  [ -n "$advice" ] ||
    advice="The step '$step_title' failed. Mend what its log says and run the same command again: what is done is kept."
  printf '\n%s\n' "$advice" >&4
}
