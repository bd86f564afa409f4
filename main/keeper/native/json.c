#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Brackets within brackets that are skipped; nothing of ours has more than four. */
#define MAX_DEPTH 64

static void broken(struct json *json) {
  json->is_broken = true;
  json->at = json->end;
}

static char peek(struct json *json) {
  while (json->at < json->end && strchr(" \t\r\n", *json->at) && *json->at) json->at++;
  return json->at < json->end ? *json->at : 0;
}

static bool accept(struct json *json, char wanted) {
  if (json->is_broken || peek(json) != wanted) return false;
  json->at++;
  return true;
}

static bool accept_word(struct json *json, const char *word) {
  size_t length = strlen(word);
  peek(json);
  if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length)) return false;
  json->at += length;
  return true;
}

void json_open(struct json *json, char bracket) {
  if (!accept(json, bracket)) broken(json);
}

bool json_next(struct json *json, char closing, bool *is_first) {
  bool is_comma_due = !*is_first;
  *is_first = false;
  if (accept(json, closing)) return false;
  if (is_comma_due && !accept(json, ',')) broken(json);
  return !json->is_broken;
}

char *json_name(struct json *json) {
  char *name = json_text(json, NULL);
  if (name && !accept(json, ':')) broken(json);
  return name;
}

/* Four hexadecimal digits, or -1. */
static int unit_of(struct json *json) {
  if (json->end - json->at < 4) return -1;
  int value = 0;
  for (int count = 0; count < 4; count++) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = *json->at ? strchr(digits, *json->at++) : NULL;
    if (!found) return -1;
    value = value * 16 + (int)((found - digits) % 16);
  }
  return value;
}

static void append_character(struct bytes *to, unsigned code) {
  uint8_t *out = bytes_room(to, 4);
  size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t left = size - 1; left > 0; left--, code >>= 6) out[left] = 0x80 | (code & 0x3f);
  out[0] = (uint8_t)(heads[size] | code);
  to->length += size;
}

/* What follows a backslash; false where that is nothing known. */
static bool append_escape(struct json *json, struct bytes *to) {
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  if (json->at >= json->end) return false;
  char name = *json->at++;
  if (name != 'u') {
    const char *found = name ? strchr(names, name) : NULL;
    if (found) bytes_append(to, &values[found - names], 1);
    return found;
  }
  int unit = unit_of(json);
  if (unit <= 0) return false;
  if (unit >= 0xd800 && unit < 0xdc00 && json->end - json->at >= 6 && json->at[0] == '\\' && json->at[1] == 'u') {
    const char *after = json->at;
    json->at += 2;
    int low = unit_of(json);
    if (low >= 0xdc00 && low <= 0xdfff) {
      append_character(to, 0x10000u + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(low - 0xdc00));
      return true;
    }
    json->at = after;
  }
  append_character(to, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : (unsigned)unit);
  return true;
}

char *json_text(struct json *json, size_t *length) {
  struct bytes text = {0};
  bool is_whole = false;
  if (accept(json, '"')) {
    while (json->at < json->end) {
      const char *from = json->at;
      while (json->at < json->end && *json->at != '"' && *json->at != '\\' && *json->at) json->at++;
      bytes_append(&text, from, (size_t)(json->at - from));
      if (json->at >= json->end || !*json->at) break;
      if (*json->at++ == '"') {
        is_whole = true;
        break;
      }
      if (!append_escape(json, &text)) break;
    }
  }
  if (!is_whole) {
    broken(json);
    bytes_clear(&text);
    return NULL;
  }
  if (length) *length = text.length;
  bytes_append(&text, "", 1);
  return (char *)text.memory; /* nothing was taken from its front */
}

/* Past a text, whatever it says: it may have what a C string cannot. */
static void skip_text(struct json *json) {
  accept(json, '"');
  while (json->at < json->end && *json->at != '"') {
    if ((unsigned char)*json->at < 0x20) return broken(json);
    json->at += *json->at == '\\' && json->end - json->at > 1 ? 2 : 1;
  }
  if (!accept(json, '"')) broken(json);
}

bool json_null(struct json *json) { return !json->is_broken && accept_word(json, "null"); }

double json_number(struct json *json) {
  if (json_null(json)) return NAN;
  char digits[40];
  size_t length = 0;
  peek(json);
  while (json->at < json->end && length < sizeof digits - 1 && *json->at && strchr("+-0123456789.eE", *json->at)) digits[length++] = *json->at++;
  digits[length] = 0;
  char *end = digits;
  double value = strtod(digits, &end);
  if (length == 0 || *end) broken(json);
  return json->is_broken ? NAN : value;
}

void json_skip(struct json *json) {
  size_t depth = 0;
  do {
    char next = peek(json);
    if (json->is_broken || !next) return broken(json);
    if (next == '"') {
      skip_text(json);
    } else if (next == '{' || next == '[') {
      json->at++;
      if (++depth > MAX_DEPTH) broken(json);
    } else if (next == '}' || next == ']') {
      json->at++;
      if (depth-- == 0) broken(json);
    } else if (next == ',' || next == ':') {
      json->at++;
      if (depth == 0) broken(json);
    } else if (!accept_word(json, "true") && !accept_word(json, "false")) {
      json_number(json);
    }
  } while (depth > 0 && !json->is_broken);
}

bool json_ends(struct json *json) { return !peek(json) && json->at == json->end && !json->is_broken; }

void json_append_text(struct bytes *to, const char *text, size_t length) {
  bytes_append_text(to, "\"");
  for (size_t at = 0; at < length; at++) {
    unsigned char character = (unsigned char)text[at];
    char escape[8];
    if (character == '"' || character == '\\') snprintf(escape, sizeof escape, "\\%c", character);
    else if (character < 0x20) snprintf(escape, sizeof escape, "\\u%04x", character);
    else escape[0] = (char)character, escape[1] = 0;
    bytes_append_text(to, escape);
  }
  bytes_append_text(to, "\"");
}
