# Decides where base images come from: a registry, or this machine's own making from Debian and npm packages.
# Needs progress.sh, settings.sh, engine.sh and matrix.sh. Runs inside steps.

registry_limit_seconds=10
pull_limit_seconds=1800
debian_release=bookworm
# What the stand-in for the official image holds beside Node; libatomic1 is the one library Node's binary adds.
debian_packages=ca-certificates,git,libatomic1,tini
npm_version=11.21.2
# The Debian release that holds a Synapse; stable ones do not.
synapse_release=sid
synapse_packages=ca-certificates,matrix-synapse

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
      for base in BUILD_BASE RUN_BASE SYNAPSE_BASE; do
        save_setting "$base" "$(registry_image "$base")"
      done
      note "from the image registry" ;;
    no)
      save_setting BUILD_BASE "countersign-base-build:$(node_version)"
      save_setting RUN_BASE "countersign-base-run:$(node_version)"
      save_setting SYNAPSE_BASE "countersign-synapse-base:$synapse_release"
      note "no image registry: built here from Debian and npm packages" ;;
  esac
}

ensure_base_images() {
  if [ "$(setting COUNTERSIGN_REGISTRY)" = yes ]; then
    bases='BUILD_BASE RUN_BASE'
    [ "$(choose_homeserver_kind)" != embedded ] || bases="$bases SYNAPSE_BASE"
    for base in $bases; do
      image=$(setting "$base")
      docker image inspect "$image" >/dev/null 2>&1 || within "$pull_limit_seconds" docker pull "$image" ||
        advise "$image could not be pulled. Run scripts/up again when the registry answers; on Debian as root," \
          "COUNTERSIGN_REGISTRY=no builds the bases from packages instead."
      keep_digest "$base" "$image"
    done
  else
    build_debian_base
    build_node_bases
    [ "$(choose_homeserver_kind)" != embedded ] || build_synapse_base
  fi
  note "$(setting RUN_BASE)"
}

# The image of .env for the base $1, by the digest that a registry gave it once on this machine.
registry_image() {
  named=$(read_setting "$root/.env" "$1")
  kept=$(read_setting "$settings_path" "$1")
  case $kept in
    "$named"@sha256:*) printf '%s' "$kept" ;;
    *) printf '%s' "$named" ;;
  esac
}

# What a tag means can be changed by others at any time; what this machine has once built on stays. An image that came from no
# registry has no digest.
keep_digest() {
  case $2 in *@*) return ;; esac
  digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$2" | sed -n 's/^.*@//p' | head -n 1)
  [ -z "$digest" ] || save_setting "$1" "$2@$digest"
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
  recipe=$(recipe_of "$debian_packages")
  base_is_current "$image" "$recipe" && return
  say "Building $image from this machine's Debian mirror (about half a minute)"
  {
    debian_source Debian "$debian_release"
    debian_source Debian "$debian_release-updates"
    debian_source Debian-Security "$debian_release-security"
  } | build_from_packages "$image" "$recipe" "$debian_release" --include="$debian_packages"
}

# Synapse with Debian's newest packages, apart from what services run on.
build_synapse_base() {
  image=countersign-synapse-base:$synapse_release
  recipe=$(recipe_of "$synapse_packages")
  base_is_current "$image" "$recipe" && return
  say "Building $image from this machine's Debian mirror (about a minute)"
  # A mirror's lists of this release are valid for a week only, and mirrors stand still for longer.
  debian_source Debian "$synapse_release" |
    build_from_packages "$image" "$recipe" "$synapse_release" --include="$synapse_packages" \
      --aptopt='Acquire::Check-Valid-Until "false"'
}

recipe_of() {
  printf '%s' "$1" | cksum | tr ' ' '-'
}

# One line of apt's sources for the release $2 in the archive labelled $1, where this machine has a mirror of it.
debian_source() {
  mirror=$(debian_mirror "$1")
  [ -z "$mirror" ] || printf 'deb %s %s main\n' "$mirror" "$2"
}

# Makes the image $1, labelled with the recipe $2, of the release $3, with apt's sources from standard input; further
# parameters are mmdebstrap's.
build_from_packages() {
  target=$1 label=$2 release=$3
  shift 3
  [ -n "$(debian_mirror Debian)" ] ||
    advise "No Debian mirror among this machine's apt sources: add one and run scripts/up again."
  may_install || advise "$target is built from Debian packages, which takes root: run scripts/up as root once."
  # Not from the sources, which are for mmdebstrap.
  command -v mmdebstrap >/dev/null 2>&1 || {
    refresh_package_lists
    install_packages mmdebstrap
  } </dev/null
  mkdir -p "$root/.cache"
  archive=$root/.cache/$release.tar
  # Manuals and translations are for people at a terminal; licences stay.
  mmdebstrap --variant=minbase "$@" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$release" "$archive" -
  docker import --change "LABEL countersign.recipe=$label" "$archive" "$target"
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

# Packs Node's binary for the engine's processor, and npm, into the folder $1, and takes nothing but the exact bytes that
# images/base/packages.sha512 names.
fetch_node_packages() {
  case $(docker version --format '{{.Server.Arch}}') in
    amd64) processor=x64 ;;
    arm64) processor=arm64 ;;
    *) advise "There is no Node package for this engine's processor: only amd64 and arm64 are supported." ;;
  esac
  node_package=node-linux-$processor-$2.tgz npm_package=npm-$npm_version.tgz
  ! are_the_known_packages "$1" || return 0
  command -v npm >/dev/null 2>&1 || advise "npm is missing, and without an image registry Node comes from its" \
    "packages. Install Node 20 or newer with npm ('apt-get install nodejs npm') and run scripts/up again."
  # A half-written package must not be taken for a whole one.
  rm -rf "$1.new"
  mkdir -p "$1.new"
  npm pack --silent --pack-destination "$1.new" "node-linux-$processor@$2" "npm@$npm_version"
  are_the_known_packages "$1.new" ||
    advise "What was fetched as $node_package and $npm_package is not what images/base/packages.sha512 names, and is not" \
      "used; it lies in $1.new. Find out what this machine's package registry hands out before you run scripts/up again."
  rm -rf "$1"
  mv "$1.new" "$1"
}

# True when the folder $1 holds both packages with the digests that are written down.
are_the_known_packages() {
  for package in "$node_package" "$npm_package"; do
    [ -f "$1/$package" ] || return 1
    grep "  $package\$" "$root/images/base/packages.sha512" | (cd "$1" && sha512sum --check --quiet -) || return 1
  done
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
