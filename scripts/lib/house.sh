# `countersign export` and `countersign import`: the whole house as one sealed archive, from one machine to another.
# Needs compose.sh, report.sh (json_string) and refuse().
#
# The work is done in a container of init's image without a network (the service `house`). The passphrase is the first line of what it
# reads; it stands in no argument, no environment and no file of ours.

# They write what is exported; frozen they are for the time of the copy, and not a moment longer.
frozen_services='runner matrix-listener dashboard synapse'
# A merge has to come to its end before a copy: so often that is waited for, a second each time.
busy_tries=120
busy_status=75

export_house() {
  archive='' with_workspaces='' passphrase_file='' as_json=no leave=no take_back=no
  read_house_words export "$@"
  ensure_house
  if [ "$take_back" = yes ]; then
    take_back_house
    return
  fi
  [ -n "$archive" ] || refuse 2 "which file is to be written? See --help"
  [ ! -e "$archive" ] && [ ! -L "$archive" ] || refuse 1 "$archive is there already: name another file"
  [ -d "$(dirname "$archive")" ] || refuse 1 "there is no folder $(dirname "$archive")"
  take_passphrase twice
  scratch=$(mktemp -d)
  frozen='' noted=no
  trap end_export EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  umask 077
  copy_house
  check_copy
  # A note that is cut off may have marked the house as left already; from here on its archive is what it goes on from.
  noted=$leave
  house_note
  noted=yes
  mv "$archive.part" "$archive"
  if [ "$leave" = yes ]; then leave_house; else thaw; fi
  say_exported
}

# Tries again while something is under way that a copy must not cut in two.
copy_house() {
  tries=0
  while :; do
    freeze
    copy_status=0
    passphrase_line | house export ${with_workspaces:+--with-workspaces} "$(json_option)" >"$archive.part" 2>"$scratch/said" ||
      copy_status=$?
    [ "$copy_status" -ne 0 ] || return 0
    tries=$((tries + 1))
    if [ "$copy_status" -ne "$busy_status" ] || [ "$tries" -ge "$busy_tries" ] || [ -z "$frozen" ]; then
      refuse 1 "nothing was exported: $(tail -n 5 "$scratch/said")"
    fi
    thaw
    sleep 1
  done
}

# What the container has sealed is what lies on this disk, to the byte.
check_copy() {
  read -r word digest bytes <<END
$(head -n 1 "$scratch/said")
END
  [ "$word" = archive ] && [ "$(sha256_of "$archive.part")" = "$digest" ] &&
    [ "$(($(wc -c <"$archive.part")))" = "$bytes" ] ||
    refuse 1 "the archive is not what was written to it; is there room in $(dirname "$archive")? $(tail -n 2 "$scratch/said")"
}

house_note() {
  set -- note "$digest" ${with_workspaces:+--with-workspaces}
  [ "$leave" = no ] || set -- "$@" --left
  house "$@" </dev/null >/dev/null
}

say_exported() {
  if [ "$as_json" = yes ]; then
    printf '{"file":%s,"frozen_sec":%s,"left":%s,"house":%s}\n' "$(json_string "$archive")" "$frozen_seconds" \
      "$([ "$leave" = yes ] && echo true || echo false)" "$(sed -n 2p "$scratch/said")"
    return
  fi
  printf '%s\n' "$archive holds this house, sealed with your passphrase ($bytes bytes, SHA-256 $digest)."
  sed 1d "$scratch/said"
  [ "$frozen_seconds" = null ] || printf '%s\n' "The stack stood still for $frozen_seconds s and goes on."
  [ "$leave" = no ] || printf '%s\n' \
    "The stack is stopped, and nothing of it starts here any more. To go on here after all: scripts/countersign export --take-back"
}

freeze() {
  frozen_since=$(date +%s)
  for running in $(compose ps --services --status running 2>/dev/null); do
    case " $frozen_services " in
      *" $running "*) frozen="$frozen $running" ;;
    esac
  done
  # shellcheck disable=SC2086
  [ -z "$frozen" ] || compose pause $frozen >/dev/null 2>&1 || refuse 1 "the stack cannot be frozen: see docker compose ps"
}

thaw() {
  [ -n "$frozen" ] || {
    frozen_seconds=null
    return 0
  }
  # shellcheck disable=SC2086
  compose unpause $frozen >/dev/null 2>&1 ||
    printf '%s\n' "countersign: not thawed:$frozen; run 'docker compose unpause', or scripts/up" >&2
  frozen_seconds=$(($(date +%s) - frozen_since))
  frozen=''
}

leave_house() {
  frozen_seconds=null
  kill_frozen
  compose --profile '*' stop >/dev/null 2>&1 || refuse 1 "the stack cannot be stopped: run scripts/down"
}

# A killed process does no other step when it is thawed; so nothing happens here behind the copy.
kill_frozen() {
  # shellcheck disable=SC2086
  [ -z "$frozen" ] || compose kill $frozen >/dev/null 2>&1 || :
  frozen=''
}

