# Finds a Docker engine that is new enough, and on a Debian machine without one installs and starts it.
# Needs progress.sh. Every function runs inside a step, so what it prints lands in the step's log.

# A sandbox's slot is one subfolder of a named volume, and mounting a subfolder needs this API (engine 26).
minimum_api=1.45
# The Debian release whose archive holds such an engine for a machine that runs an older release.
engine_release=trixie
engine_start_limit_seconds=60
package_cache=/var/cache/countersign
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
engine_log=/var/log/countersign-dockerd.log

# Makes sure that an engine answers, is new enough and has Compose and buildx, or fails saying what to do.
ensure_engine() {
  if ! engine_answers; then
    refuse_unreachable_engine
    engine_installed || install_engine
    start_engine
  fi
  check_engine_version
  if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
    may_install || advise "Docker's Compose v2 and buildx plugins are missing. $(install_advice)"
    install_engine_packages plugins
  fi
  docker compose version >/dev/null 2>&1 || advise "'docker compose version' fails. $(install_advice)"
  docker buildx version >/dev/null 2>&1 || advise "'docker buildx version' fails. $(install_advice)"
  note "engine $(docker version --format '{{.Server.Version}} (API {{.Server.APIVersion}})')," \
    "Compose $(docker compose version --short)"
}

engine_answers() {
  command -v docker >/dev/null 2>&1 && docker version --format '{{.Server.APIVersion}}' >/dev/null 2>&1
}

engine_installed() {
  command -v docker >/dev/null 2>&1 && command -v dockerd >/dev/null 2>&1
}

# We install and start engines only where we know how to: as root, on Debian or a relative of it.
may_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ "$(uname -s)" = Linux ]
}

# An engine that the operator named but that does not answer must not lead to another one being installed beside it.
refuse_unreachable_engine() {
  [ -z "${DOCKER_HOST:-}" ] || advise "DOCKER_HOST is '$DOCKER_HOST', and no engine answers there. Start that engine," \
    "or unset DOCKER_HOST; Countersign needs one on this machine."
  may_install || advise "No Docker engine answers. $(install_advice)"
}

install_advice() {
  case $(uname -s) in
    Darwin)
      printf '%s' "Install Docker Desktop (4.29 or newer) or OrbStack, start it, and run scripts/up again." ;;
    *)
      if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
        printf '%s' "/var/run/docker.sock is there, but closed to you: add yourself to its group with" \
          " 'sudo usermod -aG docker $(id -un)', log in again, and run scripts/up again."
      else
        printf '%s' "Install Docker Engine 26 or newer with the Compose v2 and buildx plugins (on Debian 13:" \
          " 'sudo apt-get install docker.io docker-cli docker-compose docker-buildx'), start it, add yourself to" \
          " the 'docker' group, and run scripts/up again. On Debian 12 or 13, 'sudo scripts/up' does all of it."
      fi ;;
  esac
}

check_engine_version() {
  api=$(docker version --format '{{.Server.APIVersion}}')
  version_at_least "$api" "$minimum_api" && return
  advise "This Docker engine ($(docker version --format '{{.Server.Version}}')) speaks API $api, and Countersign needs" \
    "$minimum_api (engine 26) or newer. Update Docker Desktop or OrbStack; on Debian remove the old engine" \
    "('apt-get remove docker.io' or 'docker-ce') and run scripts/up again as root: it installs a newer one." \
    "Images, containers and volumes stay where they are."
}

# True when the dotted version $1 is $2 or newer; only the first two numbers count.
version_at_least() {
  major=${1%%.*} rest=${1#*.}
  minor=${rest%%.*}
  [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

install_engine() {
  say "No Docker engine on this machine: installing one from Debian's archive"
  install_engine_packages engine plugins
}

# Installs what is named (engine, plugins) from the machine's own sources when they are new enough, and
# otherwise from the next release's archive on the same mirror, without touching the machine's sources.
install_engine_packages() {
  packages=
  for part in "$@"; do
    case $part in
      engine) packages="$packages docker.io docker-cli containerd" ;;
      plugins) packages="$packages docker-compose docker-buildx" ;;
    esac
  done
  mkdir -p "$package_cache/packages/partial"
  refresh_package_lists
  candidate=$(apt-cache policy docker.io | sed -n 's/^ *Candidate: *//p')
  case ${candidate%%.*} in
    '' | *[!0-9]*) candidate=0 ;;
    *) candidate=${candidate%%.*} ;;
  esac
  # runc comes from the machine's own release: the next one's is built for a newer C library.
  if [ "$candidate" -ge 26 ]; then
    # shellcheck disable=SC2086 # a list of package names
    install_packages $packages
  elif [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
    fetch_newer_packages "$packages"
    # shellcheck disable=SC2046 # file names without spaces, of our own making
    install_packages runc iptables tini $(newer_package_files "$packages")
  else
    advise "This distribution's archive has no Docker engine 26. $(install_advice)"
  fi
}

refresh_package_lists() {
  # Lists that are there are good enough, even when the mirror is out of reach just now.
  [ -n "$(apt-cache policy runc | sed -n 's/^ *Candidate: *[^(]/&/p')" ] || apt-get -qq update
}

install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends \
    -o Dir::Cache::archives="$package_cache/packages" -o APT::Keep-Downloaded-Packages=true \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 install "$@"
}

# Downloads the packages of $1 from the newer release into the cache, keeping what it holds already.
fetch_newer_packages() {
  [ "$(newer_package_files "$1" | wc -l)" -eq "$(echo "$1" | wc -w)" ] && return
  state=$package_cache/$engine_release
  mkdir -p "$state/lists/partial"
  mirror=$(debian_mirror Debian)
  [ -n "$mirror" ] || advise "No Debian mirror among this machine's apt sources. $(install_advice)"
  printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$mirror" "$engine_release" >"$state/sources.list"
  newer_archive update -qq
  # shellcheck disable=SC2086 # a list of package names
  (cd "$package_cache/packages" && newer_archive download -qq $1)
}

newer_archive() {
  apt-get -o Dir::Etc::sourcelist="$package_cache/$engine_release/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::Lists="$package_cache/$engine_release/lists" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

# The newest cached file of each package of $1. The engine's own name is docker.io_26…, so '_' ends a name.
newer_package_files() {
  for package in $1; do
    for file in "$package_cache/packages/${package}_"*.deb; do
      [ -f "$file" ] && newest=$file || newest=
    done
    [ -z "$newest" ] || printf '%s\n' "$newest"
  done
}

# The mirror of the archive labelled $1 (Debian, Debian-Security) in this machine's own apt sources.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Origin: Debian' |
    sed -n "s/ $1\$//p" | head -n 1
}

start_engine() {
  say "Starting the Docker engine"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    # A pid file outlives a machine that was cut off, and dockerd would take any process of that number for its own.
    if [ -f /var/run/docker.pid ] && ! grep -q dockerd "/proc/$(cat /var/run/docker.pid)/cmdline" 2>/dev/null; then
      rm -f /var/run/docker.pid
    fi
    # It outlives this script: it must not keep a pipe of it open.
    (cd / && exec setsid dockerd </dev/null >>"$engine_log" 2>&1 3>&- 4>&-) &
  fi
  waited=0
  until engine_answers; do
    if [ "$waited" -ge "$engine_start_limit_seconds" ]; then
      tail -n 15 "$engine_log" 2>/dev/null || journalctl -u docker -n 15 --no-pager
      advise "The engine did not answer within $engine_start_limit_seconds s. Its log: $engine_log" \
        "(or 'journalctl -u docker')."
    fi
    sleep 1
    waited=$((waited + 1))
  done
}
