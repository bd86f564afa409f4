#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "keeper.h"

/* A verdict waits this long for the echo, microseconds: together they wake the host once, and each wake-up delays the echo. */
#define VERDICT_WAIT 2000
/*
 * Until the next attempt to write to a terminal that took less than all, microseconds: it says when there is room, but Linux
 * can make room after it has told those who wait, and can tell of room where a write finds none.
 */
#define RETRY_MISSED 250000
#define RETRY_MISLED 16000
/* What DROPPED says beside the ledger's clients, bytes. */
#define MAX_FORGOTTEN (200 * 1024)

void verdicts_wait(struct keeper *keeper) {
  if (keeper->verdicts_due == NEVER) keeper->verdicts_due = keeper->told_by = now_us() + VERDICT_WAIT;
}

void tell_verdict(struct keeper *keeper, enum from_keeper kind, const struct client_name *client, uint64_t seq) {
  append_verdict(&keeper->verdicts, kind, client, seq);
  verdicts_wait(keeper);
}

static void written(struct keeper *keeper, struct queued_input *input) {
  if (input->client) {
    ledger_applied(&keeper->ledger, input->client, input->seq);
    tell_verdict(keeper, APPLIED, input->client, input->seq);
  }
  free_input(input);
}

void write_input(struct keeper *keeper, bool is_told) {
  bool has_moved = false;
  keeper->is_full = keeper->is_misled = false;
  keeper->retry_due = NEVER;
  while (keeper->queue.first && keeper->terminal >= 0) {
    struct queued_input *first = keeper->queue.first;
    ssize_t count = write(keeper->terminal, first->bytes + first->written, first->length - first->written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return; /* it is closed: its end tells */
    has_moved = has_moved || count > 0;
    struct queued_input *whole = input_took(&keeper->queue, count > 0 ? (size_t)count : 0);
    if (whole) {
      written(keeper, whole);
      continue;
    }
    keeper->is_full = true;
    keeper->is_misled = is_told && !has_moved;
    keeper->retry_due = now_us() + (keeper->is_misled ? RETRY_MISLED : RETRY_MISSED);
    return;
  }
}

void take_input(struct keeper *keeper, struct queued_input *input, bool is_urgent) {
  if (keeper->terminal < 0) {
    free_input(input);
    return;
  }
  input_push(&keeper->queue, input, is_urgent);
  if (!keeper->is_full) write_input(keeper, false);
}

/* NULL for all. */
struct wanted {
  const uint8_t *names;
  size_t length;
};

static bool is_wanted(const struct client_name *client, void *context) {
  const struct wanted *wanted = context;
  if (!wanted->names) return true;
  for (size_t at = 0; at < wanted->length; at += 1u + wanted->names[at]) {
    if (wanted->names[at] == client->length && !memcmp(wanted->names + at + 1, client->text, client->length)) return true;
  }
  return false;
}

/*
 * Takes back all of the client of `oldest`, which it frees: remembered before it is told, since a host may die between. The
 * ledger bounds how much is told; of a client that is forgotten nobody waits to hear, it is told while there is room.
 */
static void drop_client(struct keeper *keeper, struct queued_input *oldest, struct bytes *json) {
  struct dropped_units units = {.from = oldest->seq, .to = oldest->seq, .written_bytes = oldest->written};
  /* A name in memory is what a name in a row of them is. */
  struct wanted same = {.names = &oldest->client->length, .length = 1u + oldest->client->length};
  struct queued_input *next;
  while ((next = input_take_back(&keeper->queue, is_wanted, &same))) {
    units.to = next->seq;
    free_input(next);
  }
  bool is_known = ledger_dropped(&keeper->ledger, oldest->client, units);
  if (is_known || json->length < MAX_FORGOTTEN) {
    char text[96];
    bytes_append_text(json, json->length ? ",[" : "[");
    json_append_text(json, oldest->client->text, oldest->client->length);
    snprintf(text, sizeof text, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", units.from, units.to, units.written_bytes);
    bytes_append_text(json, text);
  }
  free_input(oldest);
}

void drop_input(struct keeper *keeper, const struct bytes *clients) {
  static const uint8_t nobody[1];
  struct wanted wanted = {0};
  if (clients) wanted = (struct wanted){.names = clients->length ? bytes_front(clients) : nobody, .length = clients->length};
  struct bytes units = {0}, json = {0};
  struct queued_input *oldest;
  while ((oldest = input_take_back(&keeper->queue, is_wanted, &wanted))) drop_client(keeper, oldest, &units);
  bytes_append_text(&json, "{\"units\":[");
  if (units.length) bytes_append(&json, bytes_front(&units), units.length);
  bytes_append_text(&json, "]}");
  append_frame(&keeper->verdicts, DROPPED, bytes_front(&json), json.length);
  bytes_clear(&units);
  bytes_clear(&json);
  send_output(keeper);
}
