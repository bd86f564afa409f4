/** Words that decide what a command line can do: keywords, builtins that change the shell, programs that run others. */

export const KEYWORDS: ReadonlySet<string> = new Set(
  '! [[ ]] { } and begin break case continue coproc do done elif else end esac fi for foreach function if in nocorrect noglob not or repeat return select switch then time until while'.split(
    ' ',
  ),
);

/** Builtins that give later lines another meaning, or run their arguments. */
export const DANGEROUS_WORDS: ReadonlySet<string> = new Set(
  '. : abbr alias autoload bind bindkey builtin command compdef complete declare disable emulate enable eval exec export fc funced functions hash history local mapfile print read readarray readonly rehash sched set setopt shopt source string suspend trap typeset umask unalias unfunction unhash unset unsetopt vared zle zmodload'.split(
    ' ',
  ),
);

/** Programs that run the command in their arguments, as someone else, elsewhere or later. */
export const RUNNERS: ReadonlySet<string> = new Set(
  'at batch bunx busybox chroot chrt crontab dbus-run-session doas docker entr env expect firejail flock gdb ionice kubectl lxc machinectl nice nohup npx nsenter parallel pkexec pnpx podman proot runuser screen script setarch setpriv setsid socat ssh start-stop-daemon stdbuf strace su sudo systemd-run taskset timeout tmux tsocks unbuffer unshare watch xargs xvfb-run'.split(
    ' ',
  ),
);

/** Programs that run code: without numbers of versions. */
export const INTERPRETERS: ReadonlyMap<string, string> = new Map(
  'sh bash dash zsh fish ksh mksh ash csh tcsh rbash python pypy perl ruby node nodejs bun deno php lua luajit tclsh wish guile Rscript osascript pwsh powershell awk gawk mawk nawk ed ex jshell ghci irb groovy scala julia octave'
    .split(' ')
    .map((name) => [name, /awk$/.test(name) ? 'awk' : name]),
);

/** An argument after which, or in which, an interpreter finds code. */
export const INLINE_CODE = /^(-[A-Za-z]*[ceErpn]$|-e.+|-c.+|--(eval|exec|execute|command|print|run)(=|$)|eval$|-Command$|-x$)/;

/** Programs that reach everything below the folders they are given. */
export const SWEEPERS: ReadonlySet<string> = new Set(
  'chgrp chmod chown cp dd find grep install ln mv rg rm rsync scp shred tar truncate unlink zip 7z'.split(' '),
);
