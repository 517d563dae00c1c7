// GET and POST /lora-adapters
#include "cli/serve/api/lora.h"

#include <cmath>
#include <cstdint>
#include <set>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/endpoints.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

std::vector<float> read_scales(const Service& service, const Json& list, const std::string& path) {
  const std::size_t count = service.adapters().paths().size();
  std::vector<float> scales(count);
  std::set<std::int64_t> said;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Fields item = item_of(list, i, path);
    const auto id = item.integer("id", 0, 1 << 20);
    if (!id) throw ApiError(400, fmt::format("{} is missing", item.path_of("id")), item.path_of("id"));
    if (std::size_t(*id) >= count)
      item.refuse("id",
                  count == 0 ? "left out: the server has no adapters" : fmt::format("0..{}", count - 1));
    const auto scale = item.number("scale");
    if (!scale)
      throw ApiError(400, fmt::format("{} is missing", item.path_of("scale")), item.path_of("scale"));
    if (!std::isfinite(float(*scale))) item.refuse("scale", "a number that a float can hold");
    if (!said.insert(*id).second) item.refuse("id", "another than those before it");
    scales[std::size_t(*id)] = float(*scale);
  }
  return scales;
}

}  // namespace

std::optional<std::vector<float>> read_lora(const Service& service, const Fields& fields) {
  const Json* list = fields.array("lora");
  if (list == nullptr) return std::nullopt;
  return read_scales(service, *list, fields.path_of("lora"));
}

void refuse_lora(const Fields& fields) {
  if (fields.find("lora") != nullptr)
    fields.refuse("lora", "left out: vectors are computed with the scales that the server began with");
}

HttpReply lora_list(Service& service, const Call&) {
  const std::vector<std::string>& paths = service.adapters().paths();
  const std::vector<float> scales = service.adapters().scales();
  Json list = Json::array();
  for (std::size_t i = 0; i < paths.size(); ++i)
    list.push_back({{"id", i}, {"path", paths[i]}, {"scale", scales[i]}});
  return json_reply(list);
}

// Vectors are computed with the scales that the server began with.
HttpReply lora_set(Service& service, const Call& call) {
  if (!service.writes())
    throw ApiError(501, "this model makes vectors or scores of texts: its adapters keep their scales");
  const Json list = parse_body(call.request.body);
  if (!list.is_array()) throw ApiError(400, "the body must be an array of objects with id and scale");
  service.adapters().set_scales(read_scales(service, list, "the body"));
  return json_reply({{"success", true}});
}

}  // namespace longhand::cli
