/* A conversation in C: every line of standard input is a message. talk MODEL < QUESTIONS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/longhand_c.h"

static void check(lh_status status, const lh_error* error) {
  if (status == LH_OK) return;
  fprintf(stderr, "error: %s\n", error->message);
  exit(1);
}

static int print(void* user, lh_text text, int reasoning) {
  (void)user;
  return !reasoning && fwrite(text.data, 1, text.size, stdout) != text.size;
}

int main(int argc, char** argv) {
  lh_error error;
  lh_model* model;
  lh_chat_session* chat;
  char line[1000];
  if (argc != 2) return 2;
  check(lh_model_load(argv[1], NULL, &model, &error), &error);
  lh_sampler_options sampling = lh_sampler_defaults();
  sampling.temperature = 0;
  lh_chat_settings settings = lh_chat_settings_defaults();
  settings.sampler = &sampling;
  check(lh_chat_session_new(model, &settings, NULL, NULL, &chat, &error), &error);
  lh_model_free(model); /* the chat keeps it */

  lh_chat_listener listener = {sizeof listener, print, NULL, NULL, NULL};
  while (fgets(line, sizeof line, stdin) != NULL) {
    const lh_text message = {line, strcspn(line, "\n")};
    check(lh_chat_session_ask(chat, message, &listener, NULL, &error), &error);
    printf("\n");
  }
  lh_chat_session_free(chat);
  return 0;
}
