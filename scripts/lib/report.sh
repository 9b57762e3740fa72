# What scripts/up says at the end, for people and as JSON. Needs settings.sh, model.sh, matrix.sh, page.sh and health.sh.

print_report() {
  home=$(agentic_home)
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  homeserver=$(homeserver_kind)
  cat <<END

Countersign is up.

$(describe_page)
  Your folder    $home
  Secrets        $(secrets_folder), one folder per service, made on the first start and never committed
  Model          $(describe_model "$kind")
$(describe_homeserver "$homeserver")

Drop the first task; it works on the example repository by itself:

  printf 'workspace: mini-control-plane\naction: run\nstage: dev\n' > $(shell_word "$home/inbox/first.md")
  scripts/countersign status

A task with 'stage: staging' waits for you instead, planned but not begun:

  scripts/countersign show NAME.md        what you would approve: facts, plan, digest
  scripts/countersign approve NAME.md     or: reject
$([ "$homeserver" = none ] || printf '\nor in the Matrix room: react to its message there, or answer approve NAME.md\n')

Stop it with scripts/down.
END
  print_attention
}

# The link is printed and written nowhere.
describe_page() {
  link=$(page_link)
  if [ -n "$link" ]; then
    printf '  Dashboard      %s\n' "$link"
    printf '                 this link logs in: keep it to yourself'
  else
    printf '  Dashboard      %s, with the token in %s, which this user cannot read' "$(page_url)" "$(login_token_file)"
  fi
}

describe_homeserver() {
  case $1 in
    embedded)
      printf "  Matrix         %s, the stack's own Synapse: any Matrix client on this machine\n" "$(homeserver_url embedded)"
      printf '    user         %s, password in %s\n' "$(matrix_operator embedded)" "$(operator_file)"
      printf '    room         %s' "$(matrix_room embedded)" ;;
    own)
      printf '  Matrix         %s, your homeserver (configs/hosts.env)\n' "$(homeserver_url own)"
      printf '    room         %s' "$(matrix_room own)" ;;
    none) printf '  Matrix         off: neither the profile synapse nor MATRIX_HOMESERVER is set' ;;
  esac
}

# What runs, but cannot do its work: it is healthy as long as it says so.
print_attention() {
  attention=$(services_not_well)
  [ -z "$attention" ] || printf '\nNeeds attention:\n\n%s\n' "$(printf '%s\n' "$attention" | sed 's/^/  /')"
}

# One line. A part that this version or this stack does not have is null.
print_json() {
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  homeserver=$(homeserver_kind)
  printf '{"dashboard":%s,' "$(json_value "$(page_link)")"
  printf '"homeserver":%s,"operator":%s,"room":%s,' "$(json_value "$(homeserver_url "$homeserver")")" \
    "$(json_value "$(matrix_operator "$homeserver")")" "$(json_value "$(matrix_room "$homeserver")")"
  printf '"home":%s,"model":{"kind":%s,"name":%s}}\n' \
    "$(json_string "$(agentic_home)")" "$(json_string "$kind")" "$(json_string "$(model_name "$kind")")"
}

json_value() {
  if [ -n "$1" ]; then json_string "$1"; else printf 'null'; fi
}

# Settings hold no control characters, so two characters are all there is to escape.
json_string() {
  printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

# $1 as one word for a shell, quoted only where it has to be.
shell_word() {
  case $1 in
    *[!A-Za-z0-9/._-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}
