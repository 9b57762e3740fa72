# `countersign image`: the image that the tasks of a workspace run in, from the workspace's own Dockerfile.
# Needs settings.sh, host-git.sh, report.sh (json_string) and refuse().
#
# Two builds: the workspace's Dockerfile as it is, and over its result a stage of ours that takes back what containers take over from
# their image. The name is given last, to an image that the launcher's own rules found fit and in which the agent has run.

dockerfile_path=.project/Dockerfile
largest_dockerfile_bytes=262144
check_limit_seconds=60

build_workspace_image() {
  read_image_words "$@"
  ensure_git
  home=$(resolved_home)
  tag=$(setting COUNTERSIGN_TAG)
  tag=${tag:-local}
  case $tag in
    [!A-Za-z0-9_]* | *[!A-Za-z0-9_.-]*) refuse 1 "COUNTERSIGN_TAG is '$tag', which is no tag of an image" ;;
  esac
  sandbox=countersign/sandbox:$tag launcher=countersign/launcher:$tag
  ensure_images
  image=$(image_name "$workspace")
  attempt=$$
  scratch=$root/.cache/image-$attempt
  first=$image:building-$attempt-1 made=$image:building-$attempt-2
  trap clear_attempt EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir -p "$scratch"
  collect_context
  build_images_of_workspace
  judge_image
  check_agent
  name_image
}

read_image_words() {
  workspace='' as_json=no
  for word in "$@"; do
    case $word in
      --json) as_json=yes ;;
      -*) refuse 2 "image has no option '$word': see --help" ;;
      *)
        [ -z "$workspace" ] || refuse 2 "one workspace at a time: see --help"
        workspace=$word ;;
    esac
  done
  [ -n "$workspace" ] || refuse 2 "which workspace? See --help"
  is_workspace_name "$workspace" || refuse 2 "'$workspace' is no workspace: give the bare name of a folder in workspaces/"
}

ensure_images() {
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
    refuse 1 "no Docker engine answers: start it, or run scripts/up"
  for needed in "$sandbox" "$launcher"; do
    docker image inspect "$needed" >/dev/null 2>&1 || refuse 1 "there is no image $needed yet: run scripts/up first"
  done
}

# The same name that services/launcher/src/workspace-image-name.ts makes.
image_name() {
  readable=$(printf '%s' "$1" | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C tr -cs 'a-z0-9' '-')
  readable=${readable#-}
  readable=${readable%-}
  digest=$(printf '%s' "$1" | sha256 | cut -c 1-12)
  printf 'countersign/workspace-%s%s' "${readable:+$readable-}" "$digest"
}

# macOS has shasum, and sha256sum only since lately.
sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

clear_attempt() {
  rm -rf "$scratch"
  docker rm --force "countersign-image-check-$attempt" >/dev/null 2>&1 || :
  for draft in "$first" "$made"; do
    docker image rm "$draft" >/dev/null 2>&1 || :
  done
}

# Puts what HEAD holds into $scratch/context.tar, and the Dockerfile of it beside. A folder of the operator's may hold secrets and
# half-done work; a commit is what tasks work on. It is read through a repository of our own that borrows the objects: no
# configuration and no attributes of the workspace's decide what is sent.
collect_context() {
  folder=$home/workspaces/$workspace
  [ ! -L "$folder" ] || refuse 1 "workspaces/$workspace is a symbolic link: name the workspace itself"
  [ -d "$folder" ] || refuse 1 "there is no workspace $workspace in $home/workspaces"
  bare=$scratch/repository
  host_git "$scratch" init --quiet --bare --template= --object-format=sha1 "$bare"
  mkdir -p "$bare/objects/info" "$bare/info"
  printf '* -export-subst -export-ignore -ident -filter -text -working-tree-encoding\n' >"$bare/info/attributes"
  if [ -e "$folder/.git" ]; then
    tree=$(head_of "$folder")
    borrow_objects "$folder"
  else
    collect_repositories
    tree=$(bare_git write-tree)
  fi
  entry=$(bare_git ls-tree "$tree" -- "$dockerfile_path")
  case $entry in
    '100644 blob '* | '100755 blob '*) ;;
    '') refuse 1 "workspaces/$workspace has no committed $dockerfile_path; 'scripts/countersign image --help' shows one" ;;
    *) refuse 1 "$dockerfile_path of workspaces/$workspace is no regular file" ;;
  esac
  bytes=$(bare_git cat-file -s "$tree:$dockerfile_path")
  [ "$bytes" -le "$largest_dockerfile_bytes" ] ||
    refuse 1 "$dockerfile_path has $bytes bytes; at most $largest_dockerfile_bytes are read"
  bare_git cat-file blob "$tree:$dockerfile_path" >"$scratch/Dockerfile"
  if ! grep -q '^[[:space:]]*ARG[[:space:]]*COUNTERSIGN_SANDBOX' "$scratch/Dockerfile" ||
    ! grep -q '^[[:space:]]*FROM[[:space:]].*COUNTERSIGN_SANDBOX' "$scratch/Dockerfile"; then
    # shellcheck disable=SC2016 # the words of a Dockerfile
    refuse 1 "$dockerfile_path does not derive from the sandbox: it begins with 'ARG COUNTERSIGN_SANDBOX' and 'FROM \${COUNTERSIGN_SANDBOX}'"
  fi
  bare_git archive --format=tar "$tree" >"$scratch/context.tar"
}

