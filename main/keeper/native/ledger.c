#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Whoever typed last types on: it is the first that is looked at. */
static struct ledger_entry *find(const struct ledger *ledger, const struct client_name *client) {
  struct ledger_entry *entry = ledger->newest;
  while (entry && !is_same_name(entry->name, client)) entry = entry->older;
  return entry;
}

static void unlink_entry(struct ledger *ledger, struct ledger_entry *entry) {
  *(entry->older ? &entry->older->newer : &ledger->oldest) = entry->newer;
  *(entry->newer ? &entry->newer->older : &ledger->newest) = entry->older;
  ledger->count--;
}

static void link_newest(struct ledger *ledger, struct ledger_entry *entry) {
  entry->older = ledger->newest;
  entry->newer = NULL;
  *(ledger->newest ? &ledger->newest->newer : &ledger->oldest) = entry;
  ledger->newest = entry;
  ledger->count++;
}

static void forget_entry(struct ledger *ledger, struct ledger_entry *entry) {
  unlink_entry(ledger, entry);
  free(entry->name);
  free(entry->dropped);
  free(entry);
}

bool ledger_accept(struct ledger *ledger, const struct client_name *client, uint64_t seq) {
  struct ledger_entry *entry = find(ledger, client);
  if (entry && seq <= entry->accepted) return false;
  if (entry) {
    unlink_entry(ledger, entry);
  } else {
    entry = allocate(sizeof *entry);
    size_t size = offsetof(struct client_name, text) + client->length;
    *entry = (struct ledger_entry){.name = allocate(size)};
    memcpy(entry->name, client, size);
  }
  entry->accepted = seq;
  link_newest(ledger, entry);
  if (ledger->count > MAX_CLIENTS) forget_entry(ledger, ledger->oldest);
  return true;
}

void ledger_applied(struct ledger *ledger, const struct client_name *client, uint64_t seq) {
  struct ledger_entry *entry = find(ledger, client);
  if (entry) entry->applied = seq;
}

void ledger_dropped(struct ledger *ledger, const struct client_name *client, struct dropped_units units) {
  struct ledger_entry *entry = find(ledger, client);
  if (!entry) return;
  if (!entry->dropped) entry->dropped = allocate(MAX_DROPPED * sizeof units);
  if (entry->dropped_count == MAX_DROPPED) memmove(entry->dropped, entry->dropped + 1, --entry->dropped_count * sizeof units);
  entry->dropped[entry->dropped_count++] = units;
}

void ledger_forget(struct ledger *ledger, const struct client_name *client) {
  struct ledger_entry *entry = find(ledger, client);
  if (entry) forget_entry(ledger, entry);
}

void ledger_append_json(const struct ledger *ledger, struct bytes *to) {
  char text[128];
  bytes_append_text(to, "[");
  for (const struct ledger_entry *entry = ledger->oldest; entry; entry = entry->newer) {
    bytes_append_text(to, entry == ledger->oldest ? "[" : ",[");
    json_append_text(to, entry->name->text, entry->name->length);
    snprintf(text, sizeof text, ",{\"accepted\":%" PRIu64 ",\"applied\":%" PRIu64, entry->accepted, entry->applied);
    bytes_append_text(to, text);
    for (size_t at = 0; at < entry->dropped_count; at++) {
      const struct dropped_units *units = &entry->dropped[at];
      const char *before = at == 0 ? ",\"dropped\":[" : ",";
      snprintf(text, sizeof text, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", before, units->from, units->to, units->written_bytes);
      bytes_append_text(to, text);
    }
    bytes_append_text(to, entry->dropped_count > 0 ? "]}]" : "}]");
  }
  bytes_append_text(to, "]");
}
