# cmdop's integration for bash 3.2 and later. The host writes it, after assignments of __cmdop_nonce, __cmdop_init_folder
# and perhaps __cmdop_user_env, into a file that bash reads instead of the user's own, as $ENV (posix mode) or --init-file.
# It reads what a login shell reads, then prints marks (main/session/shell-marks.ts).
# Nothing here may fail a command, change $? or $_, print, or start a process but where a comment says so:
# the user may have set -e, -u, -x, -f or -a, another IFS, aliases, traps and prompt hooks.

builtin set +o posix
builtin shopt -u inherit_errexit 2>/dev/null # posix mode turned it on; bash before 4.4 does not know it
if [[ ${HISTFILE-} == "${HOME-}/.sh_history" ]]; then HISTFILE=$HOME/.bash_history; fi # posix mode chose it
if [[ -n ${__cmdop_user_env+set} ]]; then ENV=$__cmdop_user_env; else builtin unset ENV; fi
# Emptied first: gone even where rm is not found.
: >|"$__cmdop_init_folder/init.bash"
command rm -rf -- "$__cmdop_init_folder" 2>/dev/null || :
builtin unset __cmdop_init_folder __cmdop_user_env

__cmdop_count=0    # marks printed; also keeps one that is printed again from counting
__cmdop_running=   # 1 from a command's start until the next prompt
__cmdop_number=    # of the next line of the history, as of the last prompt
__cmdop_debug=     # legacy: 1 while the next simple command is one the user submitted
__cmdop_last_hook=1
__cmdop_void=
# PS0 and ${name@P} came with 4.4. Before, the DEBUG trap must do.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then __cmdop_modern=1; else __cmdop_modern=; fi

# Adds a mark of $1, the key and $2 to `marks` of the caller.
__cmdop_mark() {
  __cmdop_count=$((__cmdop_count + 1))
  marks+=$'\e]'$1$__cmdop_nonce.$__cmdop_count${2-}$'\a'
}

# Prints `marks` of the caller where the prompt goes too, into no file.
__cmdop_print_marks() {
  if [[ -t 2 ]]; then builtin printf '%s' "$marks" >&2; fi
}

