/* Just the JSON of the keeper's wire: read in one pass without a tree, since what is looked for is known. */
#ifndef CMDOP_JSON_H
#define CMDOP_JSON_H

#include <stdbool.h>

#include "bytes.h"

struct json {
  const char *at, *end;
  /* Something was not JSON, or not what was asked for: every answer from then on is empty. */
  bool is_broken;
};

/* Begins an object or array at the reader. */
void json_open(struct json *json, char bracket);
/* Whether another element follows; past the closing bracket if not. `is_first` is for the first question of a bracket. */
bool json_next(struct json *json, char closing, bool *is_first);
/* The name of a member, and past its colon. Freed by the caller; NULL where broken. */
char *json_name(struct json *json);
/* Text with its escapes resolved, ended with a zero; `length` may be NULL. Freed by the caller; NULL where broken or U+0000 is in it. */
char *json_text(struct json *json, size_t *length);
/* NaN for null. */
double json_number(struct json *json);
/* True, and past it, where a null stands. */
bool json_null(struct json *json);
/* Past whatever value stands there; its text lies between the two places of `at`. */
void json_skip(struct json *json);
/* Whether nothing but space is left, and nothing was broken. */
bool json_ends(struct json *json);

void json_append_text(struct bytes *to, const char *text, size_t length);

#endif
