# cmdop's integration for fish 3.0 and later. The host writes it, after assignments of __cmdop_nonce and __cmdop_init_folder,
# into a file that fish reads by --init-command, after the user's own configuration.
# Prints marks (main/session/shell-marks.ts). Nothing here starts a process but where a comment says so; fish keeps $status around events.

# The process: once. fish has read the whole file.
command rm -rf -- $__cmdop_init_folder
set -e __cmdop_init_folder

set -g __cmdop_count 0 # marks printed; also keeps one that is printed again from counting
set -g __cmdop_running # 1 from a command's start until its end

# Prints as one mark: $argv[1], the key and, if given, $argv[2].
function __cmdop_mark
    set -g __cmdop_count (math $__cmdop_count + 1)
    test -t 1; and printf '\e]%s%s.%s%s\a' $argv[1] $__cmdop_nonce $__cmdop_count "$argv[2]"
end

# Prints $argv[1] as a mark may carry it, in one line; bounded, so that a mark stays within what readers hold.
function __cmdop_escape
    set -l text (string sub -l 8000 -- $argv[1] | string collect)
    if string match -qr '[\\\\;\x00-\x1f\x7f-\x9f]' -- $text
        set text (string replace -a -- \\ \\\\ $text | string collect)
        set text (string replace -a -- ';' '\\x3b' $text | string collect)
        set text (string replace -a -- \n '\\x0a' $text | string collect)
        # printf knows the number of a character only where it is one.
        for character in (string match -ar '[\x01-\x1f\x7f-\x9f]' -- $text)
            set text (string replace -a -- $character (printf '\\\\x%02x' "'$character") $text | string collect)
        end
    end
    printf '%s' $text
end

# The line as typed is $argv[1]; one the user keeps out of the history is reported without its text.
function __cmdop_preexec --on-event fish_preexec
    set -l escaped ''
    set -l flag ';withheld'
    if not string match -qr '^[ \t]' -- $argv[1]; and test -z "$fish_private_mode"
        set escaped (__cmdop_escape $argv[1] | string collect)
        set flag ''
    end
    __cmdop_mark "633;E;$escaped;" $flag
    __cmdop_mark '133;C;cmdop='
    set -g __cmdop_running 1
end

function __cmdop_postexec --on-event fish_postexec
    set -l result $status
    test -n "$__cmdop_running"; and __cmdop_mark "133;D;$result;cmdop="
    set -g __cmdop_running
end

function __cmdop_prompt --on-event fish_prompt
    set -g __cmdop_running
    set -l escaped (__cmdop_escape $PWD)
    __cmdop_mark "633;P;Cwd=$escaped;"
    __cmdop_mark '133;A;cmdop='
end

# The prompt's end, for other tools; a prompt set later goes without.
if functions -q fish_prompt; and not functions -q __cmdop_user_prompt
    functions --copy fish_prompt __cmdop_user_prompt
    function fish_prompt
        __cmdop_user_prompt
        printf '\e]133;B\a'
    end
end
