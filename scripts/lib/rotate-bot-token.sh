# `countersign rotate-bot-token`: another token for the bot, while the listener runs, and the end of the one before.
# Needs compose.sh, matrix.sh (homeserver_kind), house.sh (ensure_house, stty_back) and refuse(). The work is done in a container that
# reaches the homeserver and the listener's folder of secrets. A given token is what that container reads; it stands in no argument, no
# environment and no file of ours.

rotate_bot_token() {
  token_file='' given='' now='' as_json=''
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case $word in
      --json) as_json=--json ;;
      --now) now=--now ;;
      --token-file)
        [ $# -gt 0 ] || refuse 2 "--token-file needs a file: see --help"
        token_file=$1
        shift ;;
      *) refuse 2 "rotate-bot-token has no option '$word': see --help" ;;
    esac
  done
  case $(homeserver_kind) in
    none) refuse 1 "there is no homeserver: neither the profile synapse nor MATRIX_HOMESERVER is set" ;;
    embedded)
      [ -z "$token_file" ] || refuse 2 "the bot of the stack's own Synapse is logged in without a token of yours: see --help" ;;
    own)
      given=--given
      check_token_file ;;
  esac
  ensure_house
  docker image inspect "countersign/rotate-bot-token:${tag:-local}" >/dev/null 2>&1 ||
    refuse 1 "this machine has no image yet that replaces tokens: run scripts/up first"
  if [ -n "$given" ]; then token_line | rotation; else rotation </dev/null; fi
}

rotation() {
  compose --progress quiet run --rm --no-deps -T --quiet-pull rotate-bot-token ${given:+--given} ${now:+--now} ${as_json:+--json}
}

# Before anything is started. Without a file somebody has to be there to be asked.
check_token_file() {
  if [ -n "$token_file" ]; then
    [ -f "$token_file" ] && [ -r "$token_file" ] || refuse 1 "there is no file $token_file that can be read"
    return 0
  fi
  [ -t 0 ] || refuse 2 "there is no terminal to ask for the token on: give --token-file"
  terminal=$(stty -g)
  trap stty_back EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  stty -echo
  printf '%s' "Token of a new login of the bot: " >&2
  token=''
  IFS= read -r token || :
  printf '\n' >&2
  stty_back
}

# printf is the shell's own: what it prints is in no list of processes.
token_line() {
  if [ -n "$token_file" ]; then
    head -n 1 "$token_file" | tr -d '\r\n'
  else
    printf '%s' "$token"
  fi
}
