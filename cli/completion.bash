# Completion of the portpool command in bash, from its own help.

_portpool() {
  local words=() word help command= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then # another program's command line follows
      if declare -F _command_offset >/dev/null; then
        _command_offset $((i + 1))
      else
        mapfile -t COMPREPLY < <(compgen -A command -A file -- "$2")
      fi
      return
    fi
    [[ $command || $word == -* ]] || command=$word
  done
  help=$("$1" $command --help 2>/dev/null) || return
  mapfile -t words < <(sed -nE 's/^  (-[A-Za-z]|--[a-z-]+)(,--[a-z-]+)?( .*)?$/\1\2/p' <<<"$help" | tr , '\n')
  if [[ ! $command ]]; then
    mapfile -t -O ${#words[@]} words < <(sed -nE '/^Subcommands:/,/^$/ s/^  ([a-z]+) .*/\1/p' <<<"$help")
  fi
  mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$2")
}
complete -F _portpool portpool