# Nothing deletes an archive that was told of: the house may go on from it alone.
end_export() {
  end_status=$?
  trap '' HUP INT TERM
  stty_back
  if [ "$noted" = yes ] && [ "$leave" = yes ]; then kill_frozen; else thaw; fi
  if [ "$end_status" -eq 0 ]; then :; elif [ "$noted" = yes ]; then say_kept; else rm -f "$archive.part"; fi
  rm -rf "$scratch"
}

say_kept() {
  kept=$archive.part
  [ -e "$kept" ] || kept=$archive
  printf '%s\n' "countersign: this did not come to its end; $kept holds the whole house, sealed with your passphrase, and is kept." >&2
  [ "$leave" = no ] || printf '%s\n' \
    "The house may be marked as left: then nothing of it starts here any more. To go on here after all:" \
    "scripts/countersign export --take-back, and then scripts/up. To go on elsewhere: scripts/down, and take the archive along." >&2
}

take_back_house() {
  case $(house take-back </dev/null) in
    'taken back') printf '%s\n' "This house goes on here: start it with scripts/up. The one that was made from its archive must not." ;;
    *) printf '%s\n' "This house was not marked as moved." ;;
  esac
}

import_house() {
  archive='' passphrase_file='' as_json=no replace=''
  read_house_words import "$@"
  [ -n "$archive" ] || refuse 2 "which archive? See --help"
  [ -f "$archive" ] && [ -r "$archive" ] || refuse 1 "there is no archive $archive that can be read"
  ensure_house
  take_passphrase once
  scratch=$(mktemp -d)
  trap end_import EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  say_step "Reading the archive to its end; nothing is written yet"
  read_archive verify ${replace:+--replace} >/dev/null 2>"$scratch/said" ||
    refuse 1 "$(tail -n 5 "$scratch/said")"
  say_step "Stopping the stack"
  compose --profile '*' stop >/dev/null 2>&1 || refuse 1 "the stack cannot be stopped: run scripts/down"
  say_step "Unpacking it, and putting it in place"
  read_archive import ${replace:+--replace} "$(json_option)" >"$scratch/report" 2>"$scratch/said" ||
    refuse 1 "$(tail -n 5 "$scratch/said")"
  cat "$scratch/report"
}

read_archive() {
  { passphrase_line && cat "$archive"; } | house "$@"
}

say_step() {
  [ "$as_json" = yes ] || printf '%s\n' "$1" >&2
}

end_import() {
  trap '' HUP INT TERM
  stty_back
  rm -rf "$scratch"
}

read_house_words() {
  house_verb=$1
  shift
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case $house_verb:$word in
      *:--json) as_json=yes ;;
      *:--passphrase-file)
        [ $# -gt 0 ] || refuse 2 "--passphrase-file needs a file: see --help"
        passphrase_file=$1
        shift ;;
      export:--with-workspaces) with_workspaces=yes ;;
      export:--leave) leave=yes ;;
      export:--take-back) take_back=yes ;;
      import:--replace) replace=yes ;;
      *:-?*) refuse 2 "$house_verb has no option '$word': see --help" ;;
      *)
        [ -z "$archive" ] || refuse 2 "one archive at a time: see --help"
        archive=$(absolute_path "$word") ;;
    esac
  done
}

ensure_house() {
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || refuse 1 "no Docker engine answers: start it, or run scripts/up"
  tag=$(setting COUNTERSIGN_TAG)
  docker image inspect "countersign/init:${tag:-local}" >/dev/null 2>&1 ||
    refuse 1 "this machine has no images of Countersign yet: run scripts/up first"
}

house() {
  compose --progress quiet run --rm --no-deps -T --quiet-pull house "$@"
}

# An option that is always one, so that the words before it may be none.
json_option() {
  [ "$as_json" = yes ] && printf '%s' --json || printf '%s' --no-json
}

# $1 is twice where a mistyped passphrase would be found out too late.
take_passphrase() {
  passphrase=''
  if [ -n "$passphrase_file" ]; then
    [ -f "$passphrase_file" ] && [ -r "$passphrase_file" ] || refuse 1 "there is no file $passphrase_file that can be read"
    return 0
  fi
  [ -t 0 ] || refuse 2 "there is no terminal to ask for the passphrase on: give --passphrase-file"
  terminal=$(stty -g)
  trap stty_back EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  stty -echo
  ask_passphrase "Passphrase: "
  if [ "$1" = twice ]; then
    first=$passphrase
    ask_passphrase "The same again: "
    [ "$first" = "$passphrase" ] || refuse 1 "the two are not the same"
    first=''
  fi
  stty_back
}

ask_passphrase() {
  printf '%s' "$1" >&2
  IFS= read -r passphrase || :
  printf '\n' >&2
}

terminal=''
stty_back() {
  [ -z "$terminal" ] || stty "$terminal"
  terminal=''
}

# printf is the shell's own: what it prints is in no list of processes.
passphrase_line() {
  if [ -n "$passphrase_file" ]; then
    head -n 1 "$passphrase_file" | tr -d '\r\n'
    printf '\n'
  else
    printf '%s\n' "$passphrase"
  fi
}

# macOS has shasum, and sha256sum only since lately.
sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -c 1-64
}
