# This machine's own git, for repositories below workspaces/. What is committed there may be a task's work, so an attacker's: nothing
# of it may start a program. Needs refuse().

minimum_git=2.39

# Fails with advice when there is no git that is new enough.
ensure_git() {
  # On a Mac without its command line tools there is a `git` that only offers to install them.
  git_version=$(git --version 2>/dev/null) || refuse 1 "git is missing on this machine. $(git_advice)"
  git_version=${git_version#git version }
  major=${git_version%%.*} rest=${git_version#*.}
  minor=${rest%%.*}
  case $major$minor in
    '' | *[!0-9]*) refuse 1 "'git --version' says '$git_version', which is not understood. $(git_advice)" ;;
  esac
  [ "$major" -gt "${minimum_git%%.*}" ] ||
    { [ "$major" -eq "${minimum_git%%.*}" ] && [ "$minor" -ge "${minimum_git#*.}" ]; } ||
    refuse 1 "git $git_version is too old: $minimum_git or newer is needed. $(git_advice)"
}

git_advice() {
  case $(uname -s) in
    Darwin) printf '%s' "Install it with 'xcode-select --install' or 'brew install git', and run this again." ;;
    *) printf '%s' "Install it with this system's package manager ('sudo apt-get install git'), and run this again." ;;
  esac
}

# Runs git $2… in the folder $1, which is a repository or a worktree itself, without hooks, filters, monitors, submodules, replaced
# objects, transports and questions. The settings stand before the command, where a repository's own cannot override them.
host_git() {
  (
    git_folder=$1
    shift
    # A caller's own repository, as inside of a hook.
    # shellcheck disable=SC2046 # a list of names
    unset $(git rev-parse --local-env-vars)
    filters_off "$git_folder"
    GIT_CEILING_DIRECTORIES=$(dirname "$git_folder")
    GIT_TERMINAL_PROMPT=0 GIT_NO_REPLACE_OBJECTS=1 GIT_ALLOW_PROTOCOL='' GIT_NO_LAZY_FETCH=1 GIT_EDITOR=true
    export GIT_CEILING_DIRECTORIES GIT_TERMINAL_PROMPT GIT_NO_REPLACE_OBJECTS GIT_ALLOW_PROTOCOL GIT_NO_LAZY_FETCH GIT_EDITOR
    # The owner is not asked for: root runs this for the stack's user, and the folder was found below the operator's own.
    exec git --no-pager -C "$git_folder" -c safe.directory='*' -c core.hooksPath=/dev/null -c core.fsmonitor=false \
      -c submodule.recurse=false -c protocol.allow=never -c gc.auto=0 -c maintenance.auto=false -c core.commitGraph=false \
      -c advice.detachedHead=false -c worktree.useRelativePaths=false -c core.quotePath=true "$@" </dev/null
  )
}

# Every filter that any configuration of the operator's defines becomes none: files in a commit choose among them by name.
filters_off() {
  git_settings=0
  while IFS= read -r filter_key; do
    [ -n "$filter_key" ] || continue
    for filter_part in smudge clean process required; do
      [ "$filter_part" = required ] && filter_value=false || filter_value=
      export "GIT_CONFIG_KEY_$git_settings=${filter_key%.*}.$filter_part" "GIT_CONFIG_VALUE_$git_settings=$filter_value"
      git_settings=$((git_settings + 1))
    done
  done <<END
$(git --no-pager -C "$1" -c safe.directory='*' config --name-only --get-regexp '^filter\..*\.(smudge|clean|process|required)$' 2>/dev/null)
END
  GIT_CONFIG_COUNT=$git_settings
  export GIT_CONFIG_COUNT
}

# A name as a workspace and a repository may have it: what becomes part of a path is checked here, whoever it came from.
is_workspace_name() {
  [ "${#1}" -le 64 ] || return 1
  case $1 in
    '' | [!A-Za-z0-9_]* | *[!A-Za-z0-9._-]* | *..* | *. | *.lock) return 1 ;;
  esac
}

is_task_id() {
  [ "${#1}" -ge 2 ] && [ "${#1}" -le 32 ] || return 1
  case $1 in
    [!a-z0-9]* | *[!a-z0-9-]*) return 1 ;;
  esac
}

is_object_id() {
  [ "${#1}" = 40 ] || [ "${#1}" = 64 ] || return 1
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
}

# The operator's folder without links on the way, as git writes paths.
resolved_home() {
  home=$(agentic_home)
  CDPATH='' cd -- "$home" 2>/dev/null && pwd -P || refuse 1 "there is no folder $home. Run scripts/up first."
}
