/*
 * Which input units reached the PTY: of each client the last accepted and the last written, and which of those between were
 * taken back. It lives next to the PTY, so that a crash of the host repeats and loses nothing.
 */
#ifndef CMDOP_LEDGER_H
#define CMDOP_LEDGER_H

#include <stdbool.h>

#include "bytes.h"

/* Clients remembered; the one that was silent longest goes first, and none that has units under way. */
#define MAX_CLIENTS 4096
/* Dropped ranges remembered of a client. */
#define MAX_DROPPED 64
/*
 * All of it as JSON, bytes: HELLO has room for so much beside all else that it says (wire.h). It is more than MAX_CLIENTS take
 * that have names as hosts give them.
 */
#define MAX_LEDGER (720 * 1024)

struct client_name {
  uint8_t length;
  char text[255];
};

/* Units from one seq to another that were taken back; so many bytes of the first reached the PTY. */
struct dropped_units {
  uint64_t from, to, written_bytes;
};

struct ledger_entry {
  struct ledger_entry *older, *newer;
  struct client_name *name;
  /* Of the name as JSON. */
  size_t name_size;
  uint64_t accepted, applied;
  struct dropped_units *dropped;
  size_t dropped_count;
};

struct ledger {
  struct ledger_entry *oldest, *newest;
  size_t count;
  /* As JSON at most. */
  size_t size;
};

enum acceptance {
  /* It must be written now. */
  IS_NEW,
  /* It was accepted before. */
  IS_REPEAT,
  /* Nobody can be forgotten for its client: all have units under way. */
  HAS_NO_ROOM,
};

static inline bool is_same_name(const struct client_name *a, const struct client_name *b) {
  return a->length == b->length && !__builtin_memcmp(a->text, b->text, a->length);
}

enum acceptance ledger_accept(struct ledger *ledger, const struct client_name *client, uint64_t seq);
/* The unit was written whole. */
void ledger_applied(struct ledger *ledger, const struct client_name *client, uint64_t seq);
/* These units will never be written whole. False where their client is forgotten. */
bool ledger_dropped(struct ledger *ledger, const struct client_name *client, struct dropped_units units);
/* The client is gone for good: it will not send its units again. */
void ledger_forget(struct ledger *ledger, const struct client_name *client);
/* As HELLO has it: [[client, {accepted, applied, dropped?}], …], the one silent longest first. */
void ledger_append_json(const struct ledger *ledger, struct bytes *to);

#endif