# Sets `escaped` of the caller to $1 as a mark may carry it; bounded, so that a mark stays within what readers hold.
__cmdop_escape() {
  escaped=${1:0:8000}
  escaped=${escaped//\\/\\\\}
  escaped=${escaped//;/\\x3b}
  escaped=${escaped//$'\n'/\\x0a}
  if [[ $escaped == *[[:cntrl:]]* ]]; then
    local index=0 plain= character code
    while ((index < ${#escaped})); do
      character=${escaped:index:1}
      if [[ $character == [[:cntrl:]] ]]; then
        builtin printf -v code '\\x%02x' "'$character"
        plain+=$code
      else
        plain+=$character
      fi
      index=$((index + 1))
    done
    escaped=$plain
  fi
}

# Sets `number` of the caller: grows with every line added to the history. Forks in bash before 4.4, and while there is one line.
__cmdop_history_number() {
  if [[ $__cmdop_modern ]]; then
    number='\!'
    builtin eval 'number=${number@P}'
    # bash says 1 for an empty history and for one line.
    if [[ $number == 1 && -z $(builtin history 1) ]]; then number=0; fi
  else
    number=$(HISTTIMEFORMAT= builtin history 1) || :
    number=${number#"${number%%[0-9]*}"}
    number=${number%%[!0-9]*}
  fi
}

# Prints the two marks of a command's start. The line comes from the history: bash shows it nowhere else.
# A line the user keeps out of the history is reported without its text. Forks.
__cmdop_command_starts() {
  local line= escaped= flag= number marks=
  __cmdop_history_number
  if [[ ! -o history ]]; then
    flag=';withheld'
  elif [[ $number == "$__cmdop_number" ]]; then
    local controls=":${HISTCONTROL-}:" repeats= hides=${HISTIGNORE-}
    case $controls in *:ignoredups:* | *:erasedups:* | *:ignoreboth:*) repeats=1 ;; esac
    case $controls in *:ignorespace:* | *:ignoreboth:*) hides=1 ;; esac
    # The same line again, or one kept out: where both are possible the host decides by how it was typed.
    if [[ ! $repeats ]]; then flag=';withheld'; elif [[ $hides ]]; then flag=';unchanged'; fi
  fi
  if [[ $flag != ';withheld' ]]; then
    line=$(HISTTIMEFORMAT= builtin history 1)
    line=${line#*[0-9][* ] }
    # bash-preexec lets such a line in and takes it out later.
    if [[ ${__bp_ignorespace-} && $line == [[:blank:]]* ]]; then flag=';withheld'; else __cmdop_escape "$line"; fi
  fi
  __cmdop_mark "633;E;$escaped;" "$flag"
  __cmdop_mark '133;C;cmdop='
  __cmdop_print_marks
}

# __cmdop_command_starts in the subshell of PS0, which itself counts the marks.
__cmdop_ps0() {
  { builtin set +eux; } 2>/dev/null
  __cmdop_command_starts
}

# Ends a hook with `status`, for the hooks that follow in the same string; with set -e that would end the shell.
# Uses `options` of the caller, as they were before it, to trace on in bash before 4.4.
__cmdop_return() {
  local code=$status
  case $options in *e*) code=0 ;; esac
  case $__cmdop_modern$options in [!1]*x*) builtin set -x ;; esac
  builtin return "$code"
}

# First thing before a prompt: the command that ran has ended.
__cmdop_precmd() {
  local status=$? options=$-
  { if [[ $__cmdop_modern ]]; then local - && builtin set +eux; else builtin set +x; fi; } 2>/dev/null
  if [[ $__cmdop_debug && ! $__cmdop_modern ]]; then
    # The DEBUG trap does not see a subshell or a function definition: it is known by the line in the history.
    local number
    __cmdop_history_number
    if [[ $number != "$__cmdop_number" && $status != 130 ]]; then
      __cmdop_command_starts
      __cmdop_running=1
    fi
  fi
  __cmdop_debug=
  local marks=
  if [[ $__cmdop_running ]]; then __cmdop_mark "133;D;$status;cmdop="; else __cmdop_mark '133;D;cmdop='; fi
  __cmdop_print_marks
  __cmdop_running=
  if [[ ! $__cmdop_last_hook ]]; then __cmdop_prompt; fi
  __cmdop_return
}

# Last thing before a prompt: hooks of the user may have changed the folder, the prompt and the history.
__cmdop_prompt() {
  local status=$? options=$-
  { if [[ $__cmdop_modern ]]; then local - && builtin set +eux; else builtin set +x; fi; } 2>/dev/null
  local escaped number marks=
  __cmdop_escape "$PWD"
  __cmdop_mark "633;P;Cwd=$escaped;"
  if [[ ${PS1-} != *'133;B'* ]]; then PS1=${PS1-}'\[\e]133;B\a\]'; fi
  if [[ ${PS2-} != *'133;A;k=s'* ]]; then PS2='\[\e]133;A;k=s\a\]'${PS2-}; fi
  if [[ $__cmdop_modern && ${PS0-} != *__cmdop_ps0* ]] && builtin shopt -q promptvars; then
    PS0=${PS0-}'$(__cmdop_ps0)${__cmdop_void:$((__cmdop_running = 1, __cmdop_count += 2)):0}'
    builtin export -n PS0
  fi
  __cmdop_history_number
  __cmdop_number=$number
  __cmdop_mark '133;A;cmdop='
  __cmdop_print_marks
  __cmdop_debug=1
  __cmdop_return
}

# The DEBUG trap of bash before 4.4.
__cmdop_on_debug() {
  local status=0 options=$-
  { builtin set +x; } 2>/dev/null
  # Not the prompt's hooks, completion, key bindings or a subshell.
  if [[ $__cmdop_debug && $BASH_SUBSHELL == 0 && ! ${COMP_POINT+set} && ! ${READLINE_POINT+set} && $1 != *__cmdop_pre* ]]; then
    __cmdop_debug=
    __cmdop_command_starts
    __cmdop_running=1
  fi
  __cmdop_return
}

# What a login shell reads, at the top level so that `declare` there means what it says.
if [[ -r /etc/profile ]]; then . /etc/profile; fi
if [[ -r ~/.bash_profile ]]; then
  . ~/.bash_profile
elif [[ -r ~/.bash_login ]]; then
  . ~/.bash_login
elif [[ -r ~/.profile ]]; then
  . ~/.profile
fi

# The fork: once.
__cmdop_trap=$(builtin trap -p DEBUG)
if [[ ${bash_preexec_imported-}${__bp_imported-} ]]; then
  # It owns PROMPT_COMMAND and the DEBUG trap, and calls these with the right $?.
  precmd_functions=(__cmdop_precmd ${precmd_functions[@]+"${precmd_functions[@]}"} __cmdop_prompt)
  if [[ ! $__cmdop_modern ]]; then
    __cmdop_preexec() { __cmdop_on_debug "${BASH_COMMAND-}"; }
    preexec_functions=(__cmdop_preexec ${preexec_functions[@]+"${preexec_functions[@]}"})
  fi
else
  # A hook after the user's own would run their DEBUG trap once more, and with it their command timer.
  if [[ $__cmdop_trap && $__cmdop_modern ]]; then __cmdop_last_hook=; fi
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    # Each its own command: $? and PIPESTATUS stay what they were for the next.
    PROMPT_COMMAND=(__cmdop_precmd "${PROMPT_COMMAND[@]}" ${__cmdop_last_hook:+__cmdop_prompt})
  else
    PROMPT_COMMAND=__cmdop_precmd$'\n'${PROMPT_COMMAND-}${__cmdop_last_hook:+$'\n'__cmdop_prompt}
  fi
  builtin export -n PROMPT_COMMAND
  if [[ ! $__cmdop_modern ]]; then
    # trap -p quotes for reading again: the user's handler is its third word.
    builtin eval "__cmdop_trap=($__cmdop_trap)"
    builtin trap -- "__cmdop_on_debug \"\$BASH_COMMAND\"; ${__cmdop_trap[2]-}" DEBUG
  fi
fi
builtin unset __cmdop_trap
