# What scripts/up says at the end, for people and as JSON. Needs settings.sh and model.sh.

print_report() {
  home=$(agentic_home)
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  cat <<END

Countersign is up.

  Dashboard      not part of this version yet: scripts/countersign status shows every task
  Your folder    $home
  Secrets        $(secrets_folder), one folder per service, made on the first start and never committed
  Model          $(describe_model "$kind")

Drop the first task; it works on the example repository by itself:

  printf 'workspace: mini-control-plane\naction: run\nstage: dev\n' > $(shell_word "$home/inbox/first.md")
  scripts/countersign status

A task with 'stage: staging' waits for you instead, planned but not begun:

  scripts/countersign show NAME.md        what you would approve: facts, plan, digest
  scripts/countersign approve NAME.md     or: reject

Stop it with scripts/down.
END
}

# One line. A part that this version does not have is null.
print_json() {
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  printf '{"dashboard":null,"homeserver":null,"operator":null,"room":null,"home":%s,"model":{"kind":%s,"name":%s}}\n' \
    "$(json_string "$(agentic_home)")" "$(json_string "$kind")" "$(json_string "$(model_name "$kind")")"
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
