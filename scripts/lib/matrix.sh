# Finds out which Matrix homeserver the stack speaks to: its own Synapse, or one of the operator's.
# Needs progress.sh, settings.sh and compose.sh. $force_embedded is yes or no.

# The bot of the stack's own Synapse, as enrol makes it.
embedded_bot=@agentbot:countersign.local
allowed_keys='Allowed: MATRIX_BOT_USER, MATRIX_BOT_TOKEN, MATRIX_ROOM_ID.'
bot_lines='  MATRIX_BOT_USER=@agentbot:your-server
  MATRIX_BOT_TOKEN=the access token of its login
  MATRIX_ROOM_ID=!the-room'

# Prints embedded, own or none. A homeserver that the operator names comes first.
choose_homeserver_kind() {
  if [ "$force_embedded" = yes ]; then
    printf 'embedded'
  elif [ -n "${COMPOSE_PROFILES+set}" ]; then
    homeserver_kind_of "$COMPOSE_PROFILES"
  elif [ -n "$(named_homeserver)" ]; then
    printf 'own'
  else
    printf 'embedded'
  fi
}

# What runs with the profiles $1.
homeserver_kind_of() {
  case ,$1, in
    *,synapse,*) printf 'embedded' ;;
    *) if [ -n "$(named_homeserver)" ]; then printf 'own'; else printf 'none'; fi ;;
  esac
}

homeserver_kind() {
  homeserver_kind_of "$(setting COMPOSE_PROFILES)"
}

named_homeserver() {
  read_setting "$(configs_folder)/hosts.env" MATRIX_HOMESERVER
}

# The Compose profile of the homeserver kind $1.
homeserver_profile() {
  [ "$1" != embedded ] || printf 'synapse'
}

# Where a client of this host finds the homeserver of kind $1; nothing where there is none.
homeserver_url() {
  case $1 in
    embedded) printf 'http://127.0.0.1:%s' "$(matrix_port)" ;;
    own)
      url=$(read_setting "$(configs_folder)/hosts.env" MATRIX_CLIENT_URL)
      printf '%s' "${url:-$(named_homeserver)}" ;;
  esac
}

matrix_port() {
  port=$(setting COUNTERSIGN_MATRIX_PORT)
  printf '%s' "${port:-8008}"
}

check_matrix_port() {
  check_port COUNTERSIGN_MATRIX_PORT "$(matrix_port)"
}

operator_file() {
  printf '%s/enrol/operator.env' "$(secrets_folder)"
}

# The Matrix id of the operator; known only of the stack's own homeserver.
matrix_operator() {
  [ "$1" != embedded ] || read_readable "$(operator_file)" MATRIX_USER
}

matrix_room() {
  case $1 in
    embedded) read_readable "$(operator_file)" MATRIX_ROOM_ID ;;
    own) read_readable "$(secrets_folder)/matrix-listener/matrix-bot.env" MATRIX_ROOM_ID ;;
  esac
}

read_readable() {
  [ ! -r "$1" ] || read_setting "$1" "$2"
}

# With a homeserver of the operator's, what only he knows has to be there before anything is started.
check_homeserver() {
  case $1 in
    embedded)
      [ -z "$(named_homeserver)" ] || [ "$force_embedded" = yes ] ||
        advise "COMPOSE_PROFILES turns on the stack's own Synapse, and configs/hosts.env names another homeserver" \
          "(MATRIX_HOMESERVER): unset one of the two." ;;
    own) check_bot_file "$(secrets_folder)/matrix-listener/matrix-bot.env" ;;
  esac
}

# Never shows a value: one of them is the token.
check_bot_file() {
  [ -e "$1" ] || advise "configs/hosts.env names your homeserver, and the listener has no way in there yet. Write these three
lines into $1 and run scripts/up again:

$bot_lines"
  [ -f "$1" ] && [ ! -L "$1" ] || advise "$1 has to be a file, and no link to one."
  # Closed to this user: init makes it the services', and the listener says what is wrong with it.
  [ -r "$1" ] || return 0
  number=0
  seen=
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    check_bot_line "$1" "$number" "$(printf '%s' "$line" | tr -d '\r' | sed 's/^[[:space:]]*//')"
  done <"$1"
  for key in MATRIX_BOT_USER MATRIX_BOT_TOKEN MATRIX_ROOM_ID; do
    check_bot_value "$1" "$key" "$(read_setting "$1" "$key")"
  done
}

# Adds to $seen.
check_bot_line() {
  case $3 in
    '' | '#'*) return 0 ;;
    *=*) ;;
    *) malformed "$1:$2: not a setting. A line is KEY=value, or a comment that begins with #." ;;
  esac
  case ${3%%=*} in
    MATRIX_BOT_USER | MATRIX_BOT_TOKEN | MATRIX_ROOM_ID) ;;
    *[!A-Za-z0-9_]* | '') malformed "$1:$2: not a setting. A line is KEY=value, without spaces around the =." ;;
    MATRIX_*) malformed "$1:$2: unknown setting ${3%%=*}. $allowed_keys" ;;
    # It may be a token that lost its key.
    *) malformed "$1:$2: unknown setting. $allowed_keys" ;;
  esac
  case $seen in
    *" ${3%%=*} "*) malformed "$1:$2: ${3%%=*} stands here a second time." ;;
  esac
  seen="$seen ${3%%=*} "
}

check_bot_value() {
  [ -n "$3" ] || malformed "$1: $2 is missing."
  case $2:$3 in
    "MATRIX_BOT_USER:$embedded_bot")
      advise "$1 is for the stack's own Synapse, and configs/hosts.env names another homeserver. Move it away, write
these three lines there, and run scripts/up again:

$bot_lines" ;;
    MATRIX_BOT_USER:*[[:space:]]*) malformed "$1: MATRIX_BOT_USER is not @name:server." ;;
    MATRIX_BOT_USER:@*:*) ;;
    MATRIX_BOT_USER:*) malformed "$1: MATRIX_BOT_USER is not @name:server." ;;
    MATRIX_BOT_TOKEN:*[[:space:]]* | MATRIX_BOT_TOKEN:*[![:print:]]*)
      malformed "$1: MATRIX_BOT_TOKEN is no access token, which has no spaces." ;;
    MATRIX_BOT_TOKEN:*) ;;
    MATRIX_ROOM_ID:'#'*) malformed "$1: MATRIX_ROOM_ID is an alias. The room's id begins with ! and is among its settings." ;;
    MATRIX_ROOM_ID:*[[:space:]]*) malformed "$1: MATRIX_ROOM_ID is no room id, which begins with !." ;;
    MATRIX_ROOM_ID:'!'*) ;;
    MATRIX_ROOM_ID:*) malformed "$1: MATRIX_ROOM_ID is no room id, which begins with !." ;;
  esac
}

malformed() {
  advise "$* Mend it and run scripts/up again."
}

# The room is made before the wait for healthy services, so that what enrol has to say is shown as it says it.
enrol_users() {
  enrol_log=$root/.cache/logs/enrol.log
  compose run --rm -T enrol >"$enrol_log" 2>&1 && return
  cat "$enrol_log"
  advise "The bot, the operator or their room could not be made; the lines above say why and what to do."
}
