// POST /v1/embeddings and /v1/rerank
#include <algorithm>
#include <bit>
#include <numeric>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/lora.h"
#include "cli/serve/api/vectors.h"
#include "cli/serve/event_stream.h"
#include "cli/terminal/clipboard.h"

namespace longhand::cli {
namespace {

std::vector<std::string> read_documents(const Fields& fields) {
  const Json* given = fields.array("documents");
  if (given == nullptr) given = fields.array("texts");
  if (given == nullptr || given->empty() || given->size() > kMostTexts)
    throw ApiError(400, fmt::format("documents must be an array of 1..{} texts", kMostTexts), "documents");
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < given->size(); ++i) {
    const Json& item = (*given)[i];
    documents.push_back(item.is_string() ? item.get<std::string>()
                                         : item_of(*given, i, "documents").needed_text("text"));
  }
  return documents;
}

}  // namespace

HttpReply openai_embeddings(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const std::string format = fields.text("encoding_format", "float");
  if (format != "float" && format != "base64") fields.refuse("encoding_format", "float or base64");
  const auto width = fields.integer("dimensions", 1, 1 << 20);
  Vectors vectors = read_vectors(service, call, fields, "input", false);
  Json data = Json::array();
  for (std::size_t i = 0; i < vectors.values.size(); ++i) {
    std::vector<float> vector = std::move(vectors.values[i]);
    if (width) vector = shorten(std::move(vector), std::size_t(*width));
    static_assert(std::endian::native == std::endian::little);
    const std::string_view bytes(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
    Json values = format == "float" ? Json(vector) : Json(base64(bytes));
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::move(values)}});
  }
  return json_reply({{"object", "list"},
                     {"data", std::move(data)},
                     {"model", service.name()},
                     {"usage", {{"prompt_tokens", vectors.tokens}, {"total_tokens", vectors.tokens}}}});
}

HttpReply openai_rerank(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  refuse_lora(fields);
  const std::string query = fields.needed_text("query");
  const std::vector<std::string> documents = read_documents(fields);
  const auto top = std::size_t(fields.integer("top_n", 1, 1 << 30).value_or(1 << 30));
  const bool with_text = fields.flag("return_documents", false);
  const Scores scores = score_documents(service, call, query, documents);
  std::vector<std::size_t> order(documents.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return scores.values[i]; });
  order.resize(std::min(order.size(), top));
  Json results = Json::array();
  for (const std::size_t i : order) {
    Json result = {{"index", i}, {"relevance_score", scores.values[i]}};
    if (with_text) result["document"] = {{"text", documents[i]}};
    results.push_back(std::move(result));
  }
  return json_reply({{"object", "list"},
                     {"model", service.name()},
                     {"results", std::move(results)},
                     {"usage", {{"prompt_tokens", scores.tokens}, {"total_tokens", scores.tokens}}}});
}

}  // namespace longhand::cli
