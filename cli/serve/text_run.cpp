#include "cli/serve/text_run.h"

#include <fmt/format.h>

#include <array>

#include "cli/serve/api/api_error.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kMostPrompts = 256;

long long whole_number(const MetadataValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* natural = std::get_if<std::uint64_t>(&value))
    return *natural <= INT64_MAX ? std::int64_t(*natural) : -1;
  return -1;
}

// The token that the file names, under its new or its old name.
Token infill_token(const Model& model, std::array<const char*, 2> names) {
  for (const char* name : names) {
    const auto number = model.find_metadata(fmt::format("tokenizer.ggml.{}_token_id", name));
    if (!number) continue;
    const auto values = model.metadata_values(*number);
    const auto id = values.empty() ? -1 : whole_number(values[0]);
    if (id >= 0 && id < model.info().vocab) return Token(id);
  }
  throw ApiError(501, "this model has no tokens for text between two others", "suffix");
}

}  // namespace

TextRun::TextRun(Service& service, const std::vector<std::vector<Token>>& prompts, const ChatAsk& ask,
                 std::shared_ptr<RequestNote> note)
    : answers_(service.scheduler()), note_(std::move(note)) {
  for (const std::vector<Token>& prompt : prompts) {
    check_room(service, prompt.size());
    for (int i = 0; i < ask.answers; ++i) {
      so_far_.emplace_back();
      answers_.add({.prompt = prompt,
                    .sampler = Sampler(service.model(), nth_sampling(ask.sampler, i)),
                    .max_tokens = ask.max_tokens,
                    .stop = ask.stop,
                    .top_log_probabilities = ask.top_log_probabilities,
                    .priority = ask.priority,
                    .adapters = service.adapters().uses(ask.lora),
                    .speculation = ask.speculation});
    }
  }
}

bool TextRun::follow(const HttpRequest& request, const Take& take, const std::function<bool()>& quiet) {
  const auto note = [&](AnswerPart& part) {
    TextSoFar& answer = so_far_[part.index];
    answer.text += part.text;
    answer.steps.insert(answer.steps.end(), part.steps.begin(), part.steps.end());
    if (part.kind == AnswerPart::Kind::end) {
      answer.result = part.result;
      note_->add(part.result);
    }
    return !take || take(part);
  };
  note_->left = !answers_.follow({.alive = request.alive, .take = note, .quiet = quiet});
  return !note_->left;
}

bool TextRun::gather(const HttpRequest& request) {
  if (!follow(request, {})) return false;
  for (const TextSoFar& answer : so_far_)
    if (answer.result.error) std::rethrow_exception(answer.result.error);
  return true;
}

std::vector<Token> token_ids(const Fields& fields, const char* name, const Json& ids, int vocab) {
  std::vector<Token> tokens;
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<long long>() < 0 || id.get<long long>() >= vocab)
      fields.refuse(name, fmt::format("token ids, 0..{}", vocab - 1));
    tokens.push_back(id.get<Token>());
  }
  return tokens;
}

std::vector<std::vector<Token>> read_prompts(const Service& service, const Fields& fields, const char* name) {
  const Model& model = service.model();
  const Json* given = fields.find(name);
  if (given == nullptr) throw ApiError(400, fmt::format("{} is missing", name), name);
  const int vocab = model.info().vocab;
  if (given->is_string()) return {model.encode(given->get<std::string>(), true, true)};
  if (!given->is_array() || given->empty()) fields.refuse(name, "a text, token ids, or an array of either");
  if (given->front().is_number()) return {token_ids(fields, name, *given, vocab)};
  if (given->size() > kMostPrompts) fields.refuse(name, fmt::format("at most {} prompts", kMostPrompts));
  std::vector<std::vector<Token>> prompts;
  for (const Json& item : *given) {
    if (!item.is_string() && !item.is_array())
      fields.refuse(name, "a text, token ids, or an array of either");
    prompts.push_back(item.is_string() ? model.encode(item.get<std::string>(), true, true)
                                       : token_ids(fields, name, item, vocab));
  }
  return prompts;
}

std::vector<Token> infill_prompt(const Service& service, const std::string& prefix,
                                 const std::string& suffix) {
  const Model& model = service.model();
  const Token before = infill_token(model, {"fim_pre", "prefix"}),
              after = infill_token(model, {"fim_suf", "suffix"}),
              middle = infill_token(model, {"fim_mid", "middle"});
  std::vector<Token> prompt = model.encode("");
  const auto add = [&](Token mark, const std::string& text) {
    prompt.push_back(mark);
    const std::vector<Token> tokens = model.encode(text, false);
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  };
  add(before, prefix);
  add(after, suffix);
  prompt.push_back(middle);
  return prompt;
}

}  // namespace longhand::cli
