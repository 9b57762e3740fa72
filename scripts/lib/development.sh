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
