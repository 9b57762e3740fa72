# Writes this machine's settings, builds the images and starts the services.
# Needs progress.sh, settings.sh, compose.sh and model.sh. Runs inside steps.

# How long services have to become healthy once their containers are there.
healthy_limit_seconds=180
# A service that was restarted this often while it should become healthy is not waited for.
hopeless_restarts=4
# The services' user where the operator is root: it owns nothing else on the machine.
fallback_id=10001

write_settings() {
  home=$(agentic_home)
  kind=$(choose_model_kind)
  save_setting COMPOSE_PROJECT_NAME "$(setting COMPOSE_PROJECT_NAME)"
  save_setting AGENTIC_HOME "$home"
  save_setting COUNTERSIGN_UID "$(operator_id COUNTERSIGN_UID "$(id -u)" "${SUDO_UID:-0}")"
  save_setting COUNTERSIGN_GID "$(operator_id COUNTERSIGN_GID "$(id -g)" "${SUDO_GID:-0}")"
  save_setting COUNTERSIGN_MODEL_KIND "$kind"
  save_setting COMPOSE_PROFILES "${COMPOSE_PROFILES-$(model_profile "$kind")}"
  save_setting HOST_CA_BUNDLE "$(host_certificates)"
  save_setting DOCKER_SOCKET "$(engine_socket)"
  save_setting COUNTERSIGN_REVISION "$(revision)"
  save_setting COUNTERSIGN_CONFIGS_DIGEST "$(configs_digest)"
  make_home_folders "$home"
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ]; then
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$settings_path" "$root/.cache"
  fi
  note "$settings_path"
}

# Prints the id kept in setting $1, else $2, the caller's, or where that is root, $3, sudo's caller, or our own.
operator_id() {
  id=$(setting "$1")
  [ -n "$id" ] || id=$2
  [ "$id" != 0 ] || id=$3
  [ "$id" != 0 ] || id=$fallback_id
  printf '%s' "$id"
}

# The certificates that a build trusts besides its own: named by the operator, or where no registry answers the
# host's, for a proxy that inspects traffic is the usual reason. Empty elsewhere.
host_certificates() {
  if [ -n "${HOST_CA_BUNDLE:-}" ]; then
    printf '%s' "$HOST_CA_BUNDLE"
  elif [ -f "${NODE_EXTRA_CA_CERTS:-}" ]; then
    printf '%s' "$NODE_EXTRA_CA_CERTS"
  elif [ "$(setting COUNTERSIGN_REGISTRY)" = no ] && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    printf '/etc/ssl/certs/ca-certificates.crt'
  else
    setting HOST_CA_BUNDLE
  fi
}

# The engine's socket as the engine itself sees it. Docker Desktop and OrbStack have it at the usual place in their machine.
engine_socket() {
  socket=${DOCKER_SOCKET:-}
  if [ -z "$socket" ] && [ "$(uname -s)" = Linux ]; then
    # A context may name another socket, as a rootless engine's does; DOCKER_HOST wins over it.
    socket=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}
    case $socket in
      unix://*) socket=${socket#unix://} ;;
      *) advise "The engine at '$socket' is not on this machine, and the stack mounts folders of this machine." \
        "Unset DOCKER_HOST, or choose a local engine with 'docker context use'." ;;
    esac
  fi
  printf '%s' "${socket:-/var/run/docker.sock}"
}

# The last commit that changed what images are made from, so that other commits leave the images as they are.
revision() {
  inputs='services images package.json package-lock.json'
  # shellcheck disable=SC2086 # a list of paths
  commit=$(git -C "$root" log -1 --format=%H -- $inputs 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  git -C "$root" diff --quiet HEAD -- $inputs 2>/dev/null || commit=$commit-changed
  printf '%s' "$commit"
}

# Of everything under configs/: a changed digest makes Compose restart the services that read it.
configs_digest() {
  (cd "$(configs_folder)" && find . -type f | LC_ALL=C sort | while read -r file; do cksum "$file"; done) | cksum | tr ' ' '-'
}

# A home elsewhere gets the folders that the committed volumes/ has: a missing one would keep a container from being made.
make_home_folders() {
  [ "$1" != "$root/volumes" ] || return 0
  (cd "$root/volumes" && find . -name .gitkeep) | while read -r keep; do
    mkdir -p "$1/${keep%/.gitkeep}"
  done
}

build_images() {
  # The operator's command is built too. '--profile tools' would drop the profiles of the settings.
  COMPOSE_PROFILES=$(setting COMPOSE_PROFILES),tools
  export COMPOSE_PROFILES
  compose build ||
    advise "An image could not be built; the end of the log above says where. When a download failed, check this" \
      "machine's network and run scripts/up again: what is built is kept."
}

start_services() {
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  remove_other_models "$kind"
  [ "$kind" != ollama ] || pull_model
  up_status=0
  compose up --detach --wait --wait-timeout "$healthy_limit_seconds" --remove-orphans &
  up=$!
  end_when_hopeless "$up" &
  observer=$!
  wait "$up" || up_status=$?
  kill "$observer" 2>/dev/null || :
  [ "$up_status" -eq 0 ] || explain_unhealthy
  note "$(compose ps --format '{{.Service}}' | wc -l | tr -d ' ') services are up"
}

# Ends the wait for health when a service fails again and again: one with a misspelt setting never gets well.
end_when_hopeless() {
  while sleep 2 && kill -0 "$1" 2>/dev/null; do
    for container in $(docker ps --quiet --filter status=restarting \
      --filter "label=com.docker.compose.project=$(setting COMPOSE_PROJECT_NAME)"); do
      if [ "$(docker inspect --format '{{.RestartCount}}' "$container")" -ge "$hopeless_restarts" ]; then
        kill "$1" 2>/dev/null || :
      fi
    done
  done
}

# Shows what each service that is not well printed last, and ends the step.
explain_unhealthy() {
  bad=$(services_in_trouble yes | tr '\n' ' ')
  # One that is only starting is to blame where nothing worse is to be seen.
  [ -n "$bad" ] || bad=$(services_in_trouble no | tr '\n' ' ')
  [ -n "$bad" ] || advise "Docker Compose could not start the stack; the lines above say why. Mend it and run scripts/up" \
    "again. Where only Ollama or its model is missing, scripts/up --rehearsal does without a language model."
  for service in $bad; do
    printf '\n%s (%s) printed last:\n' "$service" "$(compose ps --all --format '{{.Status}}' "$service")"
    docker logs --tail 12 "$(compose ps --all --quiet "$service")"
  done
  advise "Not healthy: ${bad% }. Mend what the lines above say and run scripts/up again; the whole log:" \
    "docker logs $(setting COMPOSE_PROJECT_NAME)-${bad%% *}-1"
}

# The services that have failed, one a line; with $1 'no' those that are still starting as well.
services_in_trouble() {
  compose ps --all --format '{{.Service}}:{{.State}}:{{.Health}}:{{.ExitCode}}' | while IFS= read -r line; do
    case $line in
      *:running:healthy:* | *:running::* | *:exited:*:0) continue ;;
      *:running:starting:*) [ "$1" = no ] || continue ;;
    esac
    printf '%s\n' "${line%%:*}"
  done
}
