#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "keeper.h"

/* A row of texts that ends with NULL, which `first` begins, unless that is NULL. */
struct row {
  char **texts;
  size_t count, room;
};

static void row_add(struct row *row, char *text) {
  if (row->count + 2 > row->room) {
    row->room = row->room ? row->room * 2 : 32;
    char **texts = allocate(row->room * sizeof *texts);
    if (row->count) memcpy(texts, row->texts, row->count * sizeof *texts);
    free(row->texts);
    row->texts = texts;
  }
  row->texts[row->count++] = text;
  row->texts[row->count] = NULL;
}

static void read_arguments(struct json *json, struct row *row) {
  bool is_first = true;
  json_open(json, '[');
  while (json_next(json, ']', &is_first)) row_add(row, json_text(json, NULL));
}

/* As programs have it: NAME=VALUE. */
static void read_environment(struct json *json, struct row *row) {
  bool is_first = true;
  json_open(json, '{');
  while (json_next(json, '}', &is_first)) {
    char *name = json_name(json), *value = json_text(json, NULL);
    if (name && value) {
      size_t length = strlen(name), size = strlen(value);
      char *both = allocate(length + size + 2);
      memcpy(both, name, length);
      both[length] = '=';
      memcpy(both + length + 1, value, size + 1);
      row_add(row, both);
    }
    free(name);
    free(value);
  }
}

static char *read_raw(struct json *json) {
  const char *from = json->at;
  json_skip(json);
  return json->is_broken ? NULL : strndup(from, (size_t)(json->at - from));
}

/* Where output begins: what a number of the wire can say exactly. */
static uint64_t read_offset(struct json *json) {
  double value = json_number(json);
  return value > 0 ? (uint64_t)fmin(value, 0x1p53 - 1) : 0;
}

static unsigned read_size(struct json *json) {
  double value = json_number(json);
  return value >= 1 && value <= 65535 ? (unsigned)value : 1;
}

bool read_spec(const char *text, size_t length, struct keeper *keeper) {
  struct json json = {.at = text, .end = text + length};
  struct program *program = &keeper->program;
  struct row arguments = {0}, environment = {0};
  row_add(&arguments, NULL); /* the file's place */
  row_add(&environment, NULL);
  environment.count = 0;
  bool is_first = true;
  json_open(&json, '{');
  while (json_next(&json, '}', &is_first)) {
    char *name = json_name(&json);
    if (!name) break;
    if (strcmp(name, "session") == 0) keeper->session = json_text(&json, NULL);
    else if (strcmp(name, "socket") == 0) keeper->socket = json_text(&json, NULL);
    else if (strcmp(name, "banner") == 0) keeper->banner = json_text(&json, NULL);
    else if (strcmp(name, "meta") == 0) keeper->meta = read_raw(&json);
    else if (strcmp(name, "startOffset") == 0) keeper->start = read_offset(&json);
    else if (strcmp(name, "file") == 0) program->file = json_text(&json, NULL);
    else if (strcmp(name, "cwd") == 0) program->cwd = json_text(&json, NULL);
    else if (strcmp(name, "cols") == 0) program->columns = read_size(&json);
    else if (strcmp(name, "rows") == 0) program->rows = read_size(&json);
    else if (strcmp(name, "args") == 0) read_arguments(&json, &arguments);
    else if (strcmp(name, "env") == 0) read_environment(&json, &environment);
    else json_skip(&json);
    free(name);
  }
  arguments.texts[0] = program->file;
  program->argv = arguments.texts;
  program->env = environment.texts;
  return json_ends(&json) && keeper->session && keeper->socket && keeper->meta && program->file && program->cwd;
}
