# Decides where base images come from: a registry, or this machine's own making from Debian and npm packages.
# Needs progress.sh, settings.sh and engine.sh. Runs inside steps.

registry_limit_seconds=10
pull_limit_seconds=1800
debian_release=bookworm
# What the stand-in for the official image holds beside Node; libatomic1 is the one library Node's binary adds.
debian_packages=ca-certificates,git,libatomic1,tini
npm_version=11.21.2

# Finds out whether a registry answers and keeps the answer in the settings file. COUNTERSIGN_REGISTRY=yes or no overrides.
choose_base_source() {
  registry=$(setting COUNTERSIGN_REGISTRY)
  case $registry in
    yes | no) ;;
    '')
      registry=yes
      docker image inspect "$(official_image)" >/dev/null 2>&1 ||
        within "$registry_limit_seconds" docker manifest inspect "$(official_image)" >/dev/null || registry=no
      ;;
    *) advise "COUNTERSIGN_REGISTRY is '$registry': allowed are yes and no." ;;
  esac
  if [ "$registry" = no ]; then
    may_install || docker image inspect "countersign-base-run:$(node_version)" >/dev/null 2>&1 ||
      advise "No image registry answers, and base images can be built from packages only as root on Debian. Check" \
        "this machine's network, or its sign-in to the registry, and run scripts/up again."
  fi
  save_setting COUNTERSIGN_REGISTRY "$registry"
  case $registry in
    yes)
      save_setting BUILD_BASE "$(official_image)"
      save_setting RUN_BASE "$(official_image)"
      note "from the image registry" ;;
    no)
      save_setting BUILD_BASE "countersign-base-build:$(node_version)"
      save_setting RUN_BASE "countersign-base-run:$(node_version)"
      note "no image registry: built here from Debian and npm packages" ;;
  esac
}

ensure_base_images() {
  if [ "$(setting COUNTERSIGN_REGISTRY)" = yes ]; then
    for image in "$(setting BUILD_BASE)" "$(setting RUN_BASE)"; do
      docker image inspect "$image" >/dev/null 2>&1 || within "$pull_limit_seconds" docker pull "$image" ||
        advise "$image could not be pulled. Run scripts/up again when the registry answers; on Debian as root," \
          "COUNTERSIGN_REGISTRY=no builds the bases from packages instead."
    done
  else
    build_debian_base
    build_node_bases
  fi
  note "$(setting RUN_BASE)"
}

official_image() {
  read_setting "$root/.env" RUN_BASE
}

node_version() {
  official_image | sed 's/^.*://; s/-.*$//'
}

# A base is made anew only when what it is made from has changed; its label says what that was.
base_is_current() {
  [ "$(docker image inspect --format '{{index .Config.Labels "countersign.recipe"}}' "$1" 2>/dev/null)" = "$2" ]
}

build_debian_base() {
  image=countersign-debian:$debian_release
  recipe=$(printf '%s' "$debian_packages" | cksum | tr ' ' '-')
  base_is_current "$image" "$recipe" && return
  say "Building $image from this machine's Debian mirror (about half a minute)"
  command -v mmdebstrap >/dev/null 2>&1 || {
    refresh_package_lists
    install_packages mmdebstrap
  }
  mirror=$(debian_mirror Debian)
  [ -n "$mirror" ] || advise "No Debian mirror among this machine's apt sources: add one and run scripts/up again."
  security=$(debian_mirror Debian-Security)
  mkdir -p "$root/.cache"
  archive=$root/.cache/debian.tar
  # Manuals and translations are for people at a terminal; licences stay.
  {
    printf 'deb %s %s main\n' "$mirror" "$debian_release"
    printf 'deb %s %s-updates main\n' "$mirror" "$debian_release"
    [ -z "$security" ] || printf 'deb %s %s-security main\n' "$security" "$debian_release"
  } | mmdebstrap --variant=minbase --include="$debian_packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$debian_release" "$archive" -
  docker import --change "LABEL countersign.recipe=$recipe" "$archive" "$image"
  rm -f "$archive"
}

build_node_bases() {
  version=$(node_version)
  debian_id=$(docker image inspect --format '{{.Id}}' "countersign-debian:$debian_release")
  recipe=$({ cat "$root/images/base/Dockerfile" && printf '%s' "$debian_id $version $npm_version"; } | cksum | tr ' ' '-')
  if base_is_current "countersign-base-build:$version" "$recipe" &&
    base_is_current "countersign-base-run:$version" "$recipe"; then
    return
  fi
  say "Building countersign-base-build and countersign-base-run with Node $version"
  context=$root/.cache/base-$version
  fetch_node_packages "$context/pkg" "$version"
  for target in run build; do
    docker build --target "$target" --build-arg "DEBIAN_BASE=countersign-debian:$debian_release" \
      --label "countersign.recipe=$recipe" --tag "countersign-base-$target:$version" \
      --file "$root/images/base/Dockerfile" "$context"
  done
}

# Packs Node's binary for the engine's processor, and npm, into the folder $1.
fetch_node_packages() {
  case $(docker version --format '{{.Server.Arch}}') in
    amd64) processor=x64 ;;
    arm64) processor=arm64 ;;
    *) advise "There is no Node package for this engine's processor: only amd64 and arm64 are supported." ;;
  esac
  [ -f "$1/node-linux-$processor-$2.tgz" ] && [ -f "$1/npm-$npm_version.tgz" ] && return
  command -v npm >/dev/null 2>&1 || advise "npm is missing, and without an image registry Node comes from its" \
    "packages. Install Node 20 or newer with npm ('apt-get install nodejs npm') and run scripts/up again."
  # A half-written package must not be taken for a whole one.
  rm -rf "$1.new"
  mkdir -p "$1.new"
  npm pack --silent --pack-destination "$1.new" "node-linux-$processor@$2" "npm@$npm_version"
  rm -rf "$1"
  mv "$1.new" "$1"
}

# Runs $2… for at most $1 seconds. macOS has no timeout command.
within() {
  limit_seconds=$1
  shift
  "$@" &
  limited=$!
  (
    trap 'kill "$sleeper" 2>/dev/null' TERM
    sleep "$limit_seconds" &
    sleeper=$!
    wait "$sleeper" && kill "$limited"
  ) >/dev/null 2>&1 4>&- &
  limiter=$!
  limited_status=0
  wait "$limited" || limited_status=$?
  kill "$limiter" 2>/dev/null || :
  return "$limited_status"
}
