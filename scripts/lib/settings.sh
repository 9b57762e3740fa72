# Reads and writes the stack's settings. A variable of the environment wins over the settings file that scripts/up
# writes (.env.local), which wins over the committed .env. Needs $root.

# A second stack beside the first has its own project name, and with it its own settings file.
settings_file() {
  if [ -n "${COUNTERSIGN_ENV_FILE:-}" ]; then
    absolute_path "$COUNTERSIGN_ENV_FILE"
  elif [ "${COMPOSE_PROJECT_NAME:-$(read_setting "$root/.env" COMPOSE_PROJECT_NAME)}" = \
    "$(read_setting "$root/.env" COMPOSE_PROJECT_NAME)" ]; then
    printf '%s' "$root/.env.local"
  else
    printf '%s' "$root/.cache/$COMPOSE_PROJECT_NAME.env.local"
  fi
}

# Prints the value of the setting $1, or nothing.
setting() {
  if eval "[ -n \"\${$1+set}\" ]"; then
    eval "printf '%s' \"\$$1\""
  elif grep -q "^$1=" "$settings_path" 2>/dev/null; then
    read_setting "$settings_path" "$1"
  else
    read_setting "$root/.env" "$1"
  fi
}

# Prints the value that the file $1 gives to $2. The file is read, never run.
read_setting() {
  [ -f "$1" ] || return 0
  value=$(sed -n "s/^$2=//p" "$1" | tr -d '\r' | tail -n 1)
  case $value in
    "'"*"'") value=${value#"'"} value=${value%"'"} ;;
    '"'*'"') value=${value#'"'} value=${value%'"'} ;;
    *) value=$(printf '%s' "$value" | sed 's/[[:space:]][[:space:]]*#.*$//; s/[[:space:]]*$//') ;;
  esac
  printf '%s' "$value"
}

# Writes the setting $1 with the value $2 into the settings file, if it is not there already. Other lines stay.
save_setting() {
  settings_line=$1=$(quote_setting "$1" "$2")
  [ -f "$settings_path" ] || {
    mkdir -p "$(dirname "$settings_path")"
    printf '%s\n' "# Written by scripts/up for this machine; lines of your own stay." >"$settings_path"
  }
  grep -qxF -e "$settings_line" "$settings_path" && return
  {
    grep -v "^$1=" "$settings_path" || :
    printf '%s\n' "$settings_line"
  } >"$settings_path.new"
  mv "$settings_path.new" "$settings_path"
}

# Compose takes a value in single quotes literally. Only one with an apostrophe itself needs double quotes.
quote_setting() {
  case $2 in
    *[[:cntrl:]]*) advise "$1 holds a control character: choose another value." ;;
    *\'*)
      case $2 in
        *[\"\$\\\`]*) advise "$1 holds an apostrophe together with one of \" \$ \\ \`: choose another value." ;;
      esac
      printf '"%s"' "$2" ;;
    *) printf "'%s'" "$2" ;;
  esac
}

# Prints $1 as a path from the root, with a leading ~ resolved; the last part need not exist.
absolute_path() {
  # shellcheck disable=SC2088 # a tilde that no shell has resolved, as from a quoted value
  case $1 in
    /*) printf '%s' "$1" ;;
    '~') printf '%s' "$HOME" ;;
    '~/'*) printf '%s' "$HOME/${1#'~/'}" ;;
    *) printf '%s' "$(pwd -P)/${1#./}" ;;
  esac
}

# The folder that holds the inbox, the outbox and all else of the operator's.
agentic_home() {
  home=$(setting AGENTIC_HOME)
  case $home in
    '') printf '%s' "$root/volumes" ;;
    /* | '~'*) absolute_path "$home" ;;
    # In a file a relative path starts at the project, as Compose reads it; in the environment where the operator is.
    *) if [ -n "${AGENTIC_HOME:-}" ]; then absolute_path "$home"; else printf '%s' "$root/${home#./}"; fi ;;
  esac
}

# The folder of keys and tokens, one subfolder per service.
secrets_folder() {
  absolute_path "${COUNTERSIGN_SECRETS:-$root/secrets}"
}

configs_folder() {
  absolute_path "${COUNTERSIGN_CONFIGS:-$root/configs}"
}

# $1 is the setting, $2 its value.
check_port() {
  case $2 in
    *[!0-9]* | 0* | ??????*) ;;
    *) [ "$2" -gt 65535 ] || return 0 ;;
  esac
  advise "$1 is '$2': a port is a number from 1 to 65535."
}

settings_path=$(settings_file)
