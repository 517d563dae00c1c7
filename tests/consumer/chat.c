/* A chat in C: every line of standard input is a message. chat MODEL < QUESTIONS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/longhand_c.h"

enum { kMessages = 64, kLine = 1000 };

static void check(lh_status status, const lh_error* error) {
  if (status == LH_OK) return;
  fprintf(stderr, "error: %s\n", error->message);
  exit(1);
}

static int print(void* user, lh_text text) {
  (void)user;
  return fwrite(text.data, 1, text.size, stdout) != text.size;
}

static char* copy(const char* text, size_t size) {
  char* out = malloc(size + 1);
  if (out == NULL) exit(1);
  memcpy(out, text, size);
  out[size] = '\0';
  return out;
}

/* The tokens of the conversation so far; to be freed. */
static lh_token_buffer encode(const lh_chat* chat, lh_conversation conversation) {
  lh_error error;
  lh_token_buffer tokens = {NULL, 0, 0};
  lh_status status = lh_chat_encode(chat, conversation, NULL, &tokens, &error);
  if (status == LH_E_BUFFER) {
    tokens.capacity = tokens.size;
    tokens.data = malloc(tokens.capacity * sizeof *tokens.data);
    if (tokens.data == NULL) exit(1);
    status = lh_chat_encode(chat, conversation, NULL, &tokens, &error);
  }
  check(status, &error);
  return tokens;
}

/* Goes back to where the session and the conversation part; what they share need not be computed again. */
static size_t keep_common(lh_session* session, lh_token_buffer tokens) {
  const lh_tokens held = lh_session_tokens(session);
  lh_error error;
  size_t same = 0;
  while (same + 1 < tokens.size && same < held.size && held.data[same] == tokens.data[same]) ++same;
  check(lh_rewind(session, (int32_t)same, &error), &error);
  return same;
}

int main(int argc, char** argv) {
  lh_error error;
  lh_model* model;
  lh_session* session;
  lh_sampler* sampler;
  lh_chat* chat;
  if (argc != 2) return 2;
  check(lh_model_load(argv[1], NULL, &model, &error), &error);
  check(lh_session_new(model, NULL, &session, &error), &error);
  lh_sampler_options sampling = lh_sampler_defaults();
  sampling.temperature = 0;
  check(lh_sampler_new(model, &sampling, &sampler, &error), &error);
  check(lh_chat_new(model, NULL, &chat, &error), &error);

  lh_message messages[kMessages] = {{"", {NULL, 0}, {NULL, 0}}};
  lh_conversation conversation = {messages, 0};
  lh_generate_options writing = lh_generate_defaults();
  writing.on_text = print;
  char line[kLine];
  while (conversation.count + 2 <= kMessages && fgets(line, sizeof line, stdin) != NULL) {
    const size_t length = strcspn(line, "\n");
    const lh_text question = {copy(line, length), length};
    messages[conversation.count].role = "user";
    messages[conversation.count++].content = question;

    const lh_token_buffer tokens = encode(chat, conversation);
    const size_t known = keep_common(session, tokens);
    const lh_tokens prompt = {tokens.data + known, tokens.size - known};
    lh_generate_result result;
    result.size = sizeof result;
    check(lh_generate(session, sampler, prompt, &writing, &result, &error), &error);
    printf("\n");
    free(tokens.data);

    const lh_text answer = {copy(result.text.data, result.text.size), result.text.size};
    messages[conversation.count].role = "assistant";
    messages[conversation.count++].content = answer;
  }
  for (size_t i = 0; i < conversation.count; ++i) free((void*)messages[i].content.data);
  lh_chat_free(chat);
  lh_sampler_free(sampler);
  lh_session_free(session);
  lh_model_free(model);
  return 0;
}
