# cmdop's integration for zsh 5.0 and later. The host writes it, after assignments of __cmdop_nonce, __cmdop_init_folder
# and perhaps __cmdop_user_zdotdir, as the .zshenv of a folder that ZDOTDIR names until this file has put ZDOTDIR back.
# All other init files are then the user's own, read by zsh itself; the hooks are installed at the first prompt, after them (as kitty does).
# Prints marks (main/session/shell-marks.ts). Nothing here may fail, change $?, print, or start a process but where a comment says so.

if [[ -n ${__cmdop_user_zdotdir+set} ]]; then export ZDOTDIR=$__cmdop_user_zdotdir; else unset ZDOTDIR; fi
# The process: once. zsh holds the file open and reads on.
command rm -rf -- "$__cmdop_init_folder" 2>/dev/null || :
unset __cmdop_init_folder __cmdop_user_zdotdir

typeset -g +x __cmdop_nonce
typeset -gi __cmdop_count=0   # marks printed; also keeps one that is printed again from counting
typeset -gi __cmdop_running=0 # 1 from a command's start until the next prompt

# Prints $1, the key and $2 as one mark, on the terminal whatever standard output is.
__cmdop_mark() {
  (( ++__cmdop_count ))
  builtin print -rn -- $'\e]'$1$__cmdop_nonce.$__cmdop_count${2-}$'\a' 2>/dev/null >$TTY
}

# Sets `escaped` of the caller to $1 as a mark may carry it; bounded, so that a mark stays within what readers hold.
__cmdop_escape() {
  escaped=${1[1,8000]}
  escaped=${escaped//\\/\\\\}
  escaped=${escaped//;/\\x3b}
  escaped=${escaped//$'\n'/\\x0a}
  if [[ $escaped == *[[:cntrl:]]* ]]; then
    local plain= character code
    for character in ${(s::)escaped}; do
      if [[ $character == [[:cntrl:]] ]]; then
        builtin printf -v code '\\x%02x' "'$character"
        plain+=$code
      else
        plain+=$character
      fi
    done
    escaped=$plain
  fi
}

# The line as typed is $1, empty where history is off; a line the user keeps out of the history is reported without its text.
__cmdop_preexec() {
  local hides_blank=0
  [[ -o hist_ignore_space ]] && hides_blank=1
  builtin emulate -L zsh -o no_xtrace
  local escaped= flag=
  if [[ -z $1 || ( $hides_blank == 1 && $1 == [[:blank:]]* ) ]]; then flag=';withheld'; else __cmdop_escape "$1"; fi
  __cmdop_mark "633;E;$escaped;" $flag
  __cmdop_mark '133;C;cmdop='
  __cmdop_running=1
}

# First of the hooks before a prompt: the command that ran has ended.
__cmdop_precmd() {
  local result=$?
  builtin emulate -L zsh -o no_xtrace
  if (( __cmdop_running )); then __cmdop_mark "133;D;$result;cmdop="; else __cmdop_mark '133;D;cmdop='; fi
  __cmdop_running=0
  # Frameworks put themselves in front or at the end again and again.
  if [[ $precmd_functions[-1] != __cmdop_prompt ]]; then
    precmd_functions=(${precmd_functions:#__cmdop_prompt} __cmdop_prompt)
  fi
}

# Last of them: others may have changed the folder and the prompt.
__cmdop_prompt() {
  local expands_percent=0
  [[ -o prompt_percent ]] && expands_percent=1
  builtin emulate -L zsh -o no_xtrace
  local escaped
  __cmdop_escape "$PWD"
  __cmdop_mark "633;P;Cwd=$escaped;"
  if (( expands_percent )); then
    [[ ${PS1-} == *'133;B'* ]] || PS1=${PS1-}$'%{\e]133;B\a%}'
    [[ ${PS2-} == *'133;A;k=s'* ]] || PS2=$'%{\e]133;A;k=s\a%}'${PS2-}
  fi
  __cmdop_mark '133;A;cmdop='
}

# At the first prompt, when every init file was read.
__cmdop_install() {
  builtin emulate -L zsh -o no_xtrace
  builtin typeset -ag precmd_functions preexec_functions
  precmd_functions=(__cmdop_precmd ${precmd_functions:#__cmdop_*} __cmdop_prompt)
  preexec_functions=(__cmdop_preexec ${preexec_functions:#__cmdop_*})
  builtin unfunction __cmdop_install
  # zsh walks the list as it was: the hooks of this prompt were not in it.
  __cmdop_precmd
  __cmdop_prompt
}

if [[ -o interactive ]]; then
  typeset -ag precmd_functions
  precmd_functions+=(__cmdop_install)
fi

# zsh reads no .zshenv that it cannot read, or that is a folder.
if [[ -r ${ZDOTDIR-$HOME}/.zshenv && ! -d ${ZDOTDIR-$HOME}/.zshenv ]]; then builtin source -- "${ZDOTDIR-$HOME}/.zshenv"; fi
