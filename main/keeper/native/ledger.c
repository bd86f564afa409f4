#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* JSON of a client and of a range at most, bytes: with numbers of 20 digits, without the name. Each client has one range for certain. */
#define RANGE_SIZE 66
#define ENTRY_SIZE (88 + RANGE_SIZE)

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
  ledger->size -= ENTRY_SIZE + entry->name_size + (entry->dropped_count > 1 ? entry->dropped_count - 1 : 0) * RANGE_SIZE;
  free(entry->name);
  free(entry->dropped);
  free(entry);
}

static bool is_under_way(const struct ledger_entry *entry) {
  if (entry->applied >= entry->accepted) return false;
  return entry->dropped_count == 0 || entry->dropped[entry->dropped_count - 1].to < entry->accepted;
}

static void forget_range(struct ledger *ledger, struct ledger_entry *entry) {
  memmove(entry->dropped, entry->dropped + 1, --entry->dropped_count * sizeof *entry->dropped);
  ledger->size -= RANGE_SIZE;
}

/* All but the last range of those who are silent, or of all. */
static void forget_ranges(struct ledger *ledger, size_t limit, bool is_of_all) {
  for (struct ledger_entry *entry = ledger->oldest; entry && ledger->size > limit; entry = entry->newer) {
    while ((is_of_all || !is_under_way(entry)) && ledger->size > limit && entry->dropped_count > 1) forget_range(ledger, entry);
  }
}

/*
 * Room for so much more. The least is lost with what was taken back long ago, whose verdicts were heard; then with those who
 * are silent, but for `kept`.
 */
static bool make_room(struct ledger *ledger, size_t size, const struct ledger_entry *kept) {
  size_t limit = MAX_LEDGER - size;
  forget_ranges(ledger, limit, false);
  struct ledger_entry *newer;
  for (struct ledger_entry *entry = ledger->oldest; entry && ledger->size > limit; entry = newer) {
    newer = entry->newer;
    if (entry != kept && !is_under_way(entry)) forget_entry(ledger, entry);
  }
  forget_ranges(ledger, limit, true);
  return ledger->size <= limit;
}

static bool make_place(struct ledger *ledger) {
  struct ledger_entry *entry = ledger->oldest;
  if (ledger->count < MAX_CLIENTS) return true;
  while (entry && is_under_way(entry)) entry = entry->newer;
  if (entry) forget_entry(ledger, entry);
  return entry;
}

/* NULL where there is no room. */
static struct ledger_entry *new_entry(struct ledger *ledger, const struct client_name *client) {
  struct bytes json = {0};
  json_append_text(&json, client->text, client->length);
  size_t name_size = json.length, size = offsetof(struct client_name, text) + client->length;
  bytes_clear(&json);
  if (!make_place(ledger) || !make_room(ledger, ENTRY_SIZE + name_size, NULL)) return NULL;
  struct ledger_entry *entry = allocate(sizeof *entry);
  *entry = (struct ledger_entry){.name = allocate(size), .name_size = name_size};
  memcpy(entry->name, client, size);
  ledger->size += ENTRY_SIZE + name_size;
  return entry;
}

enum acceptance ledger_accept(struct ledger *ledger, const struct client_name *client, uint64_t seq) {
  struct ledger_entry *entry = find(ledger, client);
  if (entry && seq <= entry->accepted) return IS_REPEAT;
  if (entry) unlink_entry(ledger, entry);
  else if (!(entry = new_entry(ledger, client))) return HAS_NO_ROOM;
  entry->accepted = seq;
  link_newest(ledger, entry);
  return IS_NEW;
}

void ledger_applied(struct ledger *ledger, const struct client_name *client, uint64_t seq) {
  struct ledger_entry *entry = find(ledger, client);
  if (entry) entry->applied = seq;
}

bool ledger_dropped(struct ledger *ledger, const struct client_name *client, struct dropped_units units) {
  struct ledger_entry *entry = find(ledger, client);
  if (!entry) return false;
  if (!entry->dropped) entry->dropped = allocate(MAX_DROPPED * sizeof units);
  if (entry->dropped_count == MAX_DROPPED) forget_range(ledger, entry);
  if (entry->dropped_count > 0 && make_room(ledger, RANGE_SIZE, entry)) ledger->size += RANGE_SIZE;
  else entry->dropped_count = 0; /* it has room for one */
  entry->dropped[entry->dropped_count++] = units;
  return true;
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
