/* Several questions answered at once, in C: every line of standard input is one. Answers come in the order of
 * the questions. serve MODEL < QUESTIONS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/longhand_c_serve.h"

enum { kQuestions = 16, kLine = 1000, kTokens = 2000, kAnswer = 4000 };

static void check(lh_status status, const lh_error* error) {
  if (status == LH_OK) return;
  fprintf(stderr, "error: %s\n", error->message);
  exit(1);
}

/* Written by the scheduler's thread alone until it rests. */
typedef struct answer {
  char text[kAnswer];
  size_t size;
  lh_status status;
} answer;

static int add(void* user, lh_text text) {
  answer* a = user;
  if (a->size + text.size > kAnswer) return 1;
  memcpy(a->text + a->size, text.data, text.size);
  a->size += text.size;
  return 0;
}

static void end(void* user, const lh_request_result* result) {
  answer* a = user;
  a->status = result->status;
}

static void ask(lh_scheduler* scheduler, const lh_chat* chat, const char* line, answer* to) {
  lh_error error;
  lh_token tokens[kTokens];
  lh_token_buffer prompt = {tokens, kTokens, 0};
  const lh_message question = {"user", {line, strcspn(line, "\n")}, {NULL, 0}};
  const lh_conversation conversation = {&question, 1};
  check(lh_chat_encode(chat, conversation, NULL, &prompt, &error), &error);
  lh_sampler_options sampling = lh_sampler_defaults();
  sampling.temperature = 0;
  lh_generate_options writing = lh_generate_defaults();
  writing.on_text = add;
  writing.on_text_user = to;
  lh_request request = lh_request_defaults();
  request.prompt.data = prompt.data;
  request.prompt.size = prompt.size;
  request.sampler = &sampling;
  request.generate = &writing;
  request.on_end = end;
  request.user = to;
  check(lh_scheduler_submit(scheduler, &request, NULL, &error), &error);
}

int main(int argc, char** argv) {
  static answer answers[kQuestions];
  lh_error error;
  lh_model* model;
  lh_chat* chat;
  lh_scheduler* scheduler;
  char line[kLine];
  int count = 0;
  if (argc != 2) return 2;
  check(lh_model_load(argv[1], NULL, &model, &error), &error);
  check(lh_chat_new(model, NULL, &chat, &error), &error);
  check(lh_scheduler_new(model, NULL, NULL, &scheduler, &error), &error);
  lh_model_free(model); /* the others keep it */
  while (count < kQuestions && fgets(line, sizeof line, stdin) != NULL)
    ask(scheduler, chat, line, &answers[count++]);
  lh_scheduler_wait(scheduler, -1);
  for (int i = 0; i < count; ++i) {
    if (answers[i].status != LH_OK) return 1;
    printf("%.*s\n", (int)answers[i].size, answers[i].text);
  }
  lh_scheduler_free(scheduler);
  lh_chat_free(chat);
  return 0;
}
