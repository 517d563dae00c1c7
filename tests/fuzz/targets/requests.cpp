// Bodies of requests. The first byte says which API they are for. Whatever comes is taken, or refused with a
// status and a message that its client can read.
#include <nlohmann/json.hpp>

#include "cli/serve/api/anthropic_ask.h"
#include "cli/serve/api/api_error.h"
#include "cli/serve/api/ollama_shapes.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/api/responses.h"
#include "cli/serve/text_run.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::fuzz {
namespace {

using namespace cli;

Service make_service() {
  const test::TempDir folder;
  test::tiny_llama().write(folder.file("tiny.gguf"));
  SchedulerOptions scheduler;
  scheduler.session.context = 256;
  scheduler.session.threads = 1;
  return {Model::load(folder.file("tiny.gguf")), {.path = "tiny.gguf", .scheduler = scheduler}};
}

// Reading a request, and writing its conversation with the model's template.
void read(char api, std::string_view body, Service& service) {
  const Json json = parse_request(std::string(body));
  const Fields fields(json);
  ChatAsk ask;
  if (api == 'p') {
    read_prompts(service, fields, "prompt");
    return;
  }
  if (api == 'o') {
    read_ollama_options(service, fields, ask);
    return;
  }
  ask = api == 'm'   ? read_anthropic_ask(service, fields)
        : api == 'r' ? read_response_ask(service, fields)
                     : read_chat(service, fields);
  const ToolSet tools(service.written(), ask.tools, ask.tool_options);
  const ToolPrompt prompt = tools.prompt(ask.messages, ask.chat);
  tools.constrain(ask.sampler, prompt);
  const Sampler sampler(service.model(), ask.sampler);
}

}  // namespace

void run(std::string_view input) {
  static Service service = make_service();
  if (input.empty()) return;
  constexpr std::pair<char, const char*> kPaths[] = {
      {'m', "/v1/messages"}, {'o', "/api/chat"}, {'r', "/v1/responses"}, {'p', "/v1/completions"}};
  const char api = input.front();
  try {
    accepts([&] { read(api, input.substr(1), service); });
  } catch (const ApiError& error) {
    check(error.status() == 400 || error.status() == 501, "a request is refused as such");
    check(*error.what() != '\0', "a refusal says why");
    for (const auto& [letter, path] : kPaths)
      check(letter != api || nlohmann::json::accept(error_body(path, error)), "a refusal is JSON");
  }
}

}  // namespace longhand::fuzz
