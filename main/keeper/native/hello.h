/* What stands in JSON on the wire: both HELLOs and DROP. */
#ifndef CMDOP_HELLO_H
#define CMDOP_HELLO_H

#include "keeper.h"

/* `from`: NaN where it says none. */
bool read_hello(const char *text, size_t length, double *from);
void append_hello(struct bytes *to, const struct keeper *keeper);
/* Adds to `clients`, which the caller clears, the names one behind the other, each behind its length: a frame has room for many. */
bool read_drop(const char *text, size_t length, struct bytes *clients, bool *is_all);

#endif
