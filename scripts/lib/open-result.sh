# `countersign open` and `countersign close`: a task's result as an ordinary git worktree for the operator's own editor.
# Needs settings.sh, host-git.sh, report.sh (json_string), refuse() and in_container().
#
# A worktree of ours is one whose administrative folder in a repository below workspaces/ names a path below open/<task>/.
# Nothing else is ever removed.

shown_files=20

# Sets $task, $as_json and $force from the command line after the command's own name.
read_open_words() {
  command=$1
  shift
  task='' as_json=no force=no only_names=no
  for word in "$@"; do
    case $only_names$word in
      no--) only_names=yes ;;
      no--json) as_json=yes ;;
      no--force)
        [ "$command" = close ] || refuse 2 "open has no --force: see --help"
        force=yes ;;
      no-*) refuse 2 "$command has no option '$word': see --help" ;;
      *)
        [ -z "$task" ] || refuse 2 "one task at a time: see --help"
        task=$word ;;
    esac
  done
  [ -n "$task" ] || refuse 2 "which task? See --help"
}

open_result() {
  read_open_words open "$@"
  ensure_git
  home=$(resolved_home)
  result=$(in_container result-lines -- "$task" </dev/null) || exit $?
  read_result
  refuse_link "$home/open"
  refuse_link "$home/open/$id"
  make_folder "$home/open"
  opened=''
  while read -r name head _; do
    find_repository "$name"
    open_repository
    [ -z "$opened" ] || opened=$opened,
    opened="$opened{\"repository\":$(json_string "$name"),\"path\":$(json_string "$path"),\"head\":$(json_string "$head")}"
    [ "$as_json" = yes ] || printf '%s\n' "$path"
  done <<END
$repositories
END
  [ "$as_json" = no ] || printf '{"task":%s,"repositories":[%s]}\n' "$(json_string "$id")" "$opened"
}

