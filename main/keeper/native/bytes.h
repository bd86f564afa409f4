/* A growable row of bytes that is appended to at its end and taken from at its front. */
#ifndef CMDOP_BYTES_H
#define CMDOP_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
  uint8_t *memory;
  size_t capacity;
  /* Where what is held begins in `memory`, and how much it is. */
  size_t from, length;
};

/* Bytes of somebody else. */
struct bytes_piece {
  const void *from;
  size_t length;
};

/* Memory that is never NULL: without it there is nothing that could go on. */
void *allocate(size_t size);

static inline const uint8_t *bytes_front(const struct bytes *bytes) { return bytes->memory + bytes->from; }

/* Room for `size` more bytes behind what is held; whoever fills it adds to `length`. */
uint8_t *bytes_room(struct bytes *bytes, size_t size);
void bytes_append(struct bytes *bytes, const void *from, size_t size);
void bytes_append_text(struct bytes *bytes, const char *text);
/* `size` may not be more than is held. An empty one gives back all of its memory: idle sessions are many. */
void bytes_take(struct bytes *bytes, size_t size);
void bytes_clear(struct bytes *bytes);

#endif
