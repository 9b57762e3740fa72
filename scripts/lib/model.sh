# Chooses the model that tasks are worked on with: the operator's own server, the stack's Ollama, or the rehearsal model.
# Needs progress.sh, settings.sh, compose.sh and services.sh. $force_rehearsal is yes or no.

# Prints own, ollama or rehearsal. The operator's own server comes first; Ollama's image needs a registry.
choose_model_kind() {
  if [ "$force_rehearsal" = yes ]; then
    printf 'rehearsal'
  elif [ -n "${COMPOSE_PROFILES+set}" ]; then
    case ",$COMPOSE_PROFILES," in
      *,rehearsal,*) printf 'rehearsal' ;;
      *,model,*) printf 'ollama' ;;
      *) printf 'own' ;;
    esac
  elif [ -n "$(read_setting "$(configs_folder)/hosts.env" OLLAMA_BASE_URL)" ]; then
    printf 'own'
  elif [ "$(setting COUNTERSIGN_REGISTRY)" = yes ]; then
    printf 'ollama'
  else
    printf 'rehearsal'
  fi
}

# The Compose profile of the model kind $1.
model_profile() {
  case $1 in
    ollama) printf 'model' ;;
    rehearsal) printf 'rehearsal' ;;
    own) ;;
  esac
}

# The name of the model of kind $1, as tasks ask for it.
model_name() {
  case $1 in
    rehearsal) printf 'rehearsal' ;;
    *) read_setting "$(configs_folder)/agent.env" OLLAMA_MODEL ;;
  esac
}

describe_model() {
  case $1 in
    own) printf '%s on your server %s (configs/hosts.env)' "$(model_name own)" \
      "$(read_setting "$(configs_folder)/hosts.env" OLLAMA_BASE_URL)" ;;
    ollama) printf "%s on the stack's own Ollama" "$(model_name ollama)" ;;
    rehearsal) printf 'the rehearsal model, which is NO language model: it follows written instructions word by word' ;;
  esac
}

# Both model servers answer to the same name in the stack's network, so the one that is not chosen has to go.
remove_other_models() {
  case $1 in
    own) others='ollama model-pull rehearsal-model' ;;
    ollama) others='rehearsal-model' ;;
    rehearsal) others='ollama model-pull' ;;
  esac
  # shellcheck disable=SC2086 # a list of names
  remove_containers $others
}

# Fetches the model into the stack's own Ollama, with its progress in the step's display. It may take long, and the wait
# for healthy services is short: so it is done before them. A model that is there already costs a second.
pull_model() {
  compose up --detach --wait --wait-timeout "$healthy_limit_seconds" ollama || explain_unhealthy
  pull_log=$root/.cache/logs/model-pull.log
  compose run --rm --no-deps -T model-pull >"$pull_log" 2>&1 &
  pull=$!
  while kill -0 "$pull" 2>/dev/null; do
    pull_progress
    sleep 2
  done
  pull_progress
  wait "$pull" || advise "The model $(model_name ollama) could not be fetched; the lines above say why. Check its name in" \
    "configs/agent.env and this machine's network, and run scripts/up again: what was fetched is kept."
}

# A progress bar writes over its own line again and again; the last state of it is what counts.
pull_progress() {
  tail -c 2000 "$pull_log" | tr '\r' '\n' | LC_ALL=C sed 's/[^ -~]\[[0-9;?]*[A-Za-z]//g' | grep . | tail -n 1 || :
}
