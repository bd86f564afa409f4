/* Signals by name, and the ones of this process. */
#ifndef CMDOP_SIGNALS_H
#define CMDOP_SIGNALS_H

#include <stddef.h>

/* Its number, or 0 where no signal is called so. `name` need not end with a zero. */
int signal_number(const char *name, size_t length);
/* SIGTERM, or "signal N" where it has no name, in `to`. */
void signal_name(int number, char *to, size_t size);

/*
 * Nothing that happens to the terminal or the host that started us may end the session. Returns a descriptor that is
 * readable when a child has changed.
 */
int guard_signals(void);
/* As a program expects to find them. */
void restore_signals(void);

#endif
