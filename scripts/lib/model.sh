# Chooses the model that tasks are worked on with: the operator's own server, the stack's Ollama, or the rehearsal model.
# Needs progress.sh, settings.sh and compose.sh. $force_rehearsal is yes or no.

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
  for service in $others; do
    docker ps --all --quiet --filter "label=com.docker.compose.project=$(setting COMPOSE_PROJECT_NAME)" \
      --filter "label=com.docker.compose.service=$service" | while read -r container; do
      docker rm --force "$container"
    done
  done
}

# Copies the newest line of the model's download into the step's log every few seconds, for its display, until killed.
follow_model_pull() {
  while sleep 3; do
    compose logs --no-log-prefix --tail 1 model-pull 2>/dev/null | tr '\r' '\n' | tail -n 1
  done
}
