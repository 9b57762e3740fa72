# Writes this machine's settings, builds the images and starts the services.
# Needs progress.sh, settings.sh, compose.sh, model.sh, matrix.sh, page.sh and health.sh. Runs inside steps.

# How long services have to become healthy once their containers are there.
healthy_limit_seconds=180
# A service that was restarted this often while it should become healthy is not waited for, nor one that says of itself for
# so many looks, two seconds apart, that it fails.
hopeless_restarts=4
hopeless_looks=4
# The services' user where the operator is root: it owns nothing else on the machine.
fallback_id=10001

write_settings() {
  home=$(agentic_home)
  kind=$(choose_model_kind)
  homeserver=$(choose_homeserver_kind)
  check_matrix_port
  check_page_port
  check_homeserver "$homeserver"
  save_setting COMPOSE_PROJECT_NAME "$(setting COMPOSE_PROJECT_NAME)"
  save_setting AGENTIC_HOME "$home"
  save_setting COUNTERSIGN_UID "$(operator_id COUNTERSIGN_UID "$(id -u)" "${SUDO_UID:-0}")"
  save_setting COUNTERSIGN_GID "$(operator_id COUNTERSIGN_GID "$(id -g)" "${SUDO_GID:-0}")"
  save_setting COUNTERSIGN_MODEL_KIND "$kind"
  profiles=$(model_profile "$kind"),$(homeserver_profile "$homeserver")
  profiles=${profiles#,}
  save_setting COMPOSE_PROFILES "${COMPOSE_PROFILES-${profiles%,}}"
  save_setting COUNTERSIGN_MATRIX_PORT "$(matrix_port)"
  save_setting COUNTERSIGN_PAGE_PORT "$(page_port)"
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
  # An export that was killed outright has left them frozen.
  compose unpause >/dev/null 2>&1 || :
  stop_failing
  # What a service said of itself before this is not about this start.
  up_stamp=$root/.cache/$(setting COMPOSE_PROJECT_NAME).up
  : >"$up_stamp"
  kind=$(setting COUNTERSIGN_MODEL_KIND)
  remove_other_models "$kind"
  [ "$(homeserver_kind)" = embedded ] || remove_containers synapse enrol
  [ "$kind" != ollama ] || pull_model
  renew_listener
  renew_dashboard
  up_status=0
  compose_instead up --detach --wait --wait-timeout "$healthy_limit_seconds" --remove-orphans 4>&- &
  up=$!
  end_when_hopeless "$up" 4>&- &
  observer=$!
  wait "$up" || up_status=$?
  kill "$observer" 2>/dev/null || :
  [ "$up_status" -eq 0 ] || explain_unhealthy
  # It may have been well for a moment, before it knew.
  await_first_health
  [ -z "$(services_failing "$up_stamp")" ] || explain_unhealthy
  note "$(compose ps --format '{{.Service}}' | wc -l | tr -d ' ') services are up"
}

# A service that says that it fails is started anew: it would go on saying so until Compose has come to it.
stop_failing() {
  services_failing | while read -r service; do
    containers_of "$service" | while read -r container; do
      docker stop "$container"
    done
  done
}

# The listener takes up another token by itself, but not another bot or room: one that runs with older words than the file holds is
# stopped, and then started anew with the others.
renew_listener() {
  listener=$(containers_of matrix-listener --filter status=running)
  [ -n "$listener" ] || return 0
  [ "$(homeserver_kind)" != embedded ] || enrol_users
  access=$(secrets_folder)/matrix-listener/matrix-bot.env
  stamp=$root/.cache/$(setting COMPOSE_PROJECT_NAME).listener-started
  TZ=UTC0 touch -t "$(docker inspect --format '{{.State.StartedAt}}' "$listener" | next_second)" "$stamp"
  # Also a file that was moved there counts, which keeps the time of its last change.
  [ -z "$(find "$access" -cnewer "$stamp" 2>/dev/null)" ] || docker stop "$listener"
  rm -f "$stamp"
}

# The dashboard reads its token once: where one was removed, init makes another, and a dashboard that starts behind it reads that.
renew_dashboard() {
  [ -x "$(secrets_folder)/dashboard" ] && [ ! -e "$(login_token_file)" ] || return 0
  containers_of dashboard --filter status=running | while read -r container; do
    docker stop "$container"
  done
}

# From the engine's 2026-11-21T08:14:22.873Z to what touch reads, a second later for what it leaves out: 202611210814.23
next_second() {
  IFS=T-:.Z read -r year month day hour minute second rest
  printf '%s%s%s%s%s.%02d' "$year" "$month" "$day" "$hour" "$minute" "$((${second#0} + 1))"
}

# Removes the containers of the services named; their volumes stay.
remove_containers() {
  for service in "$@"; do
    containers_of "$service" --all | while read -r container; do
      docker rm --force "$container"
    done
  done
}

# The containers of the service $1 that Compose has made, one id a line; further parameters are for docker ps. Compose labels
# images with project and service as well, which any container of that image inherits, but the hash is its containers' alone.
containers_of() {
  of_service=$1
  shift
  docker ps --quiet --filter "label=com.docker.compose.project=$(setting COMPOSE_PROJECT_NAME)" \
    --filter "label=com.docker.compose.service=$of_service" --filter label=com.docker.compose.config-hash "$@"
}

# Ends the wait for health when a service fails again and again: one with a misspelt setting never gets well.
end_when_hopeless() {
  looks=0
  while sleep 2 && kill -0 "$1" 2>/dev/null; do
    for container in $(docker ps --quiet --filter status=restarting \
      --filter "label=com.docker.compose.project=$(setting COMPOSE_PROJECT_NAME)"); do
      if [ "$(docker inspect --format '{{.RestartCount}}' "$container")" -ge "$hopeless_restarts" ]; then
        kill "$1" 2>/dev/null || :
      fi
    done
    if [ -n "$(services_failing "$up_stamp")" ]; then looks=$((looks + 1)); else looks=0; fi
    [ "$looks" -lt "$hopeless_looks" ] || kill "$1" 2>/dev/null || :
  done
}

# Shows what each service that is not well printed last, and ends the step.
explain_unhealthy() {
  ! grep -q -e "127\.0\.0\.1:$(page_port) failed: port is already allocated" \
    -e "127\.0\.0\.1:$(page_port): bind: address already in use" "$step_log" ||
    advise "Port $(page_port) of 127.0.0.1 is taken. Choose another for the dashboard: COUNTERSIGN_PAGE_PORT=7870 scripts/up"
  ! grep -q -e 'port is already allocated' -e 'address already in use' "$step_log" ||
    advise "Port $(matrix_port) of 127.0.0.1 is taken. Choose another for the stack's own Synapse:" \
      "COUNTERSIGN_MATRIX_PORT=8018 scripts/up"
  bad=$(services_in_trouble yes | tr '\n' ' ')
  # One that is only starting is to blame where nothing worse is to be seen.
  [ -n "$bad" ] || bad=$(services_in_trouble no | tr '\n' ' ')
  [ -n "$bad" ] || advise "Docker Compose could not start the stack; the lines above say why. Mend it and run scripts/up" \
    "again. Where only Ollama or its model is missing, scripts/up --rehearsal does without a language model."
  for service in $bad; do
    printf '\n%s (%s) printed last:\n' "$service" "$(compose ps --all --format '{{.Status}}' "$service")"
    docker logs --tail 12 "$(compose ps --all --quiet "$service")"
    say_of_itself "$service"
  done
  advise "Not healthy: ${bad% }. Mend what the lines above say and run scripts/up again; the whole log:" \
    "docker logs $(setting COMPOSE_PROJECT_NAME)-${bad%% *}-1"
}

# The services that have failed, one a line; with $1 'no' those that are still starting as well.
services_in_trouble() {
  failing=" $(services_failing "$up_stamp" | tr '\n' ' ')"
  compose ps --all --format '{{.Service}}:{{.State}}:{{.Health}}:{{.ExitCode}}' | while IFS= read -r line; do
    case $failing$line in
      *" ${line%%:*} "*) ;;
      *:running:healthy:* | *:running::* | *:exited:*:0) continue ;;
      *:running:starting:*) [ "$1" = no ] || continue ;;
    esac
    printf '%s\n' "${line%%:*}"
  done
}
