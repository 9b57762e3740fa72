# Sourced by every host script: `compose` is Docker Compose for this stack, from any folder. The script sets $root
# (the project's folder, absolute) first:
#   root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
#   . "$root/scripts/lib/compose.sh"

. "$root/scripts/lib/settings.sh"

# Compose finds docker-compose.yml and an operator's docker-compose.override.yml in the project's folder by itself.
compose() {
  (compose_instead "$@")
}

# The same in this shell's place: in the background the job's id is then that of the program itself, which can be ended by it.
compose_instead() {
  AGENTIC_HOME=$(agentic_home)
  export AGENTIC_HOME
  if [ -f "$settings_path" ]; then
    exec docker compose --project-directory "$root" --env-file "$root/.env" --env-file "$settings_path" "$@"
  else
    exec docker compose --project-directory "$root" --env-file "$root/.env" "$@"
  fi
}