# Reads what the command in its container says of a result: a line with the task and its workspace, and one for each repository
# with its name, the result's commit and its ref. Sets $id, $workspace and $repositories.
read_result() {
  id='' workspace='' repositories=''
  while read -r word first second third rest; do
    case $word in
      result)
        id=$first workspace=$second
        is_task_id "$id" && is_workspace_name "$workspace" && [ -z "$third" ] || refuse_record ;;
      repository)
        run=${third#refs/agentic/}
        is_workspace_name "$first" && is_object_id "$second" && [ -z "$rest" ] &&
          [ "$third" = "refs/agentic/$run" ] && [ "${run#*/}" = "$id" ] || refuse_record
        case ${run%%/*} in
          RUN-*[!0-9-]* | RUN-) refuse_record ;;
          RUN-*) ;;
          *) refuse_record ;;
        esac
        repositories="$repositories$first $second $third
" ;;
      *) refuse_record ;;
    esac
  done <<END
$result
END
  [ -n "$id" ] && [ -n "$repositories" ] || refuse_record
  repositories=${repositories%?}
}

refuse_record() {
  refuse 1 "the task's record is not as this version writes it: nothing was opened"
}

# Where the repository $1 of the workspace is: the workspace itself, or a folder in it. Sets $repository and $path.
find_repository() {
  refuse_link "$home/workspaces/$workspace"
  if [ -d "$home/workspaces/$workspace/.git" ]; then
    [ "$1" = "$workspace" ] || refuse 1 "workspaces/$workspace is one repository and has no $1"
    repository=$home/workspaces/$workspace path=$home/open/$id
  else
    repository=$home/workspaces/$workspace/$1 path=$home/open/$id/$1
  fi
  refuse_link "$repository"
  refuse_link "$repository/.git"
  [ -d "$repository/.git" ] || refuse 1 "$repository is no git repository any more"
}

# Makes the worktree $path of $repository at $head, unless it is there.
open_repository() {
  entry=$(entry_of "$repository" "$path")
  # What git did not finish making holds nobody's work.
  if [ -n "$entry" ] && grep -q '^initializing' "$entry/locked" 2>/dev/null; then
    host_git "$repository" worktree remove --force --force -- "$path" || refuse 1 "$path could not be made anew"
    entry=''
  fi
  if [ -n "$entry" ] && [ -d "$path" ]; then
    at=$(host_git "$path" rev-parse --verify HEAD) || refuse 1 "$path is broken; take it away with: scripts/countersign close $id"
    [ "$at" = "$head" ] || printf '%s\n' "$path is at $at since it was opened, and the result is $head:" \
      "scripts/countersign close $id, then open it again" >&2
    return
  fi
  # Its folder was removed by hand: the entry of that name would be in the way.
  if [ -n "$entry" ]; then
    [ -z "$(unsaved_work)" ] ||
      refuse 1 "$path was removed by hand, and commits made there are nowhere else: scripts/countersign close $id names them"
    host_git "$repository" worktree remove --force -- "$path" || refuse 1 "$path could not be made anew"
  fi
  refuse_link "$path"
  [ ! -d "$path" ] || rmdir "$path" 2>/dev/null || refuse 1 "$path is there and is no worktree of $repository: move it away"
  [ ! -e "$path" ] || refuse 1 "$path is there and is no worktree of $repository: move it away"
  host_git "$repository" cat-file -e "$head^{commit}" 2>/dev/null ||
    refuse 1 "$repository does not have the result's commit $head any more"
  make_folder "$(dirname "$path")"
  host_git "$repository" worktree add --quiet --detach -- "$path" "$head" >&2 ||
    refuse 1 "git could not make $path; the lines above say why"
  give_away "$(entry_of "$repository" "$path")"
}

# Prints the administrative folder in the repository $1 of the worktree at $2; nothing where there is none.
entry_of() {
  for entry_file in "$1"/.git/worktrees/*/gitdir; do
    [ "$(worktree_of "$entry_file")" = "$2" ] || continue
    printf '%s' "${entry_file%/gitdir}"
    return
  done
}

# Where the worktree is that the administrative file $1 belongs to.
worktree_of() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  names=$(head -n 1 "$1")
  printf '%s' "${names%/.git}"
}

make_folder() {
  [ -d "$1" ] || mkdir -m 755 -- "$1" || refuse 1 "$1 could not be made"
}

# Root works for somebody else, whose editor has to be able to write. $1 is the administrative folder.
give_away() {
  [ "$(id -u)" = 0 ] || return 0
  # shellcheck disable=SC2012 # numeric ids of one known folder, and stat differs between systems
  owner=$(ls -nd "$repository/.git" | { read -r _ _ user group _ && printf '%s:%s' "$user" "$group"; })
  chown -hR "$owner" "$path" "$1"
  chown -h "$owner" "$repository/.git/worktrees" "$home/open" "$home/open/$id"
}

refuse_link() {
  [ ! -L "$1" ] || refuse 1 "$1 is a symbolic link: nothing was done"
}

close_result() {
  read_open_words close "$@"
  ensure_git
  home=$(resolved_home)
  id=$task
  if ! is_task_id "$id"; then
    result=$(in_container result-lines -- "$task" </dev/null) || exit $?
    read_result
  fi
  refuse_link "$home/open"
  refuse_link "$home/open/$id"
  entries=$(entries_of_task)
  if [ -z "$entries" ]; then
    [ ! -e "$home/open/$id" ] || rmdir "$home/open/$id" 2>/dev/null ||
      refuse 1 "$home/open/$id is no worktree of a repository in workspaces/: it is left alone"
    [ "$as_json" = yes ] || printf '%s\n' "nothing is open of $id"
  else
    [ "$force" = yes ] || refuse_unsaved
    close_entries
    [ ! -d "$home/open/$id" ] || rmdir "$home/open/$id" 2>/dev/null ||
      printf '%s\n' "$home/open/$id holds more than worktrees of the task: that is left alone" >&2
  fi
  [ "$as_json" = no ] || printf '{"task":%s,"closed":[%s]}\n' "$(json_string "$id")" "${closed:-}"
}

