# Where the operator's page is and what opens it. Needs settings.sh.

page_port() {
  port=$(setting COUNTERSIGN_PAGE_PORT)
  printf '%s' "${port:-7860}"
}

check_page_port() {
  check_port COUNTERSIGN_PAGE_PORT "$(page_port)"
}

page_url() {
  printf 'http://127.0.0.1:%s' "$(page_port)"
}

login_token_file() {
  printf '%s/dashboard/login-token' "$(secrets_folder)"
}

# The link that logs in; nothing where the token is not this user's to read. What goes through it stands in no program's arguments: printf
# is the shell's own.
page_link() {
  [ -r "$(login_token_file)" ] || return 0
  token=$(tr -cd 'A-Za-z0-9_-' <"$(login_token_file)")
  [ -z "$token" ] || printf '%s/login?token=%s' "$(page_url)" "$token"
}
