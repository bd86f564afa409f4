/* What stands in JSON on the wire: both HELLOs and DROP. */
#ifndef CMDOP_HELLO_H
#define CMDOP_HELLO_H

#include "keeper.h"

/* `from`: NaN where it says none. */
bool read_hello(const char *text, size_t length, double *from);
void append_hello(struct bytes *to, const struct keeper *keeper);
/* `clients`: NULL for all; freed by the caller. */
bool read_drop(const char *text, size_t length, struct client_name **clients, size_t *count);

#endif
