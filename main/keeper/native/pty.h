/* One PTY with its program. */
#ifndef CMDOP_PTY_H
#define CMDOP_PTY_H

#include <stdbool.h>
#include <sys/types.h>

struct program {
  char *file, *cwd;
  /* Each ends with NULL; `argv` begins with the file, `env` is of NAME=VALUE. */
  char **argv, **env;
  unsigned columns, rows;
};

/*
 * Starts the program in a session of its own. Returns the terminal's other end, which does not block, and its process in
 * `pid`; -1 with errno where there is no PTY or no process. A program that cannot be run exits with 126 or 127, and its
 * terminal says why.
 */
int open_pty(const struct program *program, pid_t *pid);

/* The program reads a line and does not show it: a password. */
bool asks_secret(int terminal);

void resize_pty(int terminal, unsigned columns, unsigned rows);

#endif
