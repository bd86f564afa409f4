#include "input_queue.h"

#include <stdlib.h>
#include <string.h>

struct queued_input *new_input(const struct client_name *client, uint64_t seq, const uint8_t *bytes, size_t length) {
  struct queued_input *input = allocate(sizeof *input + length);
  *input = (struct queued_input){.seq = seq, .length = length};
  if (client) {
    size_t size = offsetof(struct client_name, text) + client->length;
    input->client = allocate(size);
    memcpy(input->client, client, size);
  }
  if (length) memcpy(input->bytes, bytes, length);
  return input;
}

void free_input(struct queued_input *input) {
  free(input->client);
  free(input);
}

void input_push(struct input_queue *queue, struct queued_input *input, bool is_urgent) {
  struct queued_input **link = queue->first ? queue->last_link : &queue->first;
  if (is_urgent) {
    /* A unit that has begun is whole: nothing comes into it. */
    link = &queue->first;
    if (queue->first && queue->first->written > 0) link = &queue->first->next;
  }
  input->next = *link;
  *link = input;
  if (!input->next) queue->last_link = &input->next;
  queue->bytes += input->length;
}

static struct queued_input *unlink_input(struct input_queue *queue, struct queued_input **link) {
  struct queued_input *input = *link;
  *link = input->next;
  if (!input->next) queue->last_link = link;
  queue->bytes -= input->length - input->written;
  return input;
}

struct queued_input *input_took(struct input_queue *queue, size_t count) {
  struct queued_input *first = queue->first;
  first->written += count;
  queue->bytes -= count;
  return first->written < first->length ? NULL : unlink_input(queue, &queue->first);
}

struct queued_input *input_take_back(struct input_queue *queue, bool (*is_wanted)(const struct client_name *, void *), void *context) {
  for (struct queued_input **link = &queue->first; *link; link = &(*link)->next) {
    if ((*link)->client && is_wanted((*link)->client, context)) return unlink_input(queue, link);
  }
  return NULL;
}

void input_clear(struct input_queue *queue) {
  while (queue->first) free_input(unlink_input(queue, &queue->first));
}
