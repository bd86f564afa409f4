/*
 * Input on its way into the PTY: in order, what is urgent before all that has not begun, and taken back as long as it is not
 * written whole. Whoever owns the PTY takes from the front and says how much of it went in.
 */
#ifndef CMDOP_INPUT_QUEUE_H
#define CMDOP_INPUT_QUEUE_H

#include <stdbool.h>

#include "ledger.h"

struct queued_input {
  struct queued_input *next;
  /* NULL for what nobody typed, which cannot be taken back and gets no verdict. */
  struct client_name *client;
  uint64_t seq;
  size_t length, written;
  uint8_t bytes[];
};

struct input_queue {
  struct queued_input *first, **last_link;
  /* Queued and not in the PTY yet. */
  size_t bytes;
};

/* `client` NULL: of nobody. */
struct queued_input *new_input(const struct client_name *client, uint64_t seq, const uint8_t *bytes, size_t length);
void free_input(struct queued_input *input);

void input_push(struct input_queue *queue, struct queued_input *input, bool is_urgent);
/* So many bytes of the first are in the PTY. Returns it where that was all of it, for the caller to free. */
struct queued_input *input_took(struct input_queue *queue, size_t count);
/* The oldest unit of a client that is wanted, out of the queue, for the caller to free; NULL if there is none. */
struct queued_input *input_take_back(struct input_queue *queue, bool (*is_wanted)(const struct client_name *, void *), void *context);
void input_clear(struct input_queue *queue);

#endif