# The administrative folders of this task's worktrees, one a line, also of those whose own folder is gone.
entries_of_task() {
  for entry_file in "$home"/workspaces/*/.git/worktrees/*/gitdir "$home"/workspaces/*/*/.git/worktrees/*/gitdir; do
    path=$(worktree_of "$entry_file")
    case $path in
      "$home/open/$id") ;;
      "$home/open/$id"/*) is_workspace_name "${path#"$home/open/$id/"}" || continue ;;
      *) continue ;;
    esac
    entry=${entry_file%/gitdir}
    # A link could lead to a repository of somebody else's.
    repository=${entry%/.git/worktrees/*}
    [ ! -L "$repository" ] && [ ! -L "$(dirname "$repository")" ] && [ ! -L "$repository/.git" ] &&
      [ ! -L "$repository/.git/worktrees" ] && [ ! -L "$entry" ] || continue
    printf '%s\n' "$entry"
  done
}

# Nothing is removed while one of the worktrees holds what is nowhere else.
refuse_unsaved() {
  unsaved=$(all_unsaved_work)
  [ -z "$unsaved" ] || {
    printf '%s\n' "$unsaved" | head -n "$shown_files" | LC_ALL=C tr -d '\000-\010\013-\037\177' | sed 's/^/  /' >&2
    refuse 1 "work in open/$id is saved nowhere else ($(printf '%s\n' "$unsaved" | wc -l | tr -d ' ') lines, above): commit it to a branch, or discard it with --force"
  }
}

all_unsaved_work() {
  while IFS= read -r entry; do
    unsaved_work
  done <<END
$entries
END
}

# Prints what is in the worktree of $entry and nowhere else, one thing a line. Ignored files are not counted, as git itself does not.
unsaved_work() {
  path=$(worktree_of "$entry/gitdir")
  if [ -d "$path" ] && { [ -L "$path/.git" ] || [ "$(cat "$path/.git" 2>/dev/null)" != "gitdir: $entry" ]; }; then
    printf '%s\n' "$path/.git does not belong to it: what has changed there cannot be told"
  elif [ -d "$path" ]; then
    host_git "$path" --no-optional-locks status --porcelain --untracked-files=all --ignore-submodules=dirty ||
      printf '%s\n' "$path cannot be looked through"
  fi
  for state in MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD BISECT_LOG rebase-merge rebase-apply; do
    [ ! -e "$entry/$state" ] || printf '%s\n' "an operation of git is under way ($state)"
  done
  # On a branch commits stay when the worktree goes.
  tip=$(head -n 1 "$entry/HEAD" 2>/dev/null) || tip=''
  case $tip in
    'ref: refs/heads/'*) ;;
    *)
      if is_object_id "$tip"; then
        host_git "${entry%/.git/worktrees/*}" rev-list --no-commit-header --format='commit %h %s' "$tip" --not --glob='refs/*' -- ||
          printf '%s\n' "its commits cannot be listed"
      else
        printf '%s\n' "its HEAD is '$tip'"
      fi ;;
  esac
}

close_entries() {
  closed=''
  while IFS= read -r entry; do
    path=$(worktree_of "$entry/gitdir")
    # Without --force git looks once more itself, and leaves what it finds changed.
    if [ "$force" = yes ]; then set -- --force --force; else set --; fi
    host_git "${entry%/.git/worktrees/*}" worktree remove "$@" -- "$path" >&2 ||
      refuse 1 "git did not remove $path; the lines above say why"
    [ -z "$closed" ] || closed=$closed,
    closed=$closed$(json_string "$path")
    [ "$as_json" = yes ] || printf 'closed %s\n' "$path"
  done <<END
$entries
END
}
