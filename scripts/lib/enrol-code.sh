# `countersign enrol-code`: makes the seed of the one-time codes that let the dashboard decide on prod, and shows it once.
# Needs compose.sh, house.sh (ensure_house) and refuse(). The work is done in a container of init's image without a network, whose output
# the engine does not keep; the seed stands in no argument, no environment and no log.

enrol_code() {
  again=''
  for word in "$@"; do
    case $word in
      --again) again=--again ;;
      *) refuse 2 "enrol-code has no option '$word': see --help" ;;
    esac
  done
  ensure_house
  picture=''
  [ ! -t 1 ] || picture=--picture
  compose --progress quiet run --rm --no-deps -T --quiet-pull enrol-code ${again:+--again} ${picture:+--picture} </dev/null
}
