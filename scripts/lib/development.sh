# What scripts/test and scripts/bench need beside the stack: the packages of development, a browser, and a stack of their own.
# Needs $root and scripts/lib/engine.sh.

# Names a stack beside the operator's: name, settings, folders and keys with $1 in them; with the rehearsal model and a Synapse of its own.
own_stack() {
  COMPOSE_PROJECT_NAME=countersign-$1
  COUNTERSIGN_ENV_FILE=$root/.cache/$1/settings.env
  AGENTIC_HOME=$root/.cache/$1/home
  COUNTERSIGN_SECRETS=$root/.cache/$1/secrets
  force_rehearsal=yes
  force_embedded=yes
  export COMPOSE_PROJECT_NAME COUNTERSIGN_ENV_FILE AGENTIC_HOME COUNTERSIGN_SECRETS
  unset COMPOSE_PROFILES
  settings_path=$(settings_file)
}

install_dependencies() {
  command -v npm >/dev/null 2>&1 || advise "npm is missing: install Node 20 or newer with npm."
  stamp=$root/node_modules/.countersign-lock
  cmp -s "$root/package-lock.json" "$stamp" || {
    (cd "$root" && npm ci)
    cp "$root/package-lock.json" "$stamp"
  }
  note "node $("$root/node_modules/.bin/node" --version)"
}

# Debian's, so that no browser comes from anywhere else.
ensure_browser() {
  [ -x "${COUNTERSIGN_CHROMIUM:-/usr/bin/chromium}" ] && return
  may_install || advise "Chromium is missing: install it, or name it by COUNTERSIGN_CHROMIUM, and run this again."
  refresh_package_lists
  install_packages chromium fonts-noto-core
}

# gVisor beside runc, for the attackers: under a name of its own, so that no launcher takes it for the sandboxes of a stack. An engine
# that has it registered is left as it is, and so is one with settings of its own.
ensure_gvisor() {
  if gvisor_registered; then
    note "gVisor is registered"
    return
  fi
  engine_settings=/etc/docker/daemon.json
  if ! may_install || [ -n "${DOCKER_HOST:-}" ] || [ ! -f /var/run/docker.pid ]; then
    note "without gVisor: register runsc with the engine to have it attacked as well"
    return
  fi
  [ ! -s "$engine_settings" ] ||
    advise "$engine_settings has settings of yours: add the runtime countersign-gvisor there (path: runsc; runtimeArgs:" \
      "--platform=systrap --network=none --host-uds=all), have the engine read it, and run scripts/test again."
  command -v runsc >/dev/null 2>&1 || {
    fetch_newer_packages runsc
    # shellcheck disable=SC2046 # file names without spaces, of our own making
    install_packages $(newer_package_files runsc)
  }
  mkdir -p "${engine_settings%/*}"
  printf '{"runtimes":{"countersign-gvisor":{"path":"%s","runtimeArgs":["--platform=systrap","--network=none","--host-uds=all"]}}}\n' \
    "$(command -v runsc)" >"$engine_settings"
  kill -HUP "$(cat /var/run/docker.pid)"
  waited=0
  until gvisor_registered; do
    [ "$waited" -lt 20 ] || advise "The engine did not take gVisor within 20 s. Its log: $engine_log"
    sleep 1
    waited=$((waited + 1))
  done
  note "$(runsc --version | head -n 1), registered as countersign-gvisor"
}

gvisor_registered() {
  docker info --format '{{range $name, $_ := .Runtimes}}{{println $name}}{{end}}' | grep -qxE 'runsc|countersign-gvisor'
}
