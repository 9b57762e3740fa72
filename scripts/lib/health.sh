# Reads what services say of themselves. Needs settings.sh.

first_health_limit_seconds=6
escaped_backslash=$(printf '\001')

# The health report of the service $1. It lies in a folder that only that service writes.
health_file() {
  printf '%s/logs/%s/health.json' "$(agentic_home)" "$1"
}

# Prints the text $2 of the report $1 on one line, without what a terminal would act on; nothing where there is none.
health_text() {
  # A link could lead to any file of this machine's.
  [ -f "$1" ] && [ ! -L "$1" ] && [ -r "$1" ] || return 0
  # A quote inside of a JSON text is escaped, so this finds the key itself and no words that look like it. An escaped backslash
  # waits as a character that no report has, so that what follows it is not taken for an escape of its own.
  head -c 65536 "$1" | tr '\n\001' '  ' |
    LC_ALL=C sed -n 's/.*[{,]"'"$2"'":"\([^"\\]*\(\\.[^"\\]*\)*\)".*/\1/p' |
    LC_ALL=C sed "s/\\\\\\\\/$escaped_backslash/g; "'s/\\u[0-9A-Fa-f]\{4\}/?/g; s/\\[bfnrt]/ /g; s/\\\(.\)/\1/g' |
    LC_ALL=C tr '\001' '\134' | LC_ALL=C tr -cd ' -~' | cut -c 1-500
}

# Gives services that have only just become healthy a moment to be well.
await_first_health() {
  waited=0
  until [ -z "$(services_not_well)" ] || [ "$waited" -ge "$first_health_limit_seconds" ]; do
    sleep 1
    waited=$((waited + 1))
  done
}

# One line for each service that is not well, or of which more is expected than silence.
services_not_well() {
  for file in "$(agentic_home)"/logs/*/health.json "$(health_file gateway)" "$(health_file matrix-listener)"; do
    service=${file%/health.json}
    # A folder's name is no better than its content.
    service=$(printf '%s' "${service##*/}" | LC_ALL=C tr -cd 'a-z0-9-')
    [ -n "$service" ] || continue
    status=$(health_text "$file" status)
    reason=$(health_text "$file" reason)
    [ "$status" = ok ] || printf '%s: %s\n' "$service" "${reason:-has not said yet that it is well}"
  done | LC_ALL=C sort -u
}

# The services that say that they fail, or given a file, have said it since that file was made; one a line.
services_failing() {
  for file in "$(agentic_home)"/logs/*/health.json; do
    [ $# -eq 0 ] || [ -n "$(find "$file" -newer "$1" 2>/dev/null)" ] || continue
    [ "$(health_text "$file" status)" = failing ] || continue
    service=${file%/health.json}
    printf '%s\n' "${service##*/}"
  done
}

say_of_itself() {
  reason=$(health_text "$(health_file "$1")" reason)
  [ -z "$reason" ] || printf '\n%s says: %s\n' "$1" "$reason"
}
