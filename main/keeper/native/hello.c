#include "hello.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

bool read_hello(const char *text, size_t length, double *from) {
  struct json json = {.at = text, .end = text + length};
  *from = NAN;
  bool is_first = true;
  json_open(&json, '{');
  while (json_next(&json, '}', &is_first)) {
    char *name = json_name(&json);
    if (name && strcmp(name, "from") == 0) *from = json_number(&json);
    else json_skip(&json);
    free(name);
  }
  return json_ends(&json);
}

static void read_clients(struct json *json, struct bytes *clients) {
  bool is_first = true;
  json_open(json, '[');
  while (json_next(json, ']', &is_first)) {
    size_t length;
    char *text = json_text(json, &length);
    /* One that long, or without a name, never wrote anything. */
    if (text && length > 0 && length <= 255) {
      uint8_t size = (uint8_t)length;
      bytes_append(clients, &size, 1);
      bytes_append(clients, text, length);
    }
    free(text);
  }
}

bool read_drop(const char *text, size_t length, struct bytes *clients, bool *is_all) {
  struct json json = {.at = text, .end = text + length};
  bool is_first = true, is_there = false;
  *is_all = false;
  json_open(&json, '{');
  while (json_next(&json, '}', &is_first)) {
    char *name = json_name(&json);
    if (!name || strcmp(name, "clients") != 0 || is_there) {
      json_skip(&json);
    } else {
      is_there = true;
      *is_all = json_null(&json);
      if (!*is_all) read_clients(&json, clients);
    }
    free(name);
  }
  return is_there && json_ends(&json);
}

static void append_base64(struct bytes *to, const struct bytes *from) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *bytes = bytes_front(from);
  for (size_t at = 0; at < from->length; at += 3) {
    size_t left = from->length - at;
    uint32_t three = (uint32_t)bytes[at] << 16 | (uint32_t)(left > 1 ? bytes[at + 1] : 0) << 8 | (left > 2 ? bytes[at + 2] : 0);
    char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '='};
    bytes_append(to, four, sizeof four);
  }
}

void append_hello(struct bytes *to, const struct keeper *keeper) {
  char text[256];
  snprintf(text, sizeof text, "{\"wire\":%d,\"session\":", KEEPER_WIRE);
  bytes_append_text(to, text);
  json_append_text(to, keeper->session, strlen(keeper->session));
  snprintf(text, sizeof text, ",\"keeperPid\":%d,\"shellPid\":%d,\"start\":%" PRIu64 ",\"end\":%" PRIu64 ",\"cols\":%u,\"rows\":%u,\"ledger\":", getpid(),
           keeper->pid, keeper->start, output_end(keeper), keeper->program.columns, keeper->program.rows);
  bytes_append_text(to, text);
  ledger_append_json(&keeper->ledger, to);
  bytes_append_text(to, ",\"exit\":");
  if (keeper->has_ended && keeper->terminal < 0) append_exit(to, keeper->status);
  else bytes_append_text(to, "null");
  bytes_append_text(to, ",\"meta\":");
  bytes_append_text(to, keeper->meta);
  bytes_append_text(to, ",\"note\":\"");
  append_base64(to, &keeper->note);
  bytes_append_text(to, "\",\"features\":[\"urgent\",\"drop\",\"ending\",\"delegate\",\"retell\",\"limit\"]}");
}