# Several repositories: each one's HEAD in a folder of its name, and the Dockerfile of the workspace's folder, which is in none.
collect_repositories() {
  for repository in "$folder"/*/.git; do
    [ -d "$repository" ] && [ ! -L "$repository" ] && [ ! -L "${repository%/.git}" ] || continue
    repository=${repository%/.git}
    name=${repository##*/}
    is_workspace_name "$name" || continue
    commit=$(head_of "$repository")
    borrow_objects "$repository"
    bare_git read-tree "--prefix=$name/" "$commit"
  done
  [ -e "$bare/index" ] || refuse 1 "workspaces/$workspace is no git repository, and holds none"
  source=$folder/$dockerfile_path
  if [ -f "$source" ] && [ ! -L "$source" ] && [ ! -L "$folder/.project" ]; then
    blob=$(bare_git hash-object -w --no-filters -- "$source")
    bare_git update-index --add --cacheinfo "100644,$blob,$dockerfile_path"
  fi
}

head_of() {
  [ -d "$1/.git" ] && [ ! -L "$1/.git" ] || refuse 1 "$1/.git is no folder but points elsewhere; clone the repository there instead"
  commit=$(host_git "$1" rev-parse --verify --quiet 'HEAD^{commit}') || refuse 1 "$1 has no commit yet"
  [ -z "$(host_git "$1" --no-optional-locks status --porcelain --untracked-files=no --ignore-submodules=all)" ] ||
    printf '%s\n' "$1 has changes that are not committed: they are not in the image" >&2
  printf '%s' "$commit"
}

borrow_objects() {
  printf '%s\n' "$1/.git/objects" >>"$bare/objects/info/alternates"
}

bare_git() {
  # Its own folder stands for a work tree that some commands ask for and none of ours looks at.
  host_git "$bare" --git-dir="$bare" --work-tree="$bare" "$@"
}

build_images_of_workspace() {
  certificates=$(setting HOST_CA_BUNDLE)
  printf '%s\n' "Building $dockerfile_path of workspace $workspace ($(wc -c <"$scratch/context.tar" | tr -d ' ') bytes of it are sent)" >&2
  docker buildx build --load --file "$dockerfile_path" --build-arg "COUNTERSIGN_SANDBOX=$sandbox" \
    --secret "id=ca,src=${certificates:-/dev/null}" --tag "$first" - <"$scratch/context.tar" >&2 ||
    refuse 1 "the image could not be built; the lines above say why. Mend $dockerfile_path, commit it and run this again"
  {
    printf 'FROM %s\n' "$first"
    printf 'USER 0:0\n'
    # As in images/sandbox/Dockerfile: no file may raise anybody's rights. In this form no SHELL of the workspace's is used.
    printf 'RUN ["/bin/sh", "-c", "find / -xdev -perm /6000 -type f -exec chmod a-s {} + && '
    printf 'find / -xdev -perm /2000 -type d -exec chmod g-s {} +"]\n'
    printf 'HEALTHCHECK NONE\n'
    docker image inspect --format 'USER {{.Config.User}}' "$sandbox"
    docker image inspect --format 'WORKDIR {{.Config.WorkingDir}}' "$sandbox"
    docker image inspect --format 'ENTRYPOINT {{json .Config.Entrypoint}}' "$sandbox"
  } >"$scratch/ours"
  docker buildx build --load --network none --quiet --label "countersign.workspace=$workspace" \
    --label "countersign.dockerfile=$(sha256 <"$scratch/Dockerfile")" --tag "$made" - <"$scratch/ours" >/dev/null ||
    refuse 1 "the image was built and could not be closed: the find program or a shell may be missing in it"
}

# By the rules that the launcher uses itself.
judge_image() {
  reasons=$(docker image inspect "$sandbox" "$made" | in_sealed --interactive --entrypoint node "$launcher" \
    dist/judge-image-main.js "$workspace" "$image" 2>&1) ||
    refuse 1 "tasks cannot run in this image, which is not kept: $(printf '%s' "$reasons" | head -n 5 | tr '\n' ';')"
}

# As scripts/up does it with the sandbox's own image.
check_agent() {
  (sleep "$check_limit_seconds" && docker rm --force "countersign-image-check-$attempt") >/dev/null 2>&1 &
  limiter=$!
  answer=$(in_sealed --name "countersign-image-check-$attempt" "$made" --check 2>&1) || {
    kill "$limiter" 2>/dev/null || :
    refuse 1 "the agent does not run in this image, which is not kept: $(printf '%s' "$answer" | tail -n 5 | tr '\n' ';')"
  }
  kill "$limiter" 2>/dev/null || :
}

in_sealed() {
  docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges --user 65532:65532 \
    --pids-limit 256 --memory 512m --log-driver none "$@"
}

name_image() {
  before=$(docker image inspect --format '{{.Id}}' "$image:$tag" 2>/dev/null) || before=''
  docker tag "$made" "$image:$tag"
  now=$(docker image inspect --format '{{.Id}}' "$image:$tag")
  # The engine keeps it when a sandbox still runs in it.
  [ -z "$before" ] || [ "$before" = "$now" ] || docker image rm "$before" >/dev/null 2>&1 || :
  if [ "$as_json" = yes ]; then
    printf '{"workspace":%s,"image":%s,"id":%s}\n' "$(json_string "$workspace")" "$(json_string "$image:$tag")" "$(json_string "$now")"
  else
    printf '%s\n' "$image:$tag is ready: tasks of workspace $workspace run in it from now on."
  fi
}
