#include "cli/serve/api/vectors.h"

#include <cmath>
#include <numeric>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/lora.h"
#include "cli/serve/text_run.h"

namespace longhand::cli {
namespace {

using Input = Embedder::Input;

void check_length(const Embedder& embedder, const Input& input, std::size_t number) {
  if (input.left_out == 0 && input.tokens.size() <= std::size_t(embedder.context())) return;
  throw Error(Errc::context_full,
              fmt::format("text {} has {} tokens, more than the {} that the model reads", number,
                          input.tokens.size() + std::size_t(input.left_out), embedder.context()));
}

Input input_of(const Fields& fields, const char* name, const Json& item, const Embedder& embedder) {
  if (item.is_string()) return embedder.encode(item.get<std::string>());
  if (!item.is_array()) fields.refuse(name, "a text, token ids, or an array of either");
  Input input;
  input.tokens = token_ids(fields, name, item, embedder.model().info().vocab);
  return input;
}

std::vector<Input> inputs_of(const Fields& fields, const char* name, const Embedder& embedder) {
  const Json* given = fields.find(name);
  if (given == nullptr) throw ApiError(400, fmt::format("{} is missing", name), name);
  const bool one = given->is_string() || (given->is_array() && !given->empty() && given->front().is_number());
  if (one) return {input_of(fields, name, *given, embedder)};
  if (!given->is_array() || given->empty() || given->size() > kMostTexts)
    fields.refuse(name, fmt::format("a text, token ids, or an array of 1..{} of either", kMostTexts));
  std::vector<Input> inputs;
  for (const Json& item : *given) inputs.push_back(input_of(fields, name, item, embedder));
  return inputs;
}

// In the order of the texts.
Vectors compute(Embedder& embedder, const Call& call, std::vector<Input> inputs) {
  Vectors out;
  out.values.resize(inputs.size());
  std::vector<std::vector<Token>> texts;
  for (Input& input : inputs) {
    out.tokens += int(input.tokens.size());
    texts.push_back(std::move(input.tokens));
  }
  embedder.clear_cancel();
  embedder.on_progress([&embedder, alive = call.request.alive](int, int) {
    if (!alive()) embedder.cancel();
  });
  if (!call.request.alive()) embedder.cancel();  // while it waited for others
  embedder.embed(texts, [&](std::size_t i, std::span<const float> vector) {
    out.values[i].assign(vector.begin(), vector.end());
  });
  return out;
}

void check_vectors(const Embedder& embedder) {
  if (embedder.pooling() == Pooling::rank)
    throw ApiError(501, "this model makes scores of texts: ask /v1/rerank");
  if (embedder.pooling() == Pooling::none) throw ApiError(501, "this model makes a vector for each token");
}

}  // namespace

Vectors read_vectors(Service& service, const Call& call, const Fields& fields, const char* name,
                     bool may_cut) {
  refuse_lora(fields);
  Vectors vectors = service.embed([&](Embedder& embedder) {
    check_vectors(embedder);
    std::vector<Input> inputs = inputs_of(fields, name, embedder);
    for (std::size_t i = 0; i < inputs.size() && !may_cut; ++i) check_length(embedder, inputs[i], i);
    return compute(embedder, call, std::move(inputs));
  });
  call.note->answers = int(vectors.values.size());
  call.note->prompt_tokens = vectors.tokens;
  call.note->end = "done";
  return vectors;
}

Scores score_documents(Service& service, const Call& call, const std::string& query,
                       const std::vector<std::string>& documents) {
  return service.embed([&](Embedder& embedder) {
    std::vector<Input> inputs;
    if (embedder.pooling() == Pooling::none) check_vectors(embedder);
    const bool pairs = embedder.pooling() == Pooling::rank;
    if (!pairs) inputs.push_back(embedder.encode(query));
    for (const std::string& document : documents)
      inputs.push_back(pairs ? embedder.encode_pair(query, document) : embedder.encode(document));
    const Vectors vectors = compute(embedder, call, std::move(inputs));
    Scores scores{.values = {}, .tokens = vectors.tokens};
    for (std::size_t i = pairs ? 0 : 1; i < vectors.values.size(); ++i) {
      const std::vector<float>& v = vectors.values[i];
      scores.values.push_back(
          pairs ? v[0] : std::inner_product(v.begin(), v.end(), vectors.values[0].begin(), 0.0f));
    }
    return scores;
  });
}

std::vector<float> shorten(std::vector<float> vector, std::size_t width) {
  if (width >= vector.size()) return vector;
  vector.resize(width);
  double squares = 0;
  for (const float x : vector) squares += double(x) * x;
  if (squares > 0)
    for (float& x : vector) x = float(x / std::sqrt(squares));
  return vector;
}

}  // namespace longhand::cli
